"""Small kept files: each is read as it was written, and no damage to one is more than the loss of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backend.errors import DamagedFile, ModelStoreError
from backend.results.exported import TOLD, Exported, exported
from backend.settings import Settings
from backend.store.accepted_parts import FILE as ACCEPTED_FILE
from backend.store.accepted_parts import UNMARKED, AcceptedParts, Unmarked
from backend.store.adapted_models import AdaptedModels, Attempt
from backend.store.changes import Change, Changes
from backend.store.chosen_settings import choose, chosen
from backend.store.encoder_choice import EncoderChoice, read_choice, write_choice
from backend.store.figures import read_figures, write_figures
from backend.store.files import Files
from backend.store.forwarded import TOLD as TOLD_EVENT
from backend.store.forwarded import Event, Forwarded
from backend.store.found_before import FoundBefore, keep_found, read_found
from backend.store.history import History
from backend.store.judged_labels import SENT_BACK, JudgedLabels
from backend.store.kept_json import read_kept
from backend.store.label_record import LabelledFor, LabelRecord
from backend.store.opened_again import OpenedAgain, Overlap, keep_opened, read_opened
from backend.store.reason import Reason
from backend.store.served import ServedHeads
from backend.store.study import read_study, write_study
from backend.store.wanted_first import Front, WantedFirst
from backend.store.wrapped_access import WrappedAccess, keep_access, read_access
from backend.store.written_texts import WrittenText, WrittenTexts
from tests.unit.whatever import SOME, in_places_of

REASON = Reason("picked", "margin", "v1", place=3, of=20, p_wrong=0.25)
ATTEMPT = Attempt("texts", 20, "better", "ab" * 32, {"gain": 0.25})
ACCESS = WrappedAccess("http://x.example", "u", "p", {"title": "t", "extra_params": {"a": 1}}, None, "2026")
FRONT = Front().with_wish([3, 4], "a", 5.5).with_wish([9]).without([3])
OPENED = OpenedAgain(True, {4: Overlap(1, 2)})
UNMARKED_PART = Unmarked(7, "digest", (1.0, 2.0, 3.0, 4.0))


class Kept(NamedTuple):
    """put: writes what `read` gives back; nothing: what is read where there is no file."""

    put: Callable[[Path], None]
    read: Callable[[Path], Any]
    right: Any
    nothing: Any
    raises: bool = False
    """Whether damage is told to whoever reads it."""


def _files(folder: Path) -> Files:
    return Files(folder / "projects" / "1")


def _settings(folder: Path) -> Settings:
    return Settings(data_dir=folder)


def _judged(folder: Path) -> JudgedLabels:
    return JudgedLabels(_files(folder), folder)


def _accepted(folder: Path) -> AcceptedParts:
    return AcceptedParts(_files(folder), folder)


KEPT: dict[str, Kept] = {
    "found before connect": Kept(
        lambda folder: keep_found(_files(folder), FoundBefore("Uniform sampling", "v", True, (3, 4))),
        lambda folder: read_found(_files(folder)),
        FoundBefore("Uniform sampling", "v", True, (3, 4)),
        None,
        raises=True,
    ),
    "opened again": Kept(
        lambda folder: keep_opened(_files(folder), OPENED),
        lambda folder: read_opened(_files(folder)),
        OPENED,
        None,
        raises=True,
    ),
    "a wrapped backend's access": Kept(
        lambda folder: keep_access(_files(folder), ACCESS),
        lambda folder: read_access(_files(folder)),
        ACCESS,
        None,
        raises=True,
    ),
    "judged labels": Kept(
        lambda folder: _judged(folder).judge(3, SENT_BACK, "x"),
        lambda folder: _judged(folder).read(),
        {3: (SENT_BACK, "x")},
        {},
    ),
    "accepted parts": Kept(
        lambda folder: _accepted(folder).add(3, "part"),
        lambda folder: _accepted(folder).marked(),
        {(3, "part")},
        set(),
    ),
    "accepted places": Kept(
        lambda folder: _accepted(folder).add_unmarked(UNMARKED_PART),
        lambda folder: _accepted(folder).unmarked(),
        [UNMARKED_PART],
        [],
    ),
    "the choice of an encoder": Kept(
        lambda folder: write_choice(_files(folder), EncoderChoice("use", 20, "better")),
        lambda folder: read_choice(_files(folder)),
        EncoderChoice("use", 20, "better"),
        None,
    ),
    "settings of a page": Kept(
        lambda folder: choose(_settings(folder), 1, {"strategy": "margin", "blind": True}),
        lambda folder: chosen(_settings(folder), 1),
        {"strategy": "margin", "blind": True},
        {},
    ),
    "a study": Kept(
        lambda folder: write_study(_files(folder), {"labels": 3, "title": "\ud800"}),
        lambda folder: read_study(_files(folder)),
        {"labels": 3, "title": "\ud800"},
        {},
    ),
    "figures": Kept(
        lambda folder: write_figures(_files(folder), "v1", {"a": "\ud800"}),
        lambda folder: read_figures(_files(folder), "v1"),
        {"a": "\ud800"},
        None,
    ),
    "served heads": Kept(
        lambda folder: ServedHeads(_files(folder)).write("v1", {7: REASON}),
        lambda folder: ServedHeads(_files(folder)).read("v1"),
        {7: REASON},
        None,
    ),
    "why tasks were labelled": Kept(
        lambda folder: LabelRecord(_files(folder)).add([LabelledFor(7, 70, REASON)]),
        lambda folder: LabelRecord(_files(folder)).read(),
        {7: LabelledFor(7, 70, REASON)},
        {},
    ),
    "of which annotations": Kept(
        lambda folder: LabelRecord(_files(folder)).add([LabelledFor(7, 70, REASON)]),
        lambda folder: LabelRecord(_files(folder)).annotations(),
        {7: 70},
        {},
    ),
    "changes": Kept(
        lambda folder: Changes(_files(folder)).add([Change("2026", "ann", "blind")]),
        lambda folder: Changes(_files(folder)).last(9),
        [Change("2026", "ann", "blind")],
        [],
    ),
    "forwarded events": Kept(
        lambda folder: Forwarded(_files(folder)).add([Event(TOLD_EVENT, 5, 6, "2026", 1.5)]),
        lambda folder: Forwarded(_files(folder)).read().live,
        {5: (6, "2026")},
        {},
    ),
    "written texts": Kept(
        lambda folder: WrittenTexts(_files(folder)).keep(WrittenText("k", "t", 0.5)),
        lambda folder: WrittenTexts(_files(folder)).of("k"),
        WrittenText("k", "t", 0.5),
        None,
    ),
    "wanted first": Kept(
        lambda folder: WantedFirst(_files(folder)).write(FRONT),
        lambda folder: WantedFirst(_files(folder)).read(),
        FRONT,
        Front(),
    ),
    "a history's retrains": Kept(
        lambda folder: History(_files(folder)).add([{"version": "v1", "seconds": 2}]),
        lambda folder: History(_files(folder)).read(),
        [{"version": "v1", "seconds": 2}],
        [],
    ),
    "a history at a glance": Kept(
        lambda folder: History(_files(folder)).add([{"version": "v1", "seconds": 2}]),
        lambda folder: History(_files(folder)).glance().recent,
        ({"version": "v1", "seconds": 2},),
        (),
    ),
    "an attempt at adapting": Kept(
        lambda folder: AdaptedModels(_files(folder)).note(ATTEMPT),
        lambda folder: AdaptedModels(_files(folder)).attempt(),
        ATTEMPT,
        None,
    ),
    "what was exported": Kept(
        lambda folder: _files(folder).write(TOLD, b'{"at": "2026", "words": "3 labels"}'),
        lambda folder: exported(_files(folder)),
        Exported("2026", "3 labels"),
        None,
    ),
}
each_kind = pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT.keys())


@each_kind
def test_it_is_read_as_it_was_written(kept: Kept, tmp_path: Path) -> None:
    assert kept.read(tmp_path) == kept.nothing
    kept.put(tmp_path)
    assert kept.read(tmp_path) == kept.right


def damaged(content: bytes) -> Iterator[bytes]:
    """What a disk, an editor or another release may leave of a file."""
    yield from (b"", content[:-3], b"\xff" + content, b"[" * 100_000, b'"\\ud800"', content + b"]")
    for line in [content] if content.startswith(b"{\n") else content.splitlines():
        for other in in_places_of(json.loads(line), SOME):
            yield json.dumps(other).encode()


@each_kind
def test_whatever_stands_in_it_nothing_else_is_raised(kept: Kept, tmp_path: Path) -> None:
    kept.put(tmp_path)
    (file,) = [each for each in tmp_path.rglob("*.json*") if "glance" not in each.name] or [None]
    if kept is KEPT["a history at a glance"]:
        file = next(tmp_path.rglob("glance.json"))
    assert file is not None
    for content in damaged(file.read_bytes()):
        file.write_bytes(content)
        with suppress(DamagedFile) if kept.raises else nullcontext():
            kept.read(tmp_path)


@each_kind
def test_half_a_file_counts_as_none(kept: Kept, tmp_path: Path) -> None:
    kept.put(tmp_path)
    for file in tmp_path.rglob("*.json*"):
        file.write_bytes(file.read_bytes()[:-4])
    if kept.raises:
        with pytest.raises(DamagedFile):
            kept.read(tmp_path)
    else:
        assert kept.read(tmp_path) == kept.nothing


def test_two_accepted_lists_are_two_files(tmp_path: Path) -> None:
    assert ACCEPTED_FILE != UNMARKED
    _accepted(tmp_path).add(1, "a")
    assert _accepted(tmp_path).unmarked() == []


def test_who_reads_a_damaged_file_is_told_what_it_holds_and_what_to_do(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write("a.json", b'{"count": "x"}')
    with pytest.raises(DamagedFile, match=r"^a\.json, which holds sheep, cannot be read \(.*\): count anew$"):
        read_kept(files, "a.json", lambda found: int(found["count"]), holds="sheep", remedy="count anew")
    assert read_kept(files, "b.json", int, holds="sheep", remedy="count anew") is None


def test_a_store_that_fails_is_no_damage(tmp_path: Path) -> None:
    class Away(Files):
        def read(self, path: str) -> bytes:
            raise ModelStoreError("away")

    with pytest.raises(ModelStoreError, match="away"):
        read_kept(Away(tmp_path), "a.json", int, holds="sheep", remedy="count anew")
