"""The labels with their reasons, kept as a file beside the versions until somebody downloads it."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from backend.results.label_files import write_labels
from backend.results.labels import Labels, in_words
from backend.store.files import Files
from backend.store.kept_json import UNREADABLE

FILE, TOLD = "exported-labels.csv", "exported-labels.json"


@dataclass(frozen=True)
class Exported:
    """at: when, ISO 8601, UTC; words: how many labels, and by what."""

    at: str
    words: str


def keep_exported(files: Files, labels: Labels) -> None:
    """In place of what was exported before. Raises AtlasError where it cannot be written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / FILE
        write_labels(labels, path)
        files.write(FILE, path.read_bytes())
    told = {"at": datetime.now(timezone.utc).isoformat(timespec="seconds"), "words": in_words(labels)}
    files.write(TOLD, json.dumps(told).encode())


def exported(files: Files) -> Exported | None:
    """What there is to download; None where nothing is."""
    try:
        return Exported(**json.loads(files.read(TOLD)))
    except UNREADABLE:
        return None
