"""The history as a curve: as much work for a long one as for a short one."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from backend.store import past
from backend.store.files import Files
from backend.store.history import History
from backend.store.past import MOST_POINTS, RECENT, curve, recent


def history_of(directory: Path, retrains: int) -> tuple[History, Files]:
    files = Files(directory)
    history = History(files)
    rows: list[dict[str, Any]] = [
        {
            "version": f"atlas-{i:06d}",
            "trained_on": i,
            "accuracy": 0.5,
            "labels": {"a": i},
            "notes": ["x" * 300],
        }
        for i in range(retrains)
    ]
    history.add(rows)
    return history, files


@pytest.mark.parametrize("retrains", [1, 20, 999, 20_000])
def test_a_curve_spans_the_whole_history_in_few_points(tmp_path: Path, retrains: int) -> None:
    found = curve(*history_of(tmp_path, retrains), str(tmp_path))
    assert len(found) == min(retrains, len(found)) <= MOST_POINTS
    labels = [entry["trained_on"] for entry in found]
    assert labels == sorted(labels)
    assert labels[-1] == retrains - 1
    assert labels[0] == 0
    gaps = [after - before for before, after in pairwise(labels)]
    assert max(gaps, default=0) <= retrains / 20 + 1
    assert "notes" not in found[0]


def test_after_a_retrain_a_look_at_20_000_parses_no_more_than_at_some_hundreds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = 0
    loads = json.loads

    def counted(text: str) -> Any:
        nonlocal parsed
        parsed += 1
        return loads(text)

    monkeypatch.setattr("json.loads", counted)
    costs = {}
    for retrains in (900, 20_000):
        place = tmp_path / str(retrains)
        history, files = history_of(place, retrains)
        curve(history, files, str(place))
        history.add([{"version": "atlas-999999", "trained_on": retrains}])
        parsed = 0
        curve(history, files, str(place))
        recent(history, files, str(place), 20)
        costs[retrains] = parsed
    assert costs[20_000] <= 1.2 * costs[900]


def test_a_torn_line_of_an_old_part_is_left_out(tmp_path: Path) -> None:
    history, files = history_of(tmp_path, 2000)
    (first, *_) = history.parts()
    files.write(first, b"{not json\n" + b'["no entry"]\n')
    past._sample.cache_clear()
    assert len(curve(history, files, str(tmp_path))) > MOST_POINTS // 2


def test_recent_are_the_last_ones(tmp_path: Path) -> None:
    history, files = history_of(tmp_path, 1001)
    assert [entry["trained_on"] for entry in recent(history, files, "a", 3)] == [998, 999, 1000]
    assert len(recent(history, files, "a", 400)) == RECENT
    history.add([{"version": "atlas-001002", "trained_on": 1001}])
    assert recent(history, files, "a", 1)[0]["trained_on"] == 1001
