"""What adapted layers see of a project's items, kept in a file: whole, or damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import DamagedFile
from backend.store.adapted_views import AdaptedViews, KeptViews, path_of
from backend.store.files import Files
from backend.store.tensors import pack

MODEL = "a" * 64


def test_it_is_read_as_it_was_saved(tmp_path: Path) -> None:
    views = AdaptedViews(Files(tmp_path))
    assert not views.is_kept(MODEL)
    seen, fold_of = torch.arange(12).view(2, 3, 2).half(), torch.tensor([0, -1, 2])
    views.save(MODEL, KeptViews([b"1" * 16, b"2" * 16, b"3" * 16], 512, seen, fold_of))
    assert views.is_kept(MODEL)
    found = views.read(MODEL)
    assert (list(found.digests), found.start) == ([b"1" * 16, b"2" * 16, b"3" * 16], 512)
    assert torch.equal(found.seen, seen)
    assert torch.equal(found.fold_of, fold_of)


@pytest.mark.parametrize("written", [b"", b"\0" * 64, pack({"digests": np.zeros(3)})])
def test_what_holds_no_views_is_damage(tmp_path: Path, written: bytes) -> None:
    files = Files(tmp_path)
    files.write(path_of(MODEL), written)
    with pytest.raises(DamagedFile):
        AdaptedViews(files).read(MODEL)
