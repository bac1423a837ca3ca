"""Numbers and times as people say them."""

from __future__ import annotations

import re
import time
from datetime import datetime, timezone

from markupsafe import Markup, escape

from backend.printable import printable_lines


def whole(number: float) -> str:
    return f"{number:,.0f}"


def percent(share: float | None) -> str:
    """Of a share in [0, 1]; a dash where there is none."""
    return "–" if share is None else f"{100 * share:.0f}\u00a0%"


def span(seconds: float) -> str:
    """Such as "4 minutes"."""
    for length, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= 1.5 * length:
            return counted(round(seconds / length), name)
    return counted(round(seconds), "second")


def counted(number: int, name: str) -> str:
    """Such as "2 labels"."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def ago(seconds: float) -> str:
    """Of seconds since 1970, how long ago that is, and when it was."""
    return f"{span(max(time.time() - seconds, 0.0))} ago ({moment(seconds)})"


def lasting(seconds: float) -> str:
    """Of what began then, in seconds since 1970."""
    return f"for {span(max(time.time() - seconds, 0.0))}, since {moment(seconds)}"


def moment(seconds: float) -> str:
    """Of seconds since 1970, as a date and a time, UTC; a dash where no calendar has that."""
    try:
        return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "–"


def stamp(iso: str | None) -> str:
    """Of a moment as ISO 8601 has it."""
    try:
        return moment(datetime.fromisoformat(str(iso)).timestamp())
    except (ValueError, OverflowError):
        return "–"


_MEASURES = {"f1": "F1", "iou": "IoU", "mean_iou": "IoU", "map50": "mAP@0.5"}


def measure(name: str) -> str:
    """Of a measure's name in a version's stats."""
    return _MEASURES.get(name, name.replace("_", " ").capitalize())


def sentence(text: str) -> str:
    """With a capital at its begin, a stop at its end, and percentages as `percent` has them."""
    text = re.sub(r"(?<=\d)%", "\u00a0%", text)
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) or not text else '.'}"


def shortened(text: str, most: int = 160) -> str:
    """On one line."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def coded(text: str) -> Markup:
    """What stands between backticks as code, all else as it is."""
    parts = (escape(printable_lines(part)) for part in text.split("`"))
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))
