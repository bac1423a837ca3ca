"""What a project's connections ask for."""

from __future__ import annotations

from typing import Any

import pytest

from backend.labelstudio.connection import Wishes, strategy_in, weights_in, wishes_of


@pytest.mark.parametrize(
    ("extra_params", "strategy"),
    [
        ({"strategy": " atlas "}, "atlas"),
        ('{"strategy": "atlas"}', "atlas"),
        ({"strategy": "  "}, None),
        ({"strategy": ""}, None),
        ({"strategy": None}, None),
        ({"other": 1}, None),
        ("not JSON", None),
        ([], None),
        (None, None),
    ],
)
def test_the_strategy_that_extra_params_name(extra_params: Any, strategy: str | None) -> None:
    assert strategy_in(extra_params) == strategy


@pytest.mark.parametrize(
    ("extra_params", "weights"),
    [
        ({"control_weights": " mood=3,topic=1 "}, "mood=3,topic=1"),
        ({"control_weights": {"mood": 3, "topic": 1}}, "mood=3,topic=1"),
        ('{"control_weights": {"mood": 3}}', "mood=3"),
        ({"control_weights": ""}, None),
        ({"control_weights": {}}, None),
        ({"strategy": "atlas"}, None),
        (None, None),
    ],
)
def test_the_weights_that_extra_params_name(extra_params: Any, weights: str | None) -> None:
    assert weights_in(extra_params) == weights


def connection(number: int, strategy: str | None, **more: Any) -> dict[str, Any]:
    url = f"http://{number}.internal"
    return {"id": number, "url": url, "extra_params": {"strategy": strategy}, **more}


def test_a_blank_strategy_hides_no_other() -> None:
    assert wishes_of([connection(1, "  "), connection(2, "atlas")]).strategy == "atlas"


def test_of_several_strategies_the_oldest_connections_counts_however_they_are_listed() -> None:
    listed = [connection(12, "margin"), connection(3, "atlas"), connection(5, "random")]
    addresses = "3=http://3.internal 5=http://5.internal 12=http://12.internal"
    expected = Wishes(True, "atlas", None, True, connected=True, addresses=addresses)
    assert wishes_of(listed) == wishes_of(listed[::-1]) == expected
    assert not wishes_of([connection(1, "atlas"), connection(2, "atlas")]).disputed
    assert wishes_of([connection(1, None), connection(2, "atlas")]).disputed
    weighed = {"extra_params": {"strategy": "atlas", "control_weights": "mood=1"}}
    assert wishes_of([connection(1, "atlas"), connection(2, "atlas") | weighed]).disputed
    assert wishes_of([connection(1, "atlas"), connection(2, "atlas") | weighed]).weights == "mood=1"


def test_updates_are_wanted_unless_all_connections_refuse() -> None:
    assert wishes_of([]) == Wishes()
    held = connection(1, None, auto_update=False)
    assert not wishes_of([held]).updates
    assert wishes_of([held, connection(2, None)]).updates
