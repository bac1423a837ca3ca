"""Why a task stood where it did, and what is kept of it for each published head."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.store.files import Files
from backend.store.reason import AUDIT, BEHIND, HOWS, NOBODY, PICKED, WANTED, Reason
from backend.store.served import KEPT, ServedHeads, as_rows, rows_from

WHOLE = Reason(PICKED, "margin", "v3", "c", 4, 20, 2, 0.25, 0.5, 0.75, 3, 0.125)


def test_it_comes_back_from_json_and_what_a_later_release_adds_is_left_out() -> None:
    assert Reason.from_json(WHOLE.as_json()) == WHOLE
    assert Reason.from_json({**WHOLE.as_json(), "mood": "glad"}) == WHOLE
    assert Reason.from_json({"how": AUDIT}) == Reason(AUDIT)
    with pytest.raises(TypeError):
        Reason.from_json({"strategy": "margin"})


@pytest.mark.parametrize(
    ("reason", "by_chance"),
    [
        (Reason(AUDIT), True),
        (Reason(PICKED, "random"), True),
        (Reason(PICKED, "audit"), True),
        (Reason(PICKED, "margin"), False),
        (Reason(BEHIND), False),
    ],
)
def test_whether_chance_alone_decided(reason: Reason, by_chance: bool) -> None:
    assert reason.is_by_chance is by_chance


def test_what_somebody_wanted_was_brought_by_no_strategy_and_no_draw() -> None:
    wanted = WHOLE.as_wanted()
    assert (wanted.how, wanted.strategy, wanted.round, wanted.chance) == (WANTED, NOBODY, None, None)
    assert (wanted.place, wanted.p_wrong, wanted.version) == (4, 0.25, "v3")
    assert set(HOWS) >= {wanted.how, WHOLE.how}


def test_rows_name_each_column_once() -> None:
    reasons = {7: WHOLE, 3: Reason(BEHIND)}
    rows = as_rows(reasons)
    assert rows["columns"][:2] == ["task", "how"]
    assert [row[0] for row in rows["rows"]] == [7, 3]
    assert rows_from(rows) == reasons


@pytest.mark.parametrize(
    "rows",
    [{}, {"columns": ["task"], "rows": [[1]]}, {"columns": ["task", "how"], "rows": [[1]]}, {"columns": 3}],
)
def test_other_rows_are_refused(rows: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        rows_from(rows)


def test_heads_are_kept_of_the_newest_versions(tmp_path: Path) -> None:
    heads = ServedHeads(Files(tmp_path))
    names = [f"atlas-{i:06d}" for i in range(1, KEPT + 4)]
    for name in names:
        heads.write(name, {1: WHOLE})
    kept = [name for name in names if heads.read(name) is not None]
    assert kept == names[-KEPT:]


def test_what_comes_into_a_published_head_is_added(tmp_path: Path) -> None:
    heads = ServedHeads(Files(tmp_path))
    heads.add("v1", {1: WHOLE})
    heads.add("v1", {2: Reason(BEHIND), 1: Reason(AUDIT)})
    assert heads.read("v1") == {1: Reason(AUDIT), 2: Reason(BEHIND)}
    assert heads.read("v2") is None
