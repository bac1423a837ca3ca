"""The history at a glance: a page reads as much of a long one as of a short one."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from backend.store.files import Files
from backend.store.glance import MOST_POINTS, RECENT, Glance, from_json
from backend.store.history import GLANCE, History
from backend.store.locations import project_files
from tests.fakes.loop import Loop
from tests.unit.page_visits import page_of, two_versions, visit

LONG = 20_000


def entries(retrains: int, first: int = 0) -> list[dict[str, Any]]:
    """As long as real ones."""
    estimate = {"accuracy": {"value": 0.8, "low": 0.7, "high": 0.9}, "per_class": {"a": {"value": 0.5}}}
    told = {"accuracy": 0.5, "labels": {"a": 1}, "notes": ["x" * 300], "estimate": estimate}
    return [
        {"version": f"atlas-{i:06d}", "trained_on": i, "at": "2026-11-27T20:00:00+00:00", **told}
        for i in range(first, first + retrains)
    ]


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("retrains", [1, 20, 999, LONG])
def test_a_glance_spans_the_whole_history_in_few_points(tmp_path: Path, retrains: int, is_kept: bool) -> None:
    files = Files(tmp_path)
    history = History(files)
    history.add(entries(retrains))
    if not is_kept:  # a release before wrote the history
        files.delete(GLANCE)
    found = history.glance()
    labels = [entry["trained_on"] for entry in found.curve]
    assert len(labels) <= MOST_POINTS + 1
    assert labels == sorted(set(labels))
    assert (labels[0], labels[-1]) == (0, retrains - 1)
    assert max((after - before for before, after in pairwise(labels)), default=0) <= retrains / 16 + 1
    first = max(0, retrains - RECENT)
    assert [entry["trained_on"] for entry in found.recent] == list(range(first, retrains))
    assert not {"notes", "labels"} & found.recent[0].keys()
    assert "per_class" not in found.recent[0]["estimate"]


def test_one_by_one_or_all_at_once_or_read_from_the_parts_a_glance_is_the_same(tmp_path: Path) -> None:
    rows, grown = entries(2_345), Glance()
    for row in rows:
        grown = grown.with_new([row])
    history = History(Files(tmp_path))
    history.add(rows)
    assert grown == Glance().with_new(rows) == history._glanced() == from_json(grown.as_json())


def test_a_glance_that_missed_a_retrain_is_made_anew_by_the_next(tmp_path: Path) -> None:
    files = Files(tmp_path)
    history = History(files)
    history.add(entries(600))
    missed = files.read(GLANCE)
    history.add(entries(1, 600))
    for wrong in (missed, b"{not json", b'{"count": 1, "step": 0, "points": [], "recent": []}', b"[]"):
        files.write(GLANCE, wrong)
        history.add(entries(1, len(history.read())))
        assert history.glance() == Glance().with_new(history.read())


def test_a_torn_line_of_an_old_part_is_left_out(tmp_path: Path) -> None:
    files = Files(tmp_path)
    history = History(files)
    history.add(entries(2_000))
    (first, *_) = history.parts()
    files.write(first, b"{not json\n" + b'["no entry"]\n')
    files.delete(GLANCE)
    assert [entry["trained_on"] for entry in history.glance().points] == list(range(512, 2_000, 64))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How much is read of files, and of JSON."""
    counts: Counter[str] = Counter()
    loads, read, paths = json.loads, Files.read, Files.paths

    def read_counted(files: Files, path: str) -> bytes:
        counts[path.split("/")[0]] += 1
        return read(files, path)

    def paths_counted(files: Files, folder: str = "", ending: str = "") -> list[str]:
        found = paths(files, folder, ending)
        counts[f"listed in {folder.split('/')[0]}"] += len(found)
        return found

    def loads_counted(text: str | bytes, **more: Any) -> Any:
        counts["parsed"] += 1
        counts["characters"] += len(text)
        return loads(text, **more)

    monkeypatch.setattr(Files, "read", read_counted)
    monkeypatch.setattr(Files, "paths", paths_counted)
    monkeypatch.setattr("json.loads", loads_counted)
    return counts


def test_a_page_reads_as_much_of_20_000_retrains_as_of_some(loop: Loop, counted: Counter[str]) -> None:
    project = two_versions(loop)
    client, history = visit(loop), History(project_files(loop.settings, project.id))
    history.add(entries(98))
    read = []
    for _ in range(2):
        page_of(client, project)  # asks for what is counted once
        counted.clear()
        page_of(client, project)
        read.append(dict(counted))
        history.add(entries(LONG, 100))
    some, many = read
    assert some["history"] == many["history"] == 1
    assert some.keys() == many.keys()
    assert many.pop("characters") <= 1.5 * some.pop("characters")
    assert many == some
