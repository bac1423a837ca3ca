"""What a model wrote is known however the record grows, for each text costs something."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.store.files import Files
from backend.store.written_texts import WrittenText, WrittenTexts

ONE, OTHER = WrittenText("one", "1", 0.5), WrittenText("other", "2", None)


def test_a_part_that_grows_while_it_is_read_is_read_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path)
    WrittenTexts(files).keep(ONE)
    reading, real = WrittenTexts(files), WrittenTexts.rows

    def rows(self: WrittenTexts, path: str) -> list[WrittenText]:
        if self is reading and path.endswith("0001.json"):
            WrittenTexts(files).keep(OTHER)  # by another job, which replaces the part
        return real(self, path)

    monkeypatch.setattr(WrittenTexts, "rows", rows)
    assert [reading.of(each.key) for each in (ONE, OTHER)] == [ONE, OTHER]
