"""Texts that wait for their vectors: a damaged file is given up, one that cannot be read just then is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backend.store.files import Files
from backend.store.waiting import Shard, WaitingTexts


def test_what_cannot_be_read_just_then_waits_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waiting = WaitingTexts(Files(tmp_path))
    (shard,) = waiting.add("lsa", ["one", "two"], 10)

    def too_many_open_files(self: Any, path: str) -> bytes:
        raise OSError(24, "too many open files")

    with monkeypatch.context() as busy:
        busy.setattr(Files, "read_constant", too_many_open_files)
        with pytest.raises(OSError, match="too many"):
            waiting.texts(shard)
    assert waiting.texts(shard) == ["one", "two"]


def test_a_damaged_file_is_deleted(tmp_path: Path) -> None:
    waiting = WaitingTexts(Files(tmp_path))
    (shard,) = waiting.add("lsa", ["one", "two"], 10)
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    file.write_bytes(b"{")
    assert waiting.texts(shard) == []
    assert not file.exists()
    assert waiting.texts(Shard("lsa", "0" * 16, 2)) == []
