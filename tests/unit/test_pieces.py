"""Texts as pieces and batches of pieces, as many as there is time for, and whether they are English."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from backend.encoders import within
from backend.encoders.english import is_english
from backend.encoders.pieces import MAX_CHARS, by_length, padded, readable
from backend.encoders.within import FIRST, LARGEST, encoded_within

LENGTHS = [3, 0, 7, 1, 7, 2, 0, 5]


def test_batches_hold_alike_lengths_the_longest_first_and_every_text_with_pieces_once() -> None:
    pieces = [[1] * length for length in LENGTHS]
    batches = list(by_length(pieces, budget=14))
    assert batches == [[2, 4], [7, 0], [5, 3]]
    assert sorted(i for batch in batches for i in batch) == [0, 2, 3, 4, 5, 7]
    for batch in batches:
        assert len(batch) * len(pieces[batch[0]]) <= 14


@pytest.mark.parametrize(
    ("lengths", "batches"),
    [([], []), ([0, 0], []), ([50, 60], [[1], [0]]), ([10], [[0]]), ([5, 5, 5], [[0, 1], [2]])],
)
def test_a_text_beyond_the_budget_is_a_batch_of_its_own(lengths: list[int], batches: list[list[int]]) -> None:
    assert list(by_length([[1] * length for length in lengths], budget=10)) == batches


def test_shorter_texts_are_filled_up_and_it_is_known_which_pieces_are_real() -> None:
    ids, real = padded([[4, 5, 6], [7]], fill=9)
    assert ids.tolist() == [[4, 5, 6], [7, 9, 9]]
    assert real.tolist() == [[1, 1, 1], [1, 0, 0]]
    assert (ids.dtype, real.dtype) == (torch.int64, torch.float32)


@pytest.mark.parametrize(
    ("text", "read"),
    [("abc", "abc"), ("a\ud800b", "a?b"), ("x" * (MAX_CHARS + 5), "x" * MAX_CHARS), ("", "")],
)
def test_what_is_read_of_a_text(text: str, read: str) -> None:
    assert readable(text) == read


class Slow:
    """Takes so many seconds a text, by a clock of its own."""

    dims = 2

    def __init__(self, seconds: float) -> None:
        self.now, self.seconds = 100.0, seconds
        self.asked: list[int] = []

    def encode(self, texts: Sequence[str]) -> Tensor:
        self.asked.append(len(texts))
        self.now += self.seconds * len(texts)
        return torch.tensor([[float(text), 1.0] for text in texts]).reshape(-1, 2)

    def arrays(self) -> dict[str, object]:
        return {}


def encoded(
    monkeypatch: pytest.MonkeyPatch, each: float, count: int, seconds: float
) -> tuple[Slow, Tensor, float]:
    slow = Slow(each)
    monkeypatch.setattr(within, "clock", lambda: slow.now)
    vectors, rate = encoded_within(slow, [str(i) for i in range(count)], seconds)  # type: ignore[arg-type]
    assert vectors[:, 0].tolist() == list(range(len(vectors)))
    return slow, vectors, rate


def test_all_are_encoded_where_there_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, vectors, rate = encoded(monkeypatch, 0.001, 100, 60)
    assert len(vectors) == 100
    assert rate == pytest.approx(1000)
    assert slow.asked[:3] == [1, FIRST, 2 * FIRST]  # the first text once before the clock starts


@pytest.mark.parametrize(
    ("each", "seconds", "least", "most"), [(0.1, 5, 45, 51), (1.0, 10, 10, 11), (0.01, 1, 95, 101)]
)
def test_it_ends_near_its_time(
    each: float, seconds: float, least: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, vectors, rate = encoded(monkeypatch, each, 1000, seconds)
    assert least <= len(vectors) <= most
    assert rate == pytest.approx(1 / each)


def test_the_first_few_are_encoded_whatever_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(encoded(monkeypatch, 9.0, 50, 0.0)[1]) == FIRST
    assert len(encoded(monkeypatch, 9.0, 2, 0.0)[1]) == 2


def test_pieces_grow_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, _, _ = encoded(monkeypatch, 1e-6, 5000, 60)
    assert max(slow.asked) == LARGEST
    assert slow.asked[-1] <= LARGEST


def test_of_no_text_nothing_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    slow, vectors, rate = encoded(monkeypatch, 1.0, 0, 5)
    assert (slow.asked, tuple(vectors.shape), rate) == ([], (0, 2), float("inf"))


@pytest.mark.parametrize(
    ("texts", "english"),
    [
        (["The storm hit the coast", "fire near you"], True),
        (["Le vent souffle sur la mer"], False),
        (["Der Sturm ist an der K\xfcste"], False),
        (["\u53f0\u98a8\u6765\u8972"], False),
        (["storm coast fire"] * 3, False),
        (["storm coast fire", "the"], True),
        (["123 456", "!"], False),
        ([], False),
        ([""], False),
    ],
)
def test_english_is_told_by_words_of_no_other_language(texts: list[str], english: bool) -> None:
    assert is_english(texts) is english
