"""An encoder that fails on a text costs that text alone."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from math import nan
from typing import Any

import pytest
import torch
from torch import Tensor

from backend.encoders.base import FEW, encoded
from backend.errors import AtlasError


class Picky:
    """Fails on texts that hold "!", gives nan for those with "?"; of others the length."""

    dims = 2

    def __init__(self) -> None:
        self.asked = 0

    def encode(self, texts: Sequence[str]) -> Tensor:
        self.asked += len(texts)
        if any("!" in text for text in texts):
            raise LookupError(f"no ! here: {texts}")
        return torch.tensor([[float(len(text)), nan if "?" in text else 1.0] for text in texts])

    def arrays(self) -> Mapping[str, Any]:
        return {}


GOOD = [f"text {i}" for i in range(500)]


@pytest.mark.parametrize("bad", ["beyond this! " + "x" * 100, "a number that is none?"])
@pytest.mark.parametrize("at", [0, 250, 500])
def test_a_text_that_the_encoder_fails_on_counts_as_empty_and_the_log_tells_it_by_its_digest(
    bad: str, at: int, caplog: pytest.LogCaptureFixture
) -> None:
    encoder = Picky()
    found = encoded(encoder, [*GOOD[:at], bad, *GOOD[at:]])
    empty = torch.tensor([[0.0, 1.0]])
    assert torch.equal(found, torch.cat([encoded(Picky(), GOOD[:at] or [""])[:at], empty, rest(at)]))
    (line,) = caplog.messages
    digest = hashlib.blake2b(bad.encode(), digest_size=8).hexdigest()
    assert line.endswith(f"by their BLAKE2b digests: {digest} ({len(bad)} characters)")
    assert re.search(r"(LookupError in test_failing_texts|ValueError in base)\.py, line \d+", line)
    assert bad[:6] not in line
    assert encoder.asked < 6 * len(GOOD)


def rest(at: int) -> Tensor:
    return encoded(Picky(), GOOD[at:]) if GOOD[at:] else torch.zeros(0, 2)


def test_an_only_text_that_the_encoder_fails_on_counts_as_empty() -> None:
    assert encoded(Picky(), ["no!"]).tolist() == [[0.0, 1.0]]


def test_an_encoder_that_fails_on_many_is_at_fault() -> None:
    encoder = Picky()
    with pytest.raises(LookupError, match="no ! here"):
        encoded(encoder, [f"{text}!" for text in GOOD])
    assert encoder.asked < (FEW + 5) * len(GOOD)
    with pytest.raises(LookupError):
        encoded(Picky(), [*GOOD, *["!"] * (FEW + 1)])


def test_one_that_fails_on_nothing_at_all_is_at_fault() -> None:
    class Broken(Picky):
        def encode(self, texts: Sequence[str]) -> Tensor:
            raise OSError("no weights")

    with pytest.raises(OSError, match="no weights"):
        encoded(Broken(), ["a"])


def test_what_an_encoder_says_in_our_words_is_passed_on() -> None:
    class Unset(Picky):
        def encode(self, texts: Sequence[str]) -> Tensor:
            raise AtlasError("fetch it first")

    with pytest.raises(AtlasError, match="fetch it first"):
        encoded(Unset(), GOOD)
