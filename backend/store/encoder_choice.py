"""Which encoder serves a project, where the settings leave that to its labels. Kept with its models."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass

from backend.store.files import Files
from backend.store.kept_json import UNREADABLE

logger = logging.getLogger(__name__)

_FILE = "encoder.json"


@dataclass(frozen=True)
class EncoderChoice:
    """encoder: its name; labels: of so many labelled items; why: in words."""

    encoder: str
    labels: int
    why: str


def read_choice(files: Files) -> EncoderChoice | None:
    """None where none was made, or it cannot be read: then it is made again. Raises ModelStoreError."""
    try:
        found = json.loads(files.read(_FILE))
        choice = EncoderChoice(found["encoder"], found["labels"], found["why"])
    except FileNotFoundError:
        return None
    except UNREADABLE as error:
        logger.warning("the choice of an encoder cannot be read, and is made again: %s", error)
        return None
    is_whole = isinstance(choice.encoder, str) and isinstance(choice.labels, int)
    return choice if is_whole and isinstance(choice.why, str) else None


def write_choice(files: Files, choice: EncoderChoice) -> None:
    files.write(_FILE, json.dumps(asdict(choice)).encode())
