"""The layers that words are read from, adapted together with the tagger."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.encoders.word_blocks import WordBackbone
from backend.encoders.word_layers import LayerWords
from backend.encoders.word_marks import word_marks
from backend.encoders.words import WordEncoder
from backend.learning.bio import OUTSIDE, UNSAID
from backend.learning.tagger_tuning import TaggedTexts, adapted_rows, fine_tune_tagger
from backend.learning.tagging import train_tagger_alone
from tests.unit.tiny_bert import LAYERS, tiny_encoder

WORDS = [f"w{i}" for i in range(24)]
NAMES = set(WORDS[::3])
"""Words that are names, one of each."""


def reader() -> LayerWords:
    found = tiny_encoder(WORDS).words()
    assert found is not None
    return found


def texts(n: int, seed: int = 0) -> list[str]:
    made = torch.Generator().manual_seed(seed)
    lengths = torch.randint(3, 15, (n,), generator=made).tolist()
    return [" ".join(WORDS[int(torch.randint(0, 24, (), generator=made))] for _ in range(k)) for k in lengths]


def material(contents: list[str], depth: str = "last") -> TaggedTexts:
    units = WordEncoder("tiny:words", words := reader()).encode(contents)
    backbone = WordBackbone(words, "all" if depth == "all" else "last")
    inputs = backbone.inputs(contents, [word_marks(text) for text in contents])
    tags = torch.tensor([int(word in NAMES) for text in contents for word in text.split()])
    return TaggedTexts(units, tags, inputs, backbone.blocks())


@pytest.mark.parametrize("depth", ["last", "all"])
def test_layers_that_nobody_adapted_give_the_encoders_own_words(depth: str) -> None:
    """Also of texts of several windows, and of a text without a word between them."""
    made = material([*texts(6), "", " ".join(WORDS * 2)], depth)
    rows, words = adapted_rows(made.units, made.inputs, made.blocks, torch.tensor([7, 6, 2]), "cpu")
    own = torch.cat([made.units.rows[made.units.item == i] for i in (7, 6, 2)])
    assert torch.allclose(rows, own.float(), atol=2e-3)
    assert torch.equal(made.units.rows[words], own)


def test_only_layers_below_the_middle_are_adapted() -> None:
    depth = reader().depth
    layers = {name.split("/")[0] for name, _ in material(texts(2)).blocks.named_parameters()}
    assert layers == {"0", "1"}
    assert depth == 2 < LAYERS


def loss(made: TaggedTexts, blocks: torch.nn.Module, network: torch.nn.Module) -> float:
    rows, words = adapted_rows(made.units, made.inputs, blocks, torch.arange(made.units.items), "cpu")
    logits: Tensor = network(rows).logits[0]
    return float(torch.nn.functional.cross_entropy(logits, made.tags[words]))


def test_adapting_lowers_the_loss_and_leaves_the_encoder_as_it_is() -> None:
    made = material(texts(40))
    before = {name: value.clone() for name, value in made.blocks.state_dict().items()}
    tagger = train_tagger_alone(made.units, made.tags, 3)
    steps: list[int] = []
    with torch.no_grad():
        frozen = loss(made, made.blocks, tagger.network)
    found = fine_tune_tagger(made, tagger, step_done=lambda: steps.append(1))
    with torch.no_grad():
        assert loss(made, found.blocks, found.tagger.network) < frozen * 0.97
    assert all(torch.equal(value, before[name]) for name, value in made.blocks.state_dict().items())
    assert len(steps) == 8 * 3
    assert set(found.tagger.tags(made.units).tolist()) >= {OUTSIDE, 1}


def test_texts_of_which_nothing_is_said_are_not_learned_from() -> None:
    made = material(texts(20))
    tags = made.tags.clone()
    tags[made.units.item >= 10] = UNSAID
    some = TaggedTexts(made.units, tags, made.inputs, made.blocks)
    steps: list[int] = []
    fine_tune_tagger(some, train_tagger_alone(some.units, some.tags, 3), step_done=lambda: steps.append(1))
    assert len(steps) == 8
