"""Items with parts to mark, made here: sentences with names, and drawn scenes with boxes or masks."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from backend.controls.areas import Mask
from backend.controls.boxes import Box
from backend.controls.boxes import answer_of as boxes_answer
from backend.controls.masks import answer_of as masks_answer
from backend.controls.runs import runs_of
from backend.controls.span_answers import Span, answer_of
from backend.demo.drawn_scenes import FIRST, Drawn, scenes

COUNT = 300
"""Of each."""
SCENES = "drawn-scenes-1"
"""The number changes with what is drawn."""
FIRST_NAMES = ("Amina", "Bruno", "Chen", "Dana", "Elif", "Farid", "Greta", "Hiro", "Ines", "Kofi", "Olga")
LAST_NAMES = ("Diallo", "Keller", "Novak", "Kaya", "Haddad", "Lind", "Tanaka", "Costa", "Berg", "Ruiz")
PEOPLE = tuple(f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES)
PLACES = ("Accra", "Bergen", "Cusco", "Dakar", "Essen", "Ghent", "Izmir", "Kyoto", "Nairobi", "Porto", "Riga")
SHIPS = ("Northern Star", "Aurora", "Sea Heron", "Good Hope", "Polar Wind")
SENTENCES = (
    "{PERSON} opened a bakery in {PLACE} last spring.",
    "The ferry {SHIP} left {PLACE} two hours late.",
    "After ten years in {PLACE}, {PERSON} moved to {PLACE}.",
    "It rained all week and the market stayed closed.",
    "{PERSON} and {PERSON} met on the train to {PLACE}.",
    "Nobody in {PLACE} remembers the old tram any more.",
    "The mayor of {PLACE} thanked {PERSON} for the garden.",
    "Tickets for the concert were sold within an hour.",
    "{PERSON} wrote three books about the harbour of {PLACE}.",
    "A letter from {PERSON} lay on the table for days.",
    "The school asked for more chairs and fewer meetings.",
    "Captain {PERSON} brought the {SHIP} safely home.",
)
NAMES = {"PERSON": PEOPLE, "PLACE": PLACES, "SHIP": SHIPS}
Marked = tuple[str, str]
"""What stands in a task, or a file's path; and the answer."""


def sentences(count: int = COUNT) -> list[Marked]:
    """No two alike; the rarest names are those of ships. The same each time."""
    chance, found = np.random.default_rng(0), dict[str, str]()
    while len(found) < count:
        text, spans = "", list[Span]()
        for piece in SENTENCES[int(chance.integers(len(SENTENCES)))].replace("}", "{").split("{"):
            name = str(chance.choice(NAMES[piece])) if piece in NAMES else piece
            if piece in NAMES:
                spans.append(Span(len(text), len(text) + len(name), piece))
            text += name
        day = f"On day {chance.integers(1, 400)}: "
        moved = (span._replace(start=span.start + len(day), end=span.end + len(day)) for span in spans)
        found.setdefault(day + text, answer_of(moved))
    return list(found.items())


def drawn_boxes(cache_dir: Path, count: int = COUNT) -> list[Marked]:
    return _drawn(cache_dir, count, "boxes")


def drawn_masks(cache_dir: Path, count: int = COUNT) -> list[Marked]:
    return _drawn(cache_dir, count, "masks")


def _drawn(cache_dir: Path, count: int, what: str) -> list[Marked]:
    folder = _folder(cache_dir, count)
    told = json.loads((folder / f"{what}.json").read_text())
    return [(str(folder / file), answer) for file, answer in told]


def _folder(cache_dir: Path, count: int) -> Path:
    """Drawn on the first call; the same scenes each time."""
    folder = cache_dir / f"{SCENES}-{count}"
    if folder.is_dir():
        return folder
    cache_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        begun = Path(scratch, "scenes")
        begun.mkdir()
        answers: dict[str, list[Marked]] = {"boxes": [], "masks": []}
        for number, drawn in enumerate(scenes(FIRST, count, 5)):
            name = f"{number:04d}.jpg"
            Image.fromarray(drawn.pixels).save(begun / name, "JPEG", quality=88)
            answers["boxes"].append((name, boxes_answer(_boxes(drawn))))
            answers["masks"].append((name, masks_answer(_masks(drawn))))
        for what, found in answers.items():
            (begun / f"{what}.json").write_text(json.dumps(found))
        try:
            os.replace(begun, folder)
        except OSError:  # another demo has drawn them meanwhile
            if not folder.is_dir():
                raise
    return folder


def _boxes(drawn: Drawn) -> Iterator[Box]:
    for (x, y, width, height), kind in zip(drawn.boxes.tolist(), drawn.classes.tolist(), strict=True):
        yield Box(x, y, width, height, FIRST.classes[kind])


def _masks(drawn: Drawn) -> Iterator[Mask]:
    for number, name in enumerate(FIRST.classes, 1):
        if (drawn.mask == number).any():
            yield Mask(name, (drawn.mask.shape[0], drawn.mask.shape[1]), runs_of(drawn.mask == number))
