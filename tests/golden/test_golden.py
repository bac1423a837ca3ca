"""What is published stays what it was: the order but for ties, numbers to 1e-5.

Recorded by `python -m tests.golden.record`, with ENCODER=lsa and one thread. On a processor that rounds
otherwise than that of the recording, whatever is asked of it, guesses are compared, and their scores to 0.03.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.golden.cases import CASES, STRATEGIES
from tests.golden.record import Recording, made_now, recorded

CLOSE = 1e-5
NEAR = 0.03
"""Four times the largest difference of two ways to round, seen on one processor."""


@pytest.fixture(scope="module")
def today() -> Recording:
    return made_now()


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("case", CASES)
def test_what_is_published_is_as_recorded(today: Recording, case: str, strategy: str) -> None:
    before = recorded()
    same = compare if today.rounding == before.rounding else compare_guesses
    for stage in ("cold", "trained"):
        same(today.published[case][strategy][stage], before.published[case][strategy][stage])


def compare(now: dict[str, Any], then: dict[str, Any]) -> None:
    assert sorted(now["order"]) == sorted(then["order"])
    assert now["scores"] == pytest.approx(then["scores"], abs=CLOSE)
    by_task = [_by_task(each) for each in (now, then)]
    for task, (worth, regions) in by_task[1].items():
        found, shown = by_task[0][task]
        assert found == (None if worth is None else pytest.approx(worth, abs=CLOSE)), task
        assert [each[:2] for each in shown] == [each[:2] for each in regions], task
        assert [each[2] for each in shown] == pytest.approx([each[2] for each in regions], abs=CLOSE), task
    for place, (here, there) in enumerate(zip(now["order"], then["order"], strict=True)):
        assert here == there or _tie(by_task[1][here], by_task[1][there]), f"place {place}"


def compare_guesses(now: dict[str, Any], then: dict[str, Any]) -> None:
    assert sorted(now["order"]) == sorted(then["order"])
    found, known = ({task: regions for task, (_, regions) in _by_task(each).items()} for each in (now, then))
    for task, regions in known.items():
        assert [each[:2] for each in found[task]] == [each[:2] for each in regions], task
        assert [each[2] for each in found[task]] == pytest.approx([each[2] for each in regions], abs=NEAR), (
            task
        )


def _by_task(published: dict[str, Any]) -> dict[int, tuple[float | None, list[Any]]]:
    worth = published["worth"] or [None] * len(published["order"])
    return dict(zip(published["order"], zip(worth, published["shown"], strict=True), strict=True))


def _tie(one: tuple[float | None, Any], other: tuple[float | None, Any]) -> bool:
    return one[0] is not None and other[0] is not None and abs(one[0] - other[0]) <= CLOSE


def test_a_difference_is_found() -> None:
    then = recorded().published["single"]["margin"]["trained"]
    compare(then, then)
    order = then["order"]
    changed = [
        {**then, "order": [order[-1], *order[1:-1], order[0]]},
        {**then, "worth": [then["worth"][0] + 1e-3, *then["worth"][1:]]},
        {**then, "shown": [[["c", ["money"], 0.123456]], *then["shown"][1:]]},
        {**then, "order": order[:-1], "scores": then["scores"][:-1]},
    ]
    for other in changed:
        with pytest.raises(AssertionError):
            compare(other, then)


def test_a_difference_is_found_however_the_processor_rounds() -> None:
    then = recorded().published["single"]["margin"]["trained"]
    shown = then["shown"]
    compare_guesses(then, then)
    for other in [[["c", ["other"], shown[0][0][2]]], [[*shown[0][0][:2], shown[0][0][2] - 0.1]]]:
        with pytest.raises(AssertionError):
            compare_guesses({**then, "shown": [other, *shown[1:]]}, then)
