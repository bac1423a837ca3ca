"""Two contents that are compared, as one text: what a task holds of them, and an encoder reads."""

from __future__ import annotations

BETWEEN = "␞"
"""Between the two: SYMBOL FOR RECORD SEPARATOR: neither white space nor a letter, and in no text but those
about it, from which it is taken out."""


def pair(left: str, right: str) -> str:
    """ "" where there is nothing on either side."""
    if not left.strip() and not right.strip():
        return ""
    return f"{left.replace(BETWEEN, ' ')}{BETWEEN}{right.replace(BETWEEN, ' ')}"


def sides(content: str) -> tuple[str, str]:
    """The left and the right one again."""
    left, _, right = content.partition(BETWEEN)
    return left, right


def parts(content: str) -> list[str]:
    """What is looked at: both of a pair, else the one that there is."""
    return content.split(BETWEEN)


ENCODER = "pairs:"
"""Before the name of an encoder of texts: what encodes pairs of them."""


def encoder_of_pairs(name: str) -> str:
    """name: of an encoder of texts, or of several side by side."""
    return "+".join(f"{ENCODER}{part}" for part in name.split("+"))
