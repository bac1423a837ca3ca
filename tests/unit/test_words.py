"""Texts to words: where they lie, how they are written, and their vectors."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.encoders.word_hashes import HashedWords
from backend.encoders.word_layers import LayerWords
from backend.encoders.word_marks import word_marks
from backend.encoders.word_registry import find_word_encoder
from backend.encoders.word_shape import SHAPE, shapes
from backend.encoders.words import WordEncoder, item_vectors
from tests.unit.tiny_bert import tiny_encoder

LINE = "the quick brown fox jumps over the lazy dog and runs far away from all of us"


def words_in(text: str) -> list[str]:
    return [text[start:end] for start, end in word_marks(text)]


def contextual() -> WordEncoder:
    vectors = tiny_encoder(LINE.split()).words()
    assert vectors is not None
    return WordEncoder("tiny:words", vectors)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I don't like @foo_1!", ["I", "don", "'", "t", "like", "@", "foo_1", "!"]),
        ("我爱北京。OK", ["我", "爱", "北", "京", "。", "OK"]),
        ("กิน", ["กิ", "น"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("cafe\u0301 noir", ["cafe\u0301", "noir"]),
        ("hi👩\u200d👧👍🏽", ["hi", "👩\u200d👧", "👍🏽"]),
        ("a\u2029b", ["a", "b"]),
        (" \n", []),
    ],
)
def test_words_of_languages_with_and_without_spaces(text: str, words: list[str]) -> None:
    assert words_in(text) == words


@given(st.text())
def test_every_character_but_white_space_is_in_exactly_one_word(text: str) -> None:
    covered = [place for start, end in word_marks(text) for place in range(start, end)]
    assert covered == [place for place, letter in enumerate(text) if not letter.isspace()]


def test_a_words_shape_tells_of_capitals_its_place_and_its_neighbours() -> None:
    text = "see @Bob NATO iPhone 12"
    found = dict(zip(words_in(text), shapes([text], [word_marks(text)]).tolist(), strict=True))
    assert all(len(numbers) == SHAPE for numbers in found.values())
    assert found["see"][:9] == [0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert found["NATO"][:3] == [1, 1, 0]
    assert found["iPhone"][:3] == [0, 0, 1]
    assert found["12"][3:5] == [1, 1]
    assert found["@"][5:7] == [1, 1]
    assert found["Bob"][12] == 1  # touches the @ before
    assert found["see"][10] == 1
    assert found["12"][11] == 1
    assert found["iPhone"][14:16] == [1, 1]  # NATO before it
    assert found["Bob"][22] == 1  # an @ before it


def test_a_text_does_not_see_its_neighbours_in_the_list() -> None:
    for encoder in (contextual(), WordEncoder("h", HashedWords())):
        texts = ["The dog", "", "quick FOX jumps over", "us"]
        together = encoder.encode(texts)
        alone = torch.cat([encoder.encode([text]).rows for text in texts])
        assert torch.allclose(together.rows.float(), alone.float(), atol=2e-3)
        assert together.item.tolist() == [0, 0, 2, 2, 2, 2, 3]
        assert together.items == 4
        assert together.marks[3].tolist() == [6, 9]


def test_a_long_text_is_read_in_windows_and_no_word_stands_at_an_edge() -> None:
    vectors = tiny_encoder(LINE.split()).words()
    assert isinstance(vectors, LayerWords)
    text = " ".join([LINE] * 4)
    windows, offsets = vectors.windows([text])
    assert len(windows) > 5  # of 8 pieces each
    found = vectors([text], [word_marks(text)])
    assert len(found) == len(offsets[0]) == len(text.split())
    assert bool((found.norm(dim=1) > 0.99).all())
    # The same window in the middle gives the same vectors; a window's ends are read from its neighbours.
    begin, end = windows[2].begin, windows[2].end
    words = text.split()[begin - 1 : begin + 7]
    alone = vectors([" ".join(words)], [word_marks(" ".join(words))])
    assert end - begin == 6
    assert torch.allclose(found[begin:end], alone[1:7], atol=1e-5)
    assert not torch.allclose(found[begin - 1], alone[0], atol=1e-3)


def test_it_is_the_middle_layer_and_a_word_is_the_mean_of_its_pieces() -> None:
    encoder = tiny_encoder(["the", "dog"])
    vectors = encoder.words()
    assert vectors is not None
    assert vectors.depth == 2
    by_word = vectors(["the dog"], [[(0, 3), (4, 7)]])
    as_one = vectors(["the dog"], [[(0, 7)]])
    bert = encoder._network
    pieces, real = torch.tensor([[1, 5, 4, 2]]), torch.ones(1, 4)
    middle = bert.through(bert.layers[:2], bert.embedded(pieces), real)[0, 1:3]  # type: ignore[attr-defined]
    assert torch.allclose(by_word, torch.nn.functional.normalize(middle, dim=1), atol=1e-5)
    mean = torch.nn.functional.normalize(middle.mean(0), dim=0)
    assert torch.allclose(as_one[0], mean, atol=1e-5)


def test_words_are_kept_in_two_bytes_a_number_and_say_how_many() -> None:
    encoder = contextual()
    units = encoder.encode(["the dog"])
    assert units.rows.dtype == torch.float16
    assert encoder.bytes_per_word == units.rows[0].nbytes
    assert units.rows.shape == (2, encoder.dimensions)
    assert item_vectors(units).dtype == torch.float32


def test_half_of_a_surrogate_pair_does_not_stop_the_words() -> None:
    for encoder in (contextual(), WordEncoder("h", HashedWords())):
        assert encoder.encode(["a \ud83d b", "\ud83d"]).items == 2


def test_hashed_words_know_a_word_by_its_spelling_and_its_neighbours() -> None:
    rows = HashedWords()(["see walking on", "see talking on", "blue sky"], [
        [(0, 3), (4, 11), (12, 14)], [(0, 3), (4, 11), (12, 14)], [(0, 4), (5, 8)],
    ])  # fmt: skip
    alike = rows @ rows.T
    assert alike[1, 4] > 0.3 > alike[1, 7]


def test_an_encoder_of_texts_without_layers_leaves_words_to_their_spelling() -> None:
    for name in ("lsa", "hashed", "hashed:words"):
        found = find_word_encoder(name)
        assert found.name == "hashed:words"
        assert found.is_cheap
    with pytest.raises(ValueError, match="unknown encoder"):
        find_word_encoder("nonsense")


def test_words_need_no_tokenizers_where_they_are_told_by_their_spelling() -> None:
    code = (
        "import sys; sys.modules['tokenizers'] = None;"
        "from backend.encoders.word_registry import find_word_encoder;"
        "print(find_word_encoder('auto').encode(['Two words']).rows.shape[0])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.stdout.strip() == "2", said.stderr


def test_other_weights_are_told_apart_though_the_name_is_the_same() -> None:
    one, other = (tiny_encoder(["a"], seed).words() for seed in (0, 1))
    assert one is not None
    assert other is not None
    tell = [WordEncoder("t", each).arrays() for each in (one, other)]
    assert not np.array_equal(tell[0]["digest"], tell[1]["digest"])
