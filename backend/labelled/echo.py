"""What was read of a file, said before minutes are spent on it: what stands in it moves no cursor."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from backend.labelled.load import LabelledTexts, in_words
from backend.labelled.marked import MarkedTexts
from backend.labelled.marked_images import MarkedImages
from backend.labelled.things import Things
from backend.printable import printable

SHOWN_CLASSES = 12
"""The most frequent; of the others their number."""


def what_was_read(path: Path, texts: LabelledTexts) -> list[str]:
    """Lines: rows, columns, classes with counts, what was left out and why, what looks like a mistake."""
    counts = dict(reversed(texts.per_class.items()))  # the most frequent first
    repeated = {f"that repeated {_a(texts.things)}": texts.duplicates} if texts.duplicates else {}
    left_out = in_words({**texts.dropped, **repeated}, texts.things)
    lines = [
        f"Read {path.name}: {len(texts.rows):,} {texts.things.many} of {len(counts)} classes "
        f"({texts.source}; {texts.form})",
        f"  classes: {_shown(list(counts.items()))}",
        *([f"  left out: {'; '.join(left_out)}"] if left_out else []),
        *(f"  Warning: {warning}" for warning in texts.warnings),
    ]
    return [printable(line) for line in lines]


def what_was_read_of_parts(path: Path, given: MarkedTexts | MarkedImages) -> list[str]:
    """Lines: items, their parts, labels with counts, what was left out and why."""
    counts = Counter(label for labels in given.marked for label in labels)
    left_out = in_words(given.dropped, given.things)
    lines = [
        f"Read {path.name}: {len(given.rows):,} {given.things.many}, {counts.total():,} {given.parts} of "
        f"{len(counts)} labels ({given.source})",
        f"  labels: {_shown(counts.most_common())}",
        *([f"  left out: {'; '.join(left_out)}"] if left_out else []),
    ]
    return [printable(line) for line in lines]


def _shown(counts: list[tuple[str, int]]) -> str:
    """counts: the most frequent first."""
    shown = [f"{name[:40]} {count:,}" for name, count in counts[:SHOWN_CLASSES]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _a(things: Things) -> str:
    return f"{'an' if things.one[0] in 'aeiou' else 'a'} {things.one}"
