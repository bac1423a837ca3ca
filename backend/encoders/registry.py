"""Encoders by name: ours, and those of other installed packages."""

from __future__ import annotations

from backend.encoders.base import EncoderKind
from backend.encoders.lsa import TextEncoder
from backend.plugins import Broken, installed

GROUP = "label_studio_atlas.encoders"

ENCODERS: dict[str, EncoderKind] = {"lsa": TextEncoder}


def names() -> list[str]:
    """Of all encoders, also of those that cannot be used, which say why when they are asked for."""
    return [*ENCODERS, *installed(GROUP)]


def find_encoder(name: str) -> EncoderKind:
    """Raises ValueError, saying what there is, for an unknown name or one that cannot be loaded."""
    known = ENCODERS.get(name) or installed(GROUP).get(name)
    if known is None:
        raise ValueError(f"unknown encoder {name!r}; choose one of: {', '.join(names())}")
    if isinstance(known, Broken):
        raise ValueError(f"encoder {name!r} cannot be used: {known.reason}")
    kind: EncoderKind = known
    return kind
