"""Options as users write them behind a strategy's name: `atlas round=2`, `uncertain_outliers within=10%`."""

from __future__ import annotations

from collections.abc import Iterable


def written(strategy: str, words: Iterable[str]) -> dict[str, int | float | str]:
    """What `name=value` words say: whole numbers, numbers, shares in percent, else the word itself.

    Raises ValueError for a word that is no option, and for one that is there twice.
    """
    found: dict[str, int | float | str] = {}
    for word in words:
        name, is_given, value = word.partition("=")
        if not name or not is_given or not value:
            raise ValueError(f"strategy {strategy!r}: write options as name=value, not {word!r}")
        if name in found:
            raise ValueError(f"strategy {strategy!r}: {name} is given twice")
        found[name] = _value(value)
    return found


def _value(text: str) -> int | float | str:
    try:
        if text.endswith("%"):
            return float(text[:-1]) / 100
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text
