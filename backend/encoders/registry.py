"""Encoders by name: ours, those of other installed packages, and several side by side."""

from __future__ import annotations

import re

from backend.encoders.base import EncoderKind, missing
from backend.encoders.joined import JoinedKind
from backend.encoders.lsa import TextEncoder
from backend.encoders.packaged import MINILM, USE
from backend.plugins import Broken, installed

GROUP = "label_studio_atlas.encoders"

ENCODERS: dict[str, EncoderKind] = {"lsa": TextEncoder, "use": USE, "minilm": MINILM}


def names() -> list[str]:
    """Of all encoders, also of those that cannot be used, which say why when they are asked for."""
    return [*ENCODERS, *installed(GROUP)]


def find_encoder(name: str) -> EncoderKind:
    """By a name, or names joined by "+".

    Raises ValueError, saying what there is, for an unknown name or one that cannot be loaded.
    """
    parts = name.split("+")
    if len(set(parts)) < len(parts):
        raise ValueError(f"encoder {name!r} names one twice")
    kinds = tuple((part, _find_one(part)) for part in parts)
    return kinds[0][1] if len(kinds) == 1 else JoinedKind(kinds)


def is_at_hand(name: str) -> bool:
    """Whether it can be used as things are, its weights at hand."""
    try:
        find_encoder(name)
    except ValueError:
        return False
    return True


def in_file(name: str) -> str:
    """The name as a part of a file's name: letters, digits, "_" and "+", all else as "~" and its code."""
    return re.sub(r"[^A-Za-z0-9_+]", lambda found: f"~{ord(found[0]):x}~", name)


def name_in(part: str) -> str:
    """The name that `in_file` wrote so."""
    return re.sub(r"~([^~]*)~", lambda found: chr(int(found[1], 16)), part)


def _find_one(name: str) -> EncoderKind:
    known = ENCODERS.get(name) or installed(GROUP).get(name)
    if known is None:
        raise ValueError(f"unknown encoder {name!r}; choose one of: {', '.join(names())}")
    problem = known.reason if isinstance(known, Broken) else missing(known)
    if problem is not None:
        raise ValueError(f"encoder {name!r} cannot be used: {problem}")
    kind: EncoderKind = known
    return kind
