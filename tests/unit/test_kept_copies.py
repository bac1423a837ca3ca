"""Which tasks repeat each other is found once for the same contents, and kept on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from backend.copies import Grouped, keyed_and_grouped
from backend.jobs import kept_copies
from backend.jobs.kept_copies import FILE, KeptCopies
from backend.store.paths import project_dir
from tests.fakes.loop import Loop

TEXTS = ["a fire", "A fire!", "a flood", "café"]


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Of how many texts copies were found anew, each time."""
    found: list[int] = []

    def counted(texts: Sequence[str], features: Tensor) -> Grouped:
        found.append(len(texts))
        return keyed_and_grouped(texts, features)

    monkeypatch.setattr(kept_copies, "keyed_and_grouped", counted)
    return found


def test_the_same_contents_are_looked_at_once(tmp_path: Path, looked: list[int]) -> None:
    features = torch.eye(4)
    first = KeptCopies(tmp_path).grouped(TEXTS, features)
    again = KeptCopies(tmp_path).grouped(list(TEXTS), features.clone())
    assert looked == [4]
    for one, other, true in zip(first, again, keyed_and_grouped(TEXTS, features), strict=True):
        assert one.tolist() == other.tolist() == true.tolist()


@pytest.mark.parametrize(
    "texts", [["a fire", "A fire!", "a flood", "cafe"], ["a fireA", " fire!", "a flood", "café"]]
)
def test_another_text_is_looked_at(tmp_path: Path, looked: list[int], texts: list[str]) -> None:
    KeptCopies(tmp_path).grouped(TEXTS, torch.eye(4))
    keys, _ = KeptCopies(tmp_path).grouped(texts, torch.eye(4))
    assert looked == [4, 4]
    assert keys.tolist() == keyed_and_grouped(texts, torch.eye(4))[0].tolist()


def test_another_vector_another_rule_and_a_damaged_file_are_looked_at(
    tmp_path: Path, looked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, features = KeptCopies(tmp_path), torch.eye(4)
    kept.grouped(TEXTS, features)
    kept.grouped(TEXTS, features + 1e-6)
    assert len(looked) == 2
    monkeypatch.setattr(kept_copies, "RULES", 2)
    kept.grouped(TEXTS, features + 1e-6)
    assert len(looked) == 3
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    kept.grouped(TEXTS, features + 1e-6)
    assert len(looked) == 4


def test_a_retrain_for_labels_looks_for_no_copies_and_orders_as_one_that_does(
    loop: Loop, looked: list[int]
) -> None:
    project = loop.create(20, labeled=6)
    loop.retrain(project)
    loop.label(project, loop.queue(project)[0])
    loop.retrain(project)
    order = loop.queue(project)
    assert looked == [20]
    (project_dir(loop.settings.data_dir, project.id) / FILE).unlink()
    loop.label(project, order[0])
    loop.retrain(project)
    after = loop.queue(project)
    loop.state(project).want_version()
    loop.retrain(project)
    assert loop.queue(project) == after
    assert looked == [20, 20]
