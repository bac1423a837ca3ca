"""From the files to the list: what is read, what takes its time and what to know goes to the other stream."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from backend.errors import AtlasError, NoContent
from backend.labelled import PartlyLabelled, load_partly
from backend.labelled.field_values import named_by
from backend.labelled.marked import MarkedTexts
from backend.labelled.partly_marked import PartlyMarked, load_partly_marked
from backend.labelled.rows import Rows, Waiting
from backend.labelled.things import IMAGES, TEXTS, Things
from backend.printable import printable
from backend.settings import Settings

MANY = 10_000
"""Texts that take a while."""


@dataclass(frozen=True)
class NextOptions:
    """The command's options, where they are no settings."""

    file: Path
    labels: tuple[Path, ...]
    unlabelled: tuple[Path, ...]
    image_folder: Path | None
    encoder: str | None
    count: int
    format: str
    text_field: str | None
    control: str | None


def run(options: NextOptions, settings: Settings) -> None:
    """Raises AtlasError, before any work, for files that will not do."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    marked = load_partly_marked(
        options.file, options.text_field, options.control, options.unlabelled, options.image_folder
    )
    if marked is not None:
        _run_parts(marked, options, settings, console)
        return
    texts = load_partly(
        options.file,
        options.labels,
        options.text_field,
        options.control,
        options.unlabelled,
        options.image_folder,
        named_by([settings.strategy]),
    )
    settings = _with_encoder(settings, texts.things, options.encoder)
    for line in _what_was_read(texts):
        console.print(line, markup=False)

    from backend.next.choose import choose  # torch: after all that can be refused
    from backend.next.show import WRITERS

    with _progress(console, len(texts.labelled) + len(texts.waiting)) as tell:
        try:
            chosen = choose(texts, options.count, settings, tell)
        except ValueError as error:
            raise AtlasError(str(error)) from error
    WRITERS[options.format](texts, chosen, sys.stdout)
    for line in _what_to_know(texts, chosen.copies, chosen.accuracy, chosen.notes):
        console.print(line, markup=False)


def _run_parts(marked: PartlyMarked, options: NextOptions, settings: Settings, console: Console) -> None:
    """Of what has its parts marked: spans, boxes, areas."""
    things = TEXTS if isinstance(marked.given, MarkedTexts) else IMAGES
    if options.labels:
        raise AtlasError("--labels: where parts are marked they are learned from FILE alone, all in one")
    if not marked.waiting:
        raise AtlasError(
            f"{options.file}: parts are marked in all of its {things.many}; nothing is to choose from"
        )
    settings = _with_encoder(settings, things, options.encoder)
    rows = Rows(
        [(row[0], ", ".join(marked.given.labels)) for row in marked.given.rows],
        [Waiting(number, each) for number, each in enumerate(marked.waiting, 1)],
        marked.given.source,
        "parts",
        "file",
        dict(marked.given.dropped),
        things=things,
    )
    texts = PartlyLabelled(rows.labelled, rows.waiting, 0, [(options.file, rows)])
    for line in _what_was_read(texts):
        console.print(line, markup=False)
    from backend.next.parts import choose_parts
    from backend.next.show import WRITERS

    with _progress(console, len(rows.labelled) + len(rows.waiting)) as tell:
        try:
            chosen = choose_parts(marked, options.count, settings, tell)
        except (ValueError, NoContent, OSError) as error:
            raise AtlasError(str(error)) from error
    WRITERS[options.format](texts, chosen, sys.stdout)
    labels = ", ".join(marked.given.labels)
    said = f"Learned from {len(rows.labelled):,} {things.many} in which {labels} are marked."
    for line in (said, *(f"Note: {note}." for note in chosen.notes)):
        console.print(printable(line), markup=False)


def _with_encoder(settings: Settings, things: Things, named: str | None) -> Settings:
    encoder = named or getattr(settings, things.setting)
    try:
        things.check(encoder)
    except ValueError as error:
        raise AtlasError(f"{things.setting.upper()}: {error}") from error
    return settings.model_copy(update={things.setting: encoder})


@contextmanager
def _progress(console: Console, total: int) -> Iterator[Callable[[str, int], None]]:
    """A bar; where none is redrawn, as in a log, a line for every tenth of many texts."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        bar, done = progress.add_task("encoding", total=total), 0

        def tell(what: str, more: int) -> None:
            nonlocal done
            progress.update(bar, advance=more, description=what)
            tenths, done = done * 10 // total, done + more
            if not console.is_terminal and total >= MANY and done * 10 // total > tenths:
                console.print(f"{what}: {done:,} of {total:,}")

        yield tell


def _what_was_read(texts: PartlyLabelled) -> list[str]:
    lines = []
    for path, rows in texts.read:
        left_out = [f"{count:,} {reason}" for reason, count in rows.dropped.items()]
        lines.append(
            f"Read {path.name}: {len(rows.labelled):,} labelled and {len(rows.waiting):,} unlabelled "
            f"{rows.things.many} ({rows.source}; {rows.form})"
            + (f"; left out: {'; '.join(left_out)}" if left_out else "")
        )
        lines += [f"  Warning: {warning}" for warning in rows.warnings]
    return [printable(line) for line in lines]


def _what_to_know(texts: PartlyLabelled, copies: int, accuracy: float | None, notes: list[str]) -> list[str]:
    classes, labels = len({label for _, label in texts.labelled}), len(texts.labelled)
    one, many = texts.things.one, texts.things.many
    if accuracy is None:
        of = "one class" if classes else "no class"
        lines = [
            f"{labels:,} labels of {of} teach nothing yet: these {many} are typical of those that wait, and "
            "unlike each other."
        ]
    else:
        lines = [
            f"Learned from {labels:,} labels of {classes} classes; of labelled {many} that it had not seen, "
            f"the model tells {accuracy:.0%} right."
        ]
        lines += [f"Note: {note}." for note in notes]
    if passed := texts.repeats + copies:
        said = f"1 {one} that repeats another was passed over."
        lines.append(said if passed == 1 else f"{passed:,} {many} that repeat others were passed over.")
    return lines
