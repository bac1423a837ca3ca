"""Encoders by name: ours, those of other installed packages, and several side by side."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

import torch

from backend.encoders.base import EncoderKind, missing
from backend.encoders.english import is_english
from backend.encoders.hub import Hub, is_hub_or_path
from backend.encoders.joined import JoinedKind
from backend.encoders.lots import Lots
from backend.encoders.lsa import TextEncoder
from backend.encoders.packaged import MINILM, USE, Packaged
from backend.encoders.pairs import PairsKind
from backend.pairs import ENCODER as PAIRS
from backend.plugins import Broken, installed

logger = logging.getLogger(__name__)

GROUP = "label_studio_atlas.encoders"

AUTO = "auto"
"""Not an encoder: which one serves a project is decided from its labels."""
BEGINNINGS = ("use+lsa", "lsa")
"""What `auto` begins with: the first that is at hand."""
IN_ENGLISH = "minilm+lsa"
"""What it tries besides where texts are English."""

ENCODERS: dict[str, EncoderKind] = {"lsa": TextEncoder, "use": USE, "minilm": MINILM}


def names() -> list[str]:
    """Of all encoders, also of those that cannot be used, which say why when they are asked for."""
    return [*ENCODERS, *installed(GROUP)]


def find_encoder(name: str) -> EncoderKind:
    """By a name, or names joined by "+"; by "auto" what that begins with.

    Raises ValueError, saying what there is, for an unknown name or one that cannot be loaded.
    """
    parts = (beginning() if name == AUTO else name).split("+")
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


def beginning() -> str:
    return next(name for name in BEGINNINGS if is_at_hand(name))


def candidates(texts: Sequence[str]) -> list[str]:
    """What may serve texts like these, as far as it is at hand."""
    named = [*BEGINNINGS, *([IN_ENGLISH] if is_english(texts) else [])]
    return [name for name in named if is_at_hand(name)]


def preload(name: str) -> None:
    """Load the weights that this encoder needs, for all processes that are forked from this one.

    By one thread: a pool of them would not outlive the fork, and the forked would wait for it.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for part in (beginning() if name == AUTO else name).split("+"):
            if isinstance(kind := _find_one(part), Packaged | Hub):
                kind.fit([""])
    except ValueError as error:  # it is told again, by each job that needs them
        logger.warning("%s", error)
    finally:
        torch.set_num_threads(threads)


def in_file(name: str) -> str:
    """The name as a part of a file's name: letters, digits, "_" and "+", all else as "~" and its code."""
    return re.sub(r"[^A-Za-z0-9_+]", lambda found: f"~{ord(found[0]):x}~", name)


def name_in(part: str) -> str:
    """The name that `in_file` wrote so."""
    return re.sub(r"~([^~]*)~", lambda found: chr(int(found[1], 16)), part)


def _find_one(name: str) -> EncoderKind:
    if name.startswith(PAIRS):
        return PairsKind(_find_one(name.removeprefix(PAIRS)))
    if name == Lots.name:
        return Lots()
    known = Hub(name) if is_hub_or_path(name) else ENCODERS.get(name) or installed(GROUP).get(name)
    if known is None:
        raise ValueError(f"unknown encoder {name!r}; choose one of: {', '.join([AUTO, *names()])}")
    problem = known.reason if isinstance(known, Broken) else missing(known)
    if problem is not None:
        raise ValueError(f"encoder {name!r} cannot be used: {problem}")
    kind: EncoderKind = known
    return kind
