"""Representative strategies go by the domain that is named, and the estimated accuracy is about it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.sampling import make_scene, rank_scene, registry
from backend.sampling.scene import Scene
from tests.fakes.loop import Loop, texts
from tests.unit.scenes import cluster

NAMED = [
    "representative",
    "adaptive_representative",
    "transfer_representative",
    "transfer_adaptive_representative",
    "discriminative",
]


def three_kinds(*, named: bool = True) -> tuple[Scene, Tensor]:
    """The pool has two kinds that nothing labelled comes from; the second, smaller one is the target domain.
    Returns the scene and which kind each item is of."""
    labeled = torch.cat([cluster(30, 1.0, seed=1), cluster(30, -1.0, seed=2)])
    sizes = (160, 100, 40)
    places = [(1.0,), (0.0, 1.0), (0.0, 0.0, 1.0)]
    parts = [cluster(n, *axes, seed=3 + i) for i, (n, axes) in enumerate(zip(sizes, places, strict=True))]
    kind = torch.repeat_interleave(torch.arange(3), torch.tensor(sizes))
    target = (kind == 2) if named else None
    scene = make_scene(torch.cat(parts), labeled, (torch.arange(60) < 30).long(), target=target)
    return scene, kind


@pytest.mark.parametrize("strategy", NAMED)
def test_the_named_domain_comes_first(strategy: str) -> None:
    shares = []
    for scene, kind in (three_kinds(), three_kinds(named=False)):
        shares.append(float((kind[rank_scene(strategy, scene, 10).order[:10]] == 2).float().mean()))
    assert shares[0] >= 0.7
    assert shares[1] <= shares[0] - 0.3


@pytest.mark.parametrize("strategy", NAMED)
def test_more_than_the_named_domain_has_are_picked_from_the_rest(strategy: str) -> None:
    scene, _ = three_kinds()
    order = rank_scene(strategy, scene, 120).order
    assert sorted(order.tolist()) == list(range(scene.size))


def test_a_composition_keeps_the_domain() -> None:
    scene, kind = three_kinds()
    picks = registry.find("random within 10% by transfer_representative", {}).pick(scene, 15).indices
    assert (kind[picks] == 2).all()


def test_the_estimated_accuracy_is_that_of_the_named_domain() -> None:
    generator = torch.Generator().manual_seed(0)
    labeled = torch.randn(200, 6, generator=generator)
    noise = torch.randn(200, generator=generator) * 0.7
    pool = torch.randn(400, 6, generator=generator)
    scene = make_scene(pool, labeled, (labeled[:, 0] + noise > 0).long())
    easy = pool[:, 0].abs() > 1
    named = make_scene(pool, labeled, scene.targets, trained=scene.trained, target=easy)
    assert named.estimated_accuracy is not None
    assert scene.estimated_accuracy is not None
    assert named.estimated_accuracy > scene.estimated_accuracy + 0.03


def test_a_domain_that_no_item_is_of_is_all() -> None:
    scene, _ = three_kinds(named=False)
    nothing = torch.zeros(scene.size, dtype=torch.bool)
    same = make_scene(scene.pool, scene.labeled, scene.targets, target=nothing)
    assert torch.equal(same.application, scene.application)
    with pytest.raises(ValueError, match="target must be"):
        make_scene(scene.pool, scene.labeled, scene.targets, target=nothing[1:])


def test_the_newest_import_is_served_first_and_stays_the_target(loop: Loop) -> None:
    loop.set(strategy="transfer_representative", target_domain="newest")
    project = loop.create(80, labeled=30)
    assert loop.retrain(project)["newest_after"] is None
    last = max(project.tasks)
    new = loop.fake.add_tasks(
        project.id, [text.replace("number", "street market corner") for text in texts(30)]
    )
    done = loop.retrain(project)
    assert done["newest_after"] == last
    assert len(set(loop.queue(project)[:10]) & set(new)) >= 9
    loop.label(project, loop.queue(project)[0])
    loop.fake.add_tasks(project.id, ["tea song number 500"])  # too few to be an import
    assert loop.retrain(project)["newest_after"] == last
