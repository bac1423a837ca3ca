"""What every encoder that is fitted, or needs no weights, owes; and encoders by their names."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.combining import combining, each_of, left_less_right, mean_and_spread
from backend.controls.compared import ComparedImages
from backend.controls.several_images import several_images
from backend.controls.sources import Image, Text
from backend.encoders.base import Encoder, EncoderKind, is_cheap, is_pretrained, suits
from backend.encoders.joined import Joined, parts_of
from backend.encoders.lots import Lots
from backend.encoders.registry import AUTO, find_encoder, in_file, is_at_hand, name_in, names
from backend.pairs import BETWEEN, encoder_of_pairs, pair, parts, sides
from backend.sampling.rows import unit_rows

TEXTS = [pair(f"a storm at sea {i}", f"tea and rice {i % 3}") for i in range(12)]
NAMES = ["lsa", "lots", "pairs:lsa", "lsa+lots", "pairs:lsa+pairs:lots"]
ODD = ["", " ", BETWEEN, "\ud800", "\N{ROCKET}" * 3, "a" * 5000, "\u53f0\u98a8"]


@pytest.fixture(scope="module")
def fitted() -> dict[str, Encoder]:
    return {name: find_encoder(name).fit(TEXTS, seed=0) for name in NAMES}


each_encoder = pytest.mark.parametrize("name", NAMES)


@each_encoder
def test_the_same_texts_have_the_same_vectors_in_any_order(name: str, fitted: dict[str, Encoder]) -> None:
    encoder = fitted[name]
    vectors = encoder.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), encoder.dims)
    assert torch.equal(vectors, encoder.encode(TEXTS))
    assert torch.allclose(encoder.encode(TEXTS[::-1]), vectors.flip(0), atol=1e-6)
    assert torch.allclose(encoder.encode(TEXTS[3:4]), vectors[3:4], atol=1e-6)


@each_encoder
def test_fitted_twice_it_says_the_same(name: str, fitted: dict[str, Encoder]) -> None:
    again = find_encoder(name).fit(TEXTS, seed=0)
    assert torch.allclose(again.encode(TEXTS), fitted[name].encode(TEXTS), atol=1e-5)


@each_encoder
def test_it_comes_back_from_its_arrays(name: str, fitted: dict[str, Encoder]) -> None:
    encoder = fitted[name]
    again = find_encoder(name).restore(dict(encoder.arrays()))
    assert torch.equal(again.encode(TEXTS), encoder.encode(TEXTS))
    assert again.dims == encoder.dims


@each_encoder
def test_any_text_has_a_finite_vector_and_no_text_has_none(name: str, fitted: dict[str, Encoder]) -> None:
    encoder = fitted[name]
    assert torch.isfinite(encoder.encode(ODD)).all()
    assert encoder.encode([]).shape == (0, encoder.dims)
    assert is_cheap(encoder) or name.count("+")  # of several the parts are asked


@pytest.mark.parametrize("name", ["lsa", "pairs:lsa", "lsa+lots"])
def test_arrays_of_another_encoder_are_refused(name: str) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        find_encoder(name).restore({"other": np.zeros(3)})


def test_a_vector_by_lot_is_a_direction_and_tells_contents_apart() -> None:
    vectors = Lots().encode([*TEXTS, TEXTS[0]])
    assert torch.allclose(torch.linalg.vector_norm(vectors, dim=1), torch.ones(13), atol=1e-5)
    assert torch.equal(vectors[0], vectors[-1])
    assert len({tuple(row) for row in vectors.tolist()}) == 12


def test_of_encoders_side_by_side_each_has_a_block_of_length_one(fitted: dict[str, Encoder]) -> None:
    encoder = fitted["lsa+lots"]
    assert isinstance(encoder, Joined)
    first, second = encoder.encode(TEXTS).split(encoder.block_widths, 1)
    for block in (first, second):
        assert torch.allclose(torch.linalg.vector_norm(block, dim=1), torch.ones(12), atol=1e-5)
    assert [name for name, _ in parts_of("lsa+lots", encoder)] == ["lsa", "lots"]
    assert [name for name, _ in parts_of("lots", fitted["lots"])] == ["lots"]
    assert suits(encoder, TEXTS)
    assert not is_pretrained(encoder)


def test_with_the_sides_changed_over_a_pair_has_the_opposite_vector(fitted: dict[str, Encoder]) -> None:
    encoder = fitted["pairs:lsa"]
    swapped = [pair(*sides(text)[::-1]) for text in TEXTS]
    assert torch.allclose(encoder.encode(swapped), -encoder.encode(TEXTS), atol=1e-6)
    same = [pair("tea", "tea")]
    assert encoder.encode(same).abs().max() == 0


@pytest.mark.parametrize(
    ("left", "right", "content"),
    [
        ("a", "b", f"a{BETWEEN}b"),
        ("", "b", f"{BETWEEN}b"),
        ("a", "", f"a{BETWEEN}"),
        (" ", "\n", ""),
        (f"x{BETWEEN}y", "b", f"x y{BETWEEN}b"),
    ],
)
def test_two_contents_are_one_text_and_come_apart_again(left: str, right: str, content: str) -> None:
    assert pair(left, right) == content
    assert sides(content) == ((left.replace(BETWEEN, " "), right) if content else ("", ""))
    assert parts(content) == content.split(BETWEEN)


def test_encoders_of_pairs_are_named_after_those_of_texts() -> None:
    assert encoder_of_pairs("use+lsa") == "pairs:use+pairs:lsa"
    assert encoder_of_pairs("lsa") == "pairs:lsa"


@pytest.mark.parametrize(
    "name", ["lsa", "use+lsa", "pairs:lsa", "hub/model-1.0", "a b", "\xe9\N{ROCKET}", "~", "a~b~", "../x", ""]
)
def test_a_name_as_a_part_of_a_files_name_comes_back(name: str) -> None:
    written = in_file(name)
    assert name_in(written) == name
    assert not set(written) & set("/\\. :")
    assert written.isascii()


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("none", "unknown encoder 'none'; choose one of: auto, lsa, use, minilm"),
        ("lsa+lsa", "encoder 'lsa+lsa' names one twice"),
        ("lsa+", "unknown encoder ''"),
        ("", "unknown encoder ''"),
        ("pairs:none", "unknown encoder 'none'"),
        ("LSA", "unknown encoder 'LSA'"),
    ],
)
def test_what_is_no_encoder_is_refused_with_what_there_is(name: str, says: str) -> None:
    with pytest.raises(ValueError, match="encoder") as refused:
        find_encoder(name)
    assert says in str(refused.value)
    assert not is_at_hand(name)


def test_auto_is_no_encoder_but_what_it_begins_with() -> None:
    assert AUTO not in names()
    kind: EncoderKind = find_encoder(AUTO)
    assert kind is not None
    assert is_at_hand(AUTO)


def test_how_many_images_a_content_has_goes_by_its_source() -> None:
    front, back, side = Image("front"), Image("back"), Image("side")
    assert combining(ComparedImages("x", front, back)) == (2, left_less_right)
    assert combining(several_images([front, back, side])) == (3, mean_and_spread)
    assert combining(front) is None
    assert combining(Text("t")) is None


@pytest.mark.parametrize(
    ("content", "images"),
    [(f"a{BETWEEN}b", ["a", "b"]), ("a", ["a", ""]), ("", ["", ""]), (f"a{BETWEEN}b{BETWEEN}c", ["a", "b"])],
)
def test_images_that_lack_are_empty(content: str, images: list[str]) -> None:
    assert each_of(content, 2) == images


def test_what_several_images_have_in_common_does_not_depend_on_their_order() -> None:
    images = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(mean_and_spread(images), mean_and_spread(images.flip(1)), atol=1e-6)
    assert mean_and_spread(images).shape == (3, 10)
    one = images[:, :1]
    assert torch.allclose(mean_and_spread(one), torch.cat([one[:, 0], torch.zeros(3, 5)], 1))
    assert torch.equal(left_less_right(images[:, :2]), images[:, 0] - images[:, 1])


def test_rows_become_directions_and_are_left_alone_where_they_are() -> None:
    rows = torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    assert torch.allclose(unit_rows(rows), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
    units = torch.eye(3)
    assert unit_rows(units) is units
    assert unit_rows(torch.eye(2, dtype=torch.float64)).dtype == torch.float32
