"""How a word is written, as 24 numbers: what an encoder that reads all in lower case does not see."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

SHAPE = 24
"""Numbers of a word."""
LONG = 12
"""Characters from which on a word counts as long."""
_CAPITAL, _ALL_CAPITALS, _SIGN, _AT, _HASH = 0, 1, 5, 6, 7
"""Columns of `_own` that neighbours are told of."""


def shapes(texts: Sequence[str], marks: Sequence[Sequence[tuple[int, int]]]) -> Tensor:
    """Of all words of the texts in their order, float32 [U, 24] in [0, 1]. marks: of each text's words.

    Of the word: a first capital, all capitals, a capital within, a digit, digits alone, a sign, @, #, short,
    its length; first, last, and whether it touches the word before and behind; of the words before and
    behind: a first capital, all capitals, a sign; of those two away a first capital; whether @ or # stands
    before; of the text: its share of words with a capital.
    """
    owner = torch.tensor([i for i, each in enumerate(marks) for _ in each], dtype=torch.int64)
    if not len(owner):
        return torch.zeros(0, SHAPE)
    places = torch.tensor([place for each in marks for place in each], dtype=torch.int64)
    own = torch.tensor(
        [_own(text[start:end]) for text, each in zip(texts, marks, strict=True) for start, end in each]
    )
    capital = own[:, _CAPITAL]
    seen = own[:, [_CAPITAL, _ALL_CAPITALS, _SIGN]]
    before, behind = _shifted(seen, owner, 1), _shifted(seen, owner, -1)
    named = own[:, [_AT, _HASH]].amax(1, keepdim=True)
    count = torch.bincount(owner, minlength=len(texts)).clamp(min=1)
    share = torch.zeros(len(texts)).index_add_(0, owner, capital) / count
    edge = owner[1:] != owner[:-1]
    touches = ~edge & (places[1:, 0] == places[:-1, 1])
    yes, no = torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.bool)
    place = torch.stack(
        [torch.cat([yes, edge]), torch.cat([edge, yes]), torch.cat([no, touches]), torch.cat([touches, no])],
        1,
    )
    two_away = torch.cat([_shifted(capital[:, None], owner, step) for step in (2, -2)], 1)
    parts = [own, place.float(), before, behind, two_away, _shifted(named, owner, 1), share[owner, None]]
    return torch.cat(parts, 1)


@lru_cache(maxsize=100_000)
def _own(word: str) -> tuple[float, ...]:
    """Ten numbers of a word by itself."""
    letters = [letter for letter in word if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters)
    return (
        float(word[0].isupper()),
        float(len(letters) > 1 and capitals == len(letters)),
        float(capitals - word[0].isupper() > 0 and capitals < len(letters)),
        float(any(letter.isdigit() for letter in word)),
        float(word.isdigit()),
        float(not any(letter.isalnum() for letter in word)),
        float(word[0] == "@"),
        float(word[0] == "#"),
        float(len(word) <= 3),
        min(len(word), LONG) / LONG,
    )


def _shifted(rows: Tensor, owner: Tensor, by: int) -> Tensor:
    """What the word `by` places before says, float32 [U, k]; zeros beyond the text's ends."""
    moved = torch.roll(rows, by, 0)
    same = torch.roll(owner, by) == owner
    same[slice(0, by) if by > 0 else slice(by, None)] = False
    return moved * same[:, None]
