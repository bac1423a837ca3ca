"""What an encoder is: texts in, vectors out."""

from __future__ import annotations

import hashlib
import logging
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from backend.errors import AtlasError

logger = logging.getLogger(__name__)

FEW = 10
"""Of one call's texts; where an encoder fails on more, it is at fault."""


class Encoder(Protocol):
    """Texts to vectors. dims: numbers per vector."""

    @property
    def dims(self) -> int: ...

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Float32 [N, dims], finite; the same text always gives the same vector."""

    def arrays(self) -> Mapping[str, np.ndarray[Any, Any]]:
        """All that was learned from the texts; empty where that is nothing."""


class EncoderKind(Protocol):
    """What is registered by a name: usually the encoder's class."""

    def fit(self, texts: Sequence[str], *, seed: int) -> Encoder:
        """An encoder for a project with these texts, labelled or not; there is at least one."""

    def restore(self, arrays: Mapping[str, np.ndarray[Any, Any]]) -> Encoder:
        """The encoder that had these arrays. Raises TypeError or KeyError when they are not its own."""


def suits(encoder: Encoder, texts: Sequence[str]) -> bool:
    """Whether an encoder is meant for such texts, by its own `suits(texts)`; one without it is for all."""
    asked = getattr(encoder, "suits", None)
    return asked is None or bool(asked(texts))


def encoded(encoder: Encoder, texts: Sequence[str]) -> Tensor:
    """`encoder.encode`, checked. Raises ValueError when the answer is not what an encoder owes.

    Up to FEW texts that it fails on count as empty: no single text may stop what is done with all the others.
    The log tells them by their digests, for no text may stand in it. Raises what the encoder raised where
    there are more, or it fails on "" too.
    """
    try:
        return _checked(encoder, texts)
    except AtlasError:
        raise
    except Exception as error:
        failing = _failing(encoder, texts)
        if not failing or len(failing) > FEW or _fails(encoder, [""]):
            raise
        named = ", ".join(f"{_digest(texts[i])} ({len(texts[i])} characters)" for i in failing)
        logger.warning(
            "%s fails on these texts (%s in %s), which count as empty, by their BLAKE2b digests: %s",
            *(type(encoder).__name__, type(error).__name__, _raised_at(error), named),
        )
    return _checked(encoder, ["" if i in failing else text for i, text in enumerate(texts)])


def _digest(text: str) -> str:
    """Hexadecimal, of the text in UTF-8."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _raised_at(error: Exception) -> str:
    """File and line. What an error says may hold the text."""
    *_, last = traceback.extract_tb(error.__traceback__)
    return f"{Path(last.filename).name}, line {last.lineno}"


def _failing(encoder: Encoder, texts: Sequence[str], first: int = 0) -> list[int]:
    """Which texts it fails on, found by halves; it is left at that where there are more than FEW."""
    if not _fails(encoder, texts):
        return []
    if len(texts) == 1:
        return [first]
    half = len(texts) // 2
    found = _failing(encoder, texts[:half], first)
    return found if len(found) > FEW else found + _failing(encoder, texts[half:], first + half)


def _fails(encoder: Encoder, texts: Sequence[str]) -> bool:
    try:
        _checked(encoder, texts)
    except Exception:  # told of by `encoded`
        return True
    return False


def _checked(encoder: Encoder, texts: Sequence[str]) -> Tensor:
    vectors = encoder.encode(texts)
    if vectors.shape != (len(texts), encoder.dims) or not torch.isfinite(vectors).all():
        raise ValueError(
            f"{type(encoder).__name__} must give finite vectors [{len(texts)}, {encoder.dims}], "
            f"gave {tuple(vectors.shape)}"
        )
    return vectors.float()


def missing(kind: EncoderKind) -> str | None:
    """What a kind of encoder lacks to be used, by its own `missing()`, with what to do; one without it lacks
    nothing."""
    asked = getattr(kind, "missing", None)
    return None if asked is None else asked()


def is_pretrained(encoder: Encoder) -> bool:
    """Whether it is the same for every project: what is fitted or not is said by its own `pretrained`."""
    return bool(getattr(encoder, "pretrained", False))


def block_widths(encoder: Encoder) -> tuple[int, ...]:
    """Of what its vectors are made of, by its own `block_widths`; () for one piece."""
    return tuple(getattr(encoder, "block_widths", ()))


def is_cheap(encoder: Encoder) -> bool:
    """Whether it is so quick, by its own `is_cheap`, that it may encode a whole project while somebody waits;
    one that does not say so is not."""
    return bool(getattr(encoder, "is_cheap", False))
