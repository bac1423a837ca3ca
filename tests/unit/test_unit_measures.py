"""What a scene of items with units says of each: measured of the units, then pooled."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.learning.units import UnitLayers, UnitsLearned
from backend.sampling import Scene, make_scene, rank_scene, uncertainty
from backend.sampling.application import application_head
from backend.sampling.shift import shift_of
from backend.sampling.unit_scene import NOT_LINEAR
from tests.unit.test_unit_scene import ALL, scene_of, with_empty
from tests.unit.unit_scenes import ragged, units_of, vectors_of


def test_a_measure_is_of_units_and_then_pooled() -> None:
    pool = ragged(10)
    for pooling in ("mean", "top"):
        scene = scene_of(pool, pooling)
        each = uncertainty.entropy(scene.units.layers.probabilities)
        some = each[pool.item == 4].sort(descending=True).values[: 3 if pooling == "top" else None]
        assert torch.allclose(scene.uncertain("entropy")[4], some.mean())
        assert torch.allclose(
            scene.probabilities[4], scene.units.layers.probabilities[pool.item == 4].mean(0)
        )


def test_what_a_label_tells_is_a_units_and_then_pooled() -> None:
    """Sharpened before it is pooled where a few units speak for an item: one coin's toss among sure ones
    outweighs some that are a little in doubt."""
    pool = ragged(10)
    for pooling, power in (("mean", 1), ("top", 4)):
        scene = scene_of(pool, pooling)
        each = uncertainty.margin(scene.units.layers.probabilities) ** power / 4
        assert torch.allclose(scene.information, scene.units.pooled(each, pooling))
        of_labeled = scene.learned.labeled
        told = uncertainty.margin(of_labeled.layers.probabilities) ** power / 4
        assert torch.allclose(scene.labeled_information, of_labeled.pooled(told, pooling))


def test_an_items_most_doubtful_unit_stands_for_it() -> None:
    scene = scene_of(ragged(10))
    margins = uncertainty.margin(scene.units.layers.probabilities)
    largest = torch.stack([margins[scene.units.item == item].max() for item in range(10)])
    assert torch.equal(uncertainty.margin(scene.most_doubtful.probabilities), largest)


def test_the_last_layer_is_found_where_the_learner_does_not_say_it() -> None:
    """Or another that says the same, where hidden units are silent; of a network that ends otherwise it is
    told that dropout goes by the nearest."""
    found = scene_of(ragged(30), bare=True)
    weight, bias = found.last_layer
    layers = found.units.layers
    assert torch.allclose(layers.last_hidden @ weight + bias, layers.logits, atol=1e-3)
    rank_scene("dropout_margin", found, 3)
    assert NOT_LINEAR not in found.notes
    bent = found.units._replace(layers=layers._replace(logits=(3 * layers.logits).sin()))
    learned = replace(found.learned, pool=bent)
    scene = make_scene(found.pool, found.labeled, torch.zeros(len(found.labeled)), trained=learned)
    assert rank_scene("dropout_margin", scene, 3).notes == [NOT_LINEAR]


def test_no_item_has_a_unit() -> None:
    pool = units_of(torch.zeros(0, 6), torch.zeros(4).long())
    for strategy in ALL:
        assert rank_scene(strategy, scene_of(pool), 2).order.sort().values.tolist() == [0, 1, 2, 3]


def test_domains_shift_and_accuracy_are_told_of_items_with_units() -> None:
    scene = scene_of(with_empty())
    assert application_head(scene) is not None
    assert shift_of(scene) is not None
    assert scene.estimated_accuracy is not None
    target = torch.zeros(40, dtype=torch.bool)
    target[5:9] = True
    parts = scene.pool, scene.labeled, torch.zeros(len(scene.labeled))
    some = make_scene(*parts, trained=scene.learned, target=target)
    head = scene.error_head
    assert head is not None
    wrong = head(scene.units.of_items(torch.arange(5, 9)).layers)
    assert some.estimated_accuracy == pytest.approx(1 - float(wrong.mean()), abs=1e-6)


def test_items_with_units_are_served_by_field() -> None:
    scene = scene_of(with_empty())
    fields = {"source": (["a", "b"] * 20, ["a"] * len(scene.labeled))}
    parts = scene.pool, scene.labeled, torch.zeros(len(scene.labeled))
    order = rank_scene("margin by source", make_scene(*parts, trained=scene.learned, fields=fields), 20).order
    assert order.sort().values.tolist() == list(range(40))
    assert [int(i) % 2 for i in order[:10]] == [1, 0] * 5


def test_without_a_learner_the_cold_start_goes_by_the_items() -> None:
    pool, labeled = ragged(20), ragged(3, seed=2)
    scene = make_scene(vectors_of(pool), vectors_of(labeled), torch.zeros(3))
    assert type(scene) is Scene
    assert set(rank_scene("auto", scene, 5).by) == {"cold_start"}


def changed(learned: UnitsLearned, **parts: object) -> UnitsLearned:
    return replace(learned, **parts)


def test_what_does_not_fit_is_refused_in_words() -> None:
    scene = scene_of(ragged(6))
    learned, parts = scene.learned, (scene.pool, scene.labeled, torch.zeros(len(scene.labeled)))
    units = learned.pool
    shuffled = UnitLayers(units.layers, units.item.flip(0), units.items)
    linear = UnitLayers(units.layers._replace(hidden=()), units.item, units.items)
    for wrong, words in [
        (changed(learned, pool=learned.held_out), "units of 6 pool items were asked for"),
        (changed(learned, correct=learned.correct[1:]), "there must be a verdict on each"),
        (changed(learned, pool=shuffled), "in their items' order"),
        (changed(learned, pool=linear), "need a hidden layer"),
        (changed(learned, n_siblings=0), "a sibling at least"),
    ]:
        with pytest.raises(ValueError, match=words):
            make_scene(*parts, trained=wrong)
