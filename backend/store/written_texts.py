"""What a model wrote, by what it was told: each text is sent to each model once."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

from backend.store.grown import GrownRecord
from backend.store.kept_json import UNREADABLE

logger = logging.getLogger(__name__)


class WrittenText(NamedTuple):
    """key: `key_of` what it was told; text: "" where it wrote nothing; sure: in [0, 1], None where it does
    not say."""

    key: str
    text: str
    sure: float | None


def key_of(version: str, text: str) -> str:
    """version: of the model, by its name and what it is told to do."""
    return blake2b(f"{version}\0{text}".encode("utf-8", "replace"), digest_size=12).hexdigest()


class WrittenTexts(GrownRecord[WrittenText]):
    """Of one project; read once. Raises ModelStoreError where that fails."""

    folder = "written"
    ending = ".json"
    part_rows = 200

    def of(self, key: str) -> WrittenText | None:
        return self._known.get(key)

    def keep(self, written: WrittenText) -> None:
        """At once: it has cost something."""
        self.add([written])
        self._known[written.key] = written

    @cached_property
    def _known(self) -> dict[str, WrittenText]:
        """A part that grows while it is read has another name by then, under which it is read once more."""
        known, read = dict[str, WrittenText](), set[str]()
        while new := [path for path in self.parts() if path not in read]:
            known |= {row.key: row for path in new for row in self.rows(path)}
            read |= {*new}
        return known

    def encoded(self, rows: Sequence[WrittenText]) -> bytes:
        return json.dumps([list(row) for row in rows]).encode()

    def rows(self, path: str) -> list[WrittenText]:
        try:
            return [_row(*row) for row in json.loads(self._files.read_constant(path))]
        except UNREADABLE as error:
            logger.warning("what a model wrote is asked for again, %s cannot be read: %s", path, error)
            return []


def _row(key: str, text: str, sure: float | None) -> WrittenText:
    return WrittenText(str(key), str(text), None if sure is None else float(sure))
