"""Adapting the last blocks: it starts at the encoder's own vectors, learns what those lack, and is used only
where items that it has not seen say that it is better."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from backend.encoders.backbones import Adaptable, Depth, adaptable
from backend.encoders.joined import Joined
from backend.encoders.lite0 import Lite0
from backend.encoders.lsa import TextEncoder
from backend.encoders.pictures import Lite0Encoder
from backend.learning.adapted_or_not import Compared, compare, compared, folds_of
from backend.learning.answers import hits, losses, temperature, weights
from backend.learning.fine_tuning import Material, adapted_features, beside, fine_tune, fitted
from tests.fakes.adaptable_encoder import Known
from tests.unit.test_image_encoder import made_up_weights
from tests.unit.tiny_bert import tiny_encoder

TEXTS = ["", "a b c", "c b a d " * 9, "b", "unknown words only"]
DEPTHS: list[Depth] = ["last", "all"]


def part_of(found: Adaptable | None) -> Adaptable:
    assert found is not None
    return found


@pytest.mark.parametrize("depth", DEPTHS)
@torch.no_grad()
def test_untrained_the_last_layers_give_the_encoders_vectors_whatever_is_beside_them(depth: Depth) -> None:
    bert = tiny_encoder(["a", "b", "c", "d"])
    lsa = TextEncoder.fit(TEXTS, seed=0)
    encoder = Joined((("lsa", lsa), ("tiny", bert)))
    part = part_of(adaptable(encoder, depth))
    assert part.start == lsa.dims
    assert part.end == encoder.dims
    inputs = part.backbone.inputs(TEXTS)
    found = part.backbone.blocks()(inputs.batch([4, 2, 0, 1]))
    assert (found - bert.encode([TEXTS[i] for i in (4, 2, 0, 1)])).abs().max() < 1e-5
    assert part.backbone.blocks()(inputs.batch([0])).tolist() == [[0.0] * bert.dims]
    assert part.backbone.sizes(TEXTS)[0] == 0
    assert part.backbone.sizes(TEXTS)[2] > part.backbone.sizes(TEXTS)[1] > 0


@pytest.mark.parametrize("depth", DEPTHS)
@torch.no_grad()
def test_untrained_the_last_blocks_give_the_pictures_vectors(depth: Depth) -> None:
    pictures = [np.random.default_rng(i).integers(0, 255, (40, 30, 3), np.uint8) for i in range(3)]
    network = Lite0(made_up_weights())
    encoder = Lite0Encoder(lambda: network, side=48)
    part = part_of(adaptable(encoder, depth))
    inputs = part.backbone.inputs(pictures)
    found = part.backbone.blocks()(inputs.batch([2, 0]))
    assert (found - encoder.encode(pictures)[[2, 0], part.start : part.end]).abs().max() < 1e-5
    assert part.backbone.sizes(pictures) == [inputs.batch([0]).numel()] * 3
    assert (part.end == encoder.dims) == (depth == "all")


def test_an_encoder_without_layers_to_train_is_not_adaptable() -> None:
    assert adaptable(TextEncoder.fit(TEXTS, seed=0), "all") is None


class Passing(nn.Module):
    """Lets the first numbers through at first, and learns quickly to let through the last."""

    QUICK = 200

    def __init__(self, inputs: int, columns: int):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(columns, inputs) / self.QUICK)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.normalize(x @ self.weight.T * self.QUICK, dim=1)


def material(items: int = 240, *, told: float, several: bool = False) -> Material:
    """The class is in what the blocks let through at first as far as it is `told`, and whole in the rest."""
    chance = torch.Generator().manual_seed(1)
    truth = torch.randint(0, 3, (items,), generator=chance)
    x = torch.randn(items, 8, generator=chance) / 3
    x[:, :3] += told * nn.functional.one_hot(truth, 3)
    x[:, 5:] += 1.5 * nn.functional.one_hot(truth, 3)
    blocks = Passing(8, 5)
    features = torch.cat([torch.zeros(items, 2), blocks(x).detach()], 1)
    targets = nn.functional.one_hot(truth, 3).bool() if several else truth
    return Material(features, Known(x), blocks, 2, targets, 3)


@pytest.mark.parametrize("several", [False, True])
def test_blocks_learn_what_the_vectors_lack_and_held_out_items_say_so(several: bool) -> None:
    found = compare(material(told=0.0, several=several), torch.arange(240))
    assert found.is_better
    assert found.adapted > found.frozen + 0.2


def test_where_the_vectors_say_it_all_nothing_is_adapted() -> None:
    found = compare(material(told=3.0), torch.arange(240))
    assert found.frozen > 0.95
    assert not found.is_better


def test_same_seed_same_weights_and_what_it_starts_from_stays() -> None:
    given, rows = material(told=0.0), torch.arange(0, 200)
    before = given.blocks.state_dict()["weight"].clone()
    start = fitted(given, rows, seed=0, device="cpu")
    made = [fine_tune(given, rows, start, seed=seed) for seed in (0, 0, 1)]
    first, again, other = (each.blocks.state_dict()["weight"] for each in made)
    assert torch.equal(first, again)
    assert torch.equal(*(each.network.state_dict()["layers.0.weight"] for each in made[:2]))
    assert not torch.equal(first, other)
    assert torch.equal(before, given.blocks.state_dict()["weight"])
    assert torch.equal(
        start.state_dict()["layers.0.weight"],
        fitted(given, rows, seed=0, device="cpu").state_dict()["layers.0.weight"],
    )


def test_the_untrained_start_is_the_frozen_model() -> None:
    given = material(told=1.0)
    assert torch.allclose(adapted_features(given, given.blocks, torch.arange(9), "cpu"), given.features[:9])
    assert beside(torch.zeros(2, 5), torch.ones(2, 2), 1).tolist() == [[0, 1, 1, 0, 0]] * 2


def test_it_ends_after_the_step_in_which_it_is_told_to() -> None:
    given, steps = material(told=0.0), list[int]()

    def stop() -> None:
        steps.append(1)
        if len(steps) == 5:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        compare(given, torch.arange(240), step_done=stop)
    assert len(steps) == 5


def test_better_by_one_item_is_within_the_error_and_by_many_is_not() -> None:
    targets = torch.zeros(100, dtype=torch.int64)
    right, wrong = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])

    def found(better: int, worse: int) -> Compared:
        before = right.repeat(100, 1)
        after = before.clone()
        before[:better], after[better : better + worse] = wrong, wrong
        return compared(before, after, targets)

    assert found(1, 0).gain == pytest.approx(0.01)
    assert not found(2, 1).is_better
    assert not found(9, 6).is_better
    assert found(20, 6).is_better
    assert not found(6, 20).is_better


def test_copies_are_in_one_fold_also_where_several_choices_are_given() -> None:
    given = material(told=0.0, several=True)
    together = torch.arange(240) // 2
    fold_of = folds_of(given.targets, together, seed=0)
    assert torch.equal(fold_of[::2], fold_of[1::2])
    assert torch.bincount(fold_of).min() >= 78


def test_answers_of_both_kinds_are_scored_from_0_to_1() -> None:
    logits = torch.tensor([[2.0, -1.0, 1.0], [-1.0, -2.0, -1.0], [-1.0, 3.0, -1.0]])
    assert hits(logits, torch.tensor([0, 0, 2])).tolist() == [1, 1, 0]
    given = torch.tensor([[True, False, False], [False, False, False], [True, False, False]])
    assert hits(logits, given).tolist() == pytest.approx([2 / 3, 1, 0])
    assert losses(logits, given).shape == losses(logits, torch.tensor([0, 0, 2])).shape == (3,)


def test_classes_weigh_the_same_and_items_1_in_the_mean() -> None:
    found = weights(torch.tensor([0, 0, 0, 2]), 3)
    assert found.mean() == pytest.approx(1)
    assert found[:3].sum() == pytest.approx(float(found[3]))


def test_a_network_that_is_too_sure_is_cooled_and_one_that_is_not_is_left() -> None:
    chance = torch.Generator().manual_seed(0)
    logits = torch.randn(4000, 3, generator=chance) * 2
    targets = torch.multinomial(logits.softmax(-1), 1, generator=chance)[:, 0]
    assert temperature(logits, targets) == pytest.approx(1, abs=0.15)
    assert temperature(logits * 4, targets) == pytest.approx(4, rel=0.15)
