"""What was read of a file, said before minutes are spent on it."""

from __future__ import annotations

from pathlib import Path

from backend.labelled.load import LabelledTexts, in_words
from backend.labelled.things import Things

SHOWN_CLASSES = 12


def what_was_read(path: Path, texts: LabelledTexts) -> list[str]:
    """Lines: rows, columns, classes with counts, what was left out and why, what looks like a mistake."""
    counts = dict(reversed(texts.per_class.items()))  # the most frequent first
    shown = [f"{name[:40]} {count:,}" for name, count in list(counts.items())[:SHOWN_CLASSES]]
    more = len(counts) - len(shown)
    repeated = {f"that repeated {_a(texts.things)}": texts.duplicates} if texts.duplicates else {}
    left_out = in_words({**texts.dropped, **repeated}, texts.things)
    return [
        f"Read {path.name}: {len(texts.rows):,} {texts.things.many} of {len(counts)} classes "
        f"({texts.source}; {texts.form})",
        f"  classes: {', '.join(shown)}{f' and {more} more' if more > 0 else ''}",
        *([f"  left out: {'; '.join(left_out)}"] if left_out else []),
        *(f"  Warning: {warning}" for warning in texts.warnings),
    ]


def _a(things: Things) -> str:
    return f"{'an' if things.one[0] in 'aeiou' else 'a'} {things.one}"
