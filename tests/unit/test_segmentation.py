"""Classes of cells, learned from a few of them: what is sampled, who judges, what is kept."""

from __future__ import annotations

import json
from functools import cache

import pytest
import torch
from torch import Tensor

from backend.encoders.maps import at_points
from backend.learning import segmentation, segmentation_units
from backend.learning.cells import UNSAID, Look, centres
from backend.learning.segmentation import Segmenter, TrainedSegmenter, train_segmentation
from backend.learning.segmentation_units import PASS, units_learned, units_seen
from backend.learning.units import UnitsLearned
from backend.sampling import make_scene, names, rank_scene

GRID, WIDTH, CLASSES = 16, 12, 3


@cache
def toy(images: int, seed: int = 0) -> tuple[Look, Tensor]:
    """Maps in which a cell of each class looks like its class, and what is where: int64 [images, G, G]."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.zeros(images, GRID, GRID, dtype=torch.int64)
    for image in range(images):
        for label in (1, 2):
            x, y = torch.randint(0, GRID - 5, (2,), generator=generator).tolist()
            targets[image, y : y + 5, x : x + 5] = label
    looks = torch.randn(CLASSES, WIDTH, generator=torch.Generator().manual_seed(9))
    maps = looks[targets].permute(0, 3, 1, 2) + torch.randn(images, WIDTH, GRID, GRID, generator=generator)
    return (lambda items, points: at_points(maps[items], points)), targets


@cache
def trained() -> TrainedSegmenter:
    return train_segmentation(*toy(12), CLASSES)


def test_it_learns_what_is_where() -> None:
    look, targets = toy(6, seed=1)
    model = trained().model
    for image in range(6):
        seen = model.decode(look, image)
        assert seen.classes.shape == (GRID * segmentation.FINER,) * 2
        coarse = seen.classes[2 :: segmentation.FINER, 2 :: segmentation.FINER]
        assert (coarse == targets[image]).float().mean() > 0.85
        assert ((seen.confidences > 1 / CLASSES) & (seen.confidences <= 1)).all()


def test_maps_are_read_at_the_middle_of_cells() -> None:
    look, _ = toy(2)
    cells = look(torch.tensor([1]), centres(GRID)[None])[0]
    everywhere = torch.arange(GRID * GRID, dtype=torch.float32).view(1, 1, GRID, GRID)
    assert cells.shape == (GRID * GRID, WIDTH)
    assert torch.allclose(at_points(everywhere, centres(GRID)[None]).flatten(), everywhere.flatten())


def test_an_image_is_in_one_fold_and_judged_by_who_did_not_see_it() -> None:
    """A class that is in one image alone is one that its judge has never seen."""
    look, targets = toy(8)
    alone = targets.clone()
    alone[3, 0] = 3
    found = train_segmentation(look, alone, 4)
    learned = units_learned(found, *toy(3, seed=2)[:1], 3, side=GRID)
    of_image = learned.held_out.item == 3
    new = alone[3].flatten() == 3
    assert not learned.correct[of_image][new].any()
    sibling = found.family.member(int(found.fold_of[3]) + 1)
    own = sibling(look(torch.tensor([3]), centres(GRID)[None])[0]).logits[0]
    assert torch.allclose(learned.held_out.layers.logits[of_image], own, atol=1e-4)
    assert (learned.correct[of_image] == (own.argmax(-1) == alone[3].flatten())).all()


def test_copies_are_in_one_fold() -> None:
    look, targets = toy(8)
    found = train_segmentation(look, targets, CLASSES, together=torch.tensor([0, 1, 2, 3, 0, 1, 2, 3]))
    assert torch.equal(found.fold_of[:4], found.fold_of[4:])
    assert len(found.fold_of.unique()) > 1


def test_what_was_held_out_is_decoded_by_who_did_not_see_it() -> None:
    found = trained()
    for image, seen in enumerate(found.held_out()):
        sibling = found.family.member(int(found.fold_of[image]) + 1)
        assert torch.equal(seen.classes, sibling.decode(found.look, image).classes)
    assert image == len(found.targets) - 1


def test_cells_of_which_nobody_said_what_they_are_get_no_verdict() -> None:
    look, targets = toy(8)
    partly = targets.clone()
    partly[2, :4] = UNSAID
    learned = units_learned(train_segmentation(look, partly, CLASSES), look, 8, side=GRID)
    assert learned.held_out.counts.tolist() == [256, 256, 192, *[256] * 5]
    assert len(learned.correct) == len(learned.held_out.item)


def test_a_pool_is_looked_at_a_few_images_at_a_time() -> None:
    look, _ = toy(20, seed=3)
    asked = []

    def counted(items: Tensor, points: Tensor) -> Tensor:
        asked.append(len(items))
        return look(items, points)

    learned = units_learned(trained(), counted, 20, side=8)
    assert max(asked) <= PASS
    assert sum(asked) == 20
    units = 20 * 64
    siblings = segmentation.FOLDS
    assert learned.pool.layers.logits.shape == (units, CLASSES)
    assert learned.pool.counts.tolist() == [64] * 20
    assert learned.n_siblings == siblings
    assert learned.members().shape == (siblings, units, CLASSES)
    some = learned.by_siblings(torch.tensor([7, 2]), torch.tensor([1, 0]))
    assert some.counts.tolist() == [64, 64]
    here = learned.pool.item == 7
    assert torch.allclose(some.layers.probabilities[:64], learned.members()[1][here], atol=1e-5)


def test_the_last_layer_gives_the_logits() -> None:
    learned = units_learned(trained(), *toy(4, seed=3)[:1], 4)
    assert learned.last_layer is not None
    weight, bias = learned.last_layer
    logits = learned.pool.layers.last_hidden @ weight + bias
    assert torch.allclose(logits, learned.pool.layers.logits, atol=1e-4)


def test_a_model_comes_back_from_its_weights() -> None:
    model, (look, _) = trained().model, toy(4, seed=3)
    again = Segmenter.restored(json.loads(json.dumps(model.described())), model.state_dict())
    assert again.described() == model.described()
    assert torch.equal(again.decode(look, 2).classes, model.decode(look, 2).classes)


def test_what_an_earlier_release_kept_goes_on() -> None:
    """Its networks had one hidden layer."""
    looks = torch.randn(WIDTH, CLASSES, generator=torch.Generator().manual_seed(2))
    kept = {
        "center": torch.ones(WIDTH),
        "scale": torch.full((WIDTH,), 4.0),
        "network.layers.0.weight": torch.eye(WIDTH, 64)[None],
        "network.layers.0.bias": torch.zeros(1, 1, 64),
        "network.layers.1.weight": torch.cat([looks, torch.zeros(64 - WIDTH, CLASSES)])[None],
        "network.layers.1.bias": torch.zeros(1, 1, CLASSES),
    }
    told = {"kind": "segmentation", "grid": GRID, "inputs": WIDTH, "classes": CLASSES, "members": 1}
    model, (look, _) = Segmenter.restored({**told, "hidden": [64]}, kept), toy(1)
    cells = look(torch.tensor([0]), centres(GRID)[None])[0]
    expected = torch.nn.functional.gelu((cells - 1) / 4 * WIDTH**0.5 / 4) @ looks
    torch.testing.assert_close(model(cells).logits[0], expected)


def test_of_a_rare_class_that_nothing_tells_little_is_said() -> None:
    """Of a rare class that cannot be told from the background, balanced training says too much."""
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(10, WIDTH, GRID, GRID, generator=generator)
    targets = (torch.rand(10, GRID, GRID, generator=generator) < 0.04).long()
    found = train_segmentation(lambda items, points: at_points(maps[items], points), targets, 2)
    seen = torch.stack(
        [
            found.model.decode(lambda items, points: at_points(maps[items], points), i).classes
            for i in range(10)
        ]
    )
    assert (seen == 1).float().mean() < 0.2


@pytest.mark.parametrize("targets", [torch.zeros(1, 4, 4).long(), torch.full((3, 4, 4), UNSAID)])
def test_too_little_to_train_on_is_told(targets: Tensor) -> None:
    with pytest.raises(ValueError, match="two"):
        train_segmentation(lambda items, points: torch.zeros(len(items), points.shape[1], 3), targets, 2)


def test_one_class_alone_cannot_be_trained() -> None:
    with pytest.raises(ValueError, match="two classes"):
        train_segmentation(toy(3)[0], torch.zeros(3, GRID, GRID).long(), 2)


@pytest.mark.parametrize("strategy", names())
def test_every_strategy_ranks_pictures_by_their_cells(strategy: str) -> None:
    learned = cells_of_30()
    vectors = torch.randn(42, 8, generator=torch.Generator().manual_seed(5))
    nothing = torch.zeros(12, dtype=torch.int64)
    scene = make_scene(vectors[:30], vectors[30:], nothing, trained=learned)
    assert sorted(rank_scene(strategy, scene, 10).order.tolist()) == list(range(30))


@cache
def cells_of_30() -> UnitsLearned:
    return units_learned(trained(), toy(30, seed=4)[0], 30, side=4)


def test_of_many_labelled_images_fewer_units_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(segmentation_units, "JUDGED", 12 * 30)
    learned = units_learned(trained(), *toy(3, seed=2)[:1], 3, side=8)
    assert learned.held_out.counts.tolist() == [25] * 12
    assert learned.pool.counts.tolist() == [64] * 3
    assert learned.labeled is not None
    assert learned.labeled.counts.tolist() == [25] * 12
    assert len(learned.correct) == 12 * 25


def test_nothing_waits_and_nothing_is_looked_at() -> None:
    look, _ = toy(2)
    learned = units_learned(trained(), look, 0)
    assert learned.pool.items == len(learned.pool.item) == 0
    assert units_seen(trained().model, look, 0).layers.logits.shape == (0, CLASSES)
