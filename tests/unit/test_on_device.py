"""Another device gives what the processor gives, and nothing is mixed: on a device that is strict as a GPU is
(tests/fakes/device.py). No test here needs a GPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.adapting import AdaptedWhole
from backend.encoders.backbones import Adaptable, Depth, adaptable
from backend.encoders.base import Encoder
from backend.encoders.lite0 import Lite0
from backend.encoders.model_folder import OfTransformers
from backend.encoders.pictures import Lite0Encoder
from backend.jobs.learners.whole_items import kept
from backend.learning import devices
from backend.learning.adapted_or_not import compare
from backend.learning.network import LayeredNetwork, Shape
from backend.learning.training import (
    Trained,
    layers_by_member,
    member_probabilities,
    outputs,
    train,
    train_choices,
)
from backend.sampling import Scene, make_scene, rank_scene, select
from backend.sampling.placed import moved
from backend.sampling.registry import STRATEGIES
from backend.settings import Settings
from tests.fakes.device import NAME, There, a_device
from tests.unit.schemes import single
from tests.unit.test_fine_tuning import material
from tests.unit.test_image_encoder import made_up_weights
from tests.unit.tiny_bert import tiny_encoder

LABELS, CLASSES, DIMS = 60, 3, 50
TEXTS = ["a b c", "b", "", "c c c a b d d d a a a a a a a"]
PICTURES = [np.random.default_rng(i).integers(0, 255, (40, 30, 3), np.uint8) for i in range(3)]


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each costs a hundredth of a second there."""
    monkeypatch.setattr("backend.learning.training.MAX_ITERATIONS", 2)
    monkeypatch.setattr("backend.learning.fine_tuning.EPOCHS", 1)


@pytest.fixture
def device() -> Iterator[str]:
    with a_device() as name:
        yield name


@pytest.fixture
def used(device: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The device that this process encodes on."""
    monkeypatch.setattr(devices, "_used", device)
    return device


def rows(count: int) -> Tensor:
    chance = torch.Generator().manual_seed(0)
    return torch.nn.functional.normalize(torch.randn(count, DIMS, generator=chance), dim=1)


def targets() -> Tensor:
    return torch.arange(LABELS) % CLASSES


def lies_there(module: torch.nn.Module) -> bool:
    return {str(value.device) for value in module.state_dict().values()} == {NAME}


REFUSED: list[Callable[[Tensor, Tensor], Any]] = [
    lambda here, there: here + there,
    lambda here, there: there @ here.T,
    lambda here, there: torch.cat([here, there]),
    lambda here, there: here[there.argmax(1)],
    lambda here, there: there.masked_fill(here > 0, 0),
    lambda here, there: there.index_put((torch.zeros(5).long(),), here),
    lambda here, there: torch.eq(there, there, out=here > 0),
    lambda here, there: there.numpy(),
    lambda here, there: there.add_(here),
]


@pytest.mark.parametrize("mixed", REFUSED)
def test_the_device_is_strict(mixed: Callable[[Tensor, Tensor], Any], device: str) -> None:
    here = torch.randn(5, 5)
    with pytest.raises((RuntimeError, TypeError)):
        mixed(here, here.to(device))


def test_the_device_allows_what_a_gpu_allows_and_reckons_the_same(device: str) -> None:
    here = torch.randn(5, 5)
    there = here.to(device)
    assert isinstance(there, There)
    assert torch.equal((there * torch.tensor(2.0)).cpu(), here * 2)
    assert torch.equal(there[torch.tensor([3, 1])].cpu(), here[[3, 1]])
    assert torch.zeros(2, device=there.device).to("cpu").tolist() == [0, 0]
    there[torch.tensor([True, False, False, True, False])] = 1.0
    assert float(there[0].sum()) == 5 == there[3].sum().item()
    here.copy_(there)
    assert here[0].tolist() == [1] * 5


@pytest.mark.parametrize(("together", "dims"), [(None, DIMS), (torch.arange(LABELS) // 2, 2 * LABELS)])
def test_what_is_trained_there_is_the_same_and_stays_there(
    device: str, together: Tensor | None, dims: int
) -> None:
    features = torch.randn(LABELS, dims, generator=torch.Generator().manual_seed(0))
    here = train(features, targets(), CLASSES, together=together)
    there = train(features, targets(), CLASSES, together=together, device=device)
    assert lies_there(there.network)
    assert lies_there(there.siblings)
    assert torch.equal(there.out_of_fold.layers.logits, here.out_of_fold.layers.logits)
    assert torch.equal(there.out_of_fold.correct, here.out_of_fold.correct)
    given = torch.nn.functional.one_hot(targets(), CLASSES).bool()
    assert lies_there(train_choices(features, given, device=device))


def passes(trained: Trained, pool: Tensor) -> list[Tensor]:
    own = torch.arange(len(pool), device=pool.device) % trained.siblings.shape.members
    by_member = layers_by_member(trained.siblings, pool, own)
    layers = outputs(trained.network, pool)
    return [*layers.hidden, layers.logits, by_member.logits, member_probabilities(trained.siblings, pool)]


@pytest.mark.parametrize("lies", ["cpu", NAME])
def test_passes_over_a_pool_are_made_there_and_lie_where_the_pool_does(device: str, lies: str) -> None:
    pool = rows(20)
    expected = passes(train(rows(LABELS), targets(), CLASSES), pool)
    trained = train(rows(LABELS), targets(), CLASSES, device=device)
    for found, known in zip(passes(trained, pool.to(lies)), expected, strict=True):
        assert str(found.device) == lies
        assert torch.equal(found.cpu(), known)


def test_a_version_keeps_its_network_on_the_processor_and_leaves_the_pools_where_it_is(device: str) -> None:
    """It was moved away from the device before the pool's passes once."""
    trained = train(rows(LABELS), targets(), CLASSES, device=device)
    model = kept(Settings(), single("label", *"abc"), rows(LABELS), targets(), trained)
    assert {str(p.device) for each in model.networks.values() for p in each.parameters()} == {"cpu"}
    assert lies_there(trained.network)


def encoders() -> list[tuple[Encoder, Sequence[Any]]]:
    network = Lite0(made_up_weights())
    pictures: Any = Lite0Encoder(lambda: network, side=48)
    return [(tiny_encoder([*"abcd"]), TEXTS), (pictures, PICTURES)]


@pytest.mark.parametrize("which", [0, 1])
def test_vectors_are_made_there_and_come_back(which: int, used: str) -> None:
    encoder, contents = encoders()[which]
    found = encoder.encode(contents)
    devices._used = devices.CPU
    assert found.device.type == "cpu"
    assert torch.equal(found, encoder.encode(contents))


class OtherShape(torch.nn.Module):
    """As the library `transformers` makes them: it names what it takes and gives."""

    def __init__(self) -> None:
        super().__init__()
        self.words = torch.nn.Embedding(10, 4)

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Any:
        return SimpleNamespace(last_hidden_state=self.words(input_ids) * attention_mask[:, :, None])


def test_a_model_of_transformers_moves_there_and_the_one_here_stays(device: str) -> None:
    here = OfTransformers(OtherShape())
    pieces, real = torch.tensor([[1, 5, 9], [2, 0, 0]]), torch.tensor([[1.0, 1, 1], [1, 0, 0]])
    found = here.to(device)(pieces.to(device), real.to(device))
    assert torch.equal(found.cpu(), here(pieces, real))


@pytest.mark.parametrize("depth", ["last", "all"])
@pytest.mark.parametrize("which", [0, 1])
def test_adapted_layers_answer_there(which: int, depth: Depth, used: str) -> None:
    encoder, contents = encoders()[which]
    part = adaptable(encoder, depth)
    assert isinstance(part, Adaptable)
    network = LayeredNetwork(Shape(encoder.dims, 2))
    adapted = AdaptedWhole("label", part.backbone, part.start, part.backbone.blocks(), network)
    features = encoder.encode(contents)
    found = adapted.logits(contents, features, 60)
    assert lies_there(adapted.blocks)
    with torch.no_grad():
        expected = LayeredNetwork(Shape(encoder.dims, 2))(features).logits[0]
    assert torch.allclose(found, expected, atol=1e-4)


def test_layers_are_adapted_there(device: str) -> None:
    given = material(60, told=0.5)
    there, here = compare(given, torch.arange(60), device=device), compare(given, torch.arange(60))
    assert there == here
    assert torch.equal(there.fold_of, here.fold_of)
    for one, other in zip(there.folds, here.folds, strict=True):
        weights = other.state_dict()
        assert all(torch.equal(each.cpu(), weights[name]) for name, each in one.state_dict().items())


@pytest.fixture(scope="module")
def learned() -> Trained:
    return train(rows(LABELS), targets(), CLASSES)


COMPOSED = ["margin within 20% by representative", "70% auto and 30% random", "margin by source"]


@pytest.mark.parametrize("strategy", [*STRATEGIES, *COMPOSED])
def test_a_pool_is_ranked_there_as_on_the_processor_and_all_that_is_told_comes_back(
    strategy: str, learned: Trained, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scene(where: str) -> Scene:
        networks = {name: moved(getattr(learned, name), where) for name in ("network", "siblings")}
        trained = replace(learned, **networks)
        return make_scene(
            rows(LABELS + 200)[LABELS:],
            rows(LABELS),
            targets(),
            device=where,
            trained=trained,
            fields={"source": (["mail", "forum", None, "forum"] * 50, ["mail"] * LABELS)},
        )

    expected = rank_scene(strategy, scene("cpu"), 30)
    monkeypatch.setattr(devices, "ranks_on", lambda device, needed: device)
    before = scene(device)
    found = rank_scene(strategy, before, 30)
    assert found.order.tolist() == expected.order.tolist()
    for field in fields(found):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if isinstance(one, Tensor):
            assert one.device.type == "cpu"
            assert torch.equal(one, other)
        elif isinstance(one, torch.nn.Module):
            assert not lies_there(one)
        else:
            assert one == other
    assert before.pool.device.type == "cpu"
    assert before.pool_layers.logits.device.type == "cpu"
    head = before.error_head
    assert head is not None
    assert not lies_there(head)


def test_a_cold_start_is_made_there(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def first(where: str) -> list[int]:
        return select(
            "auto", rows(200), rows(0), torch.zeros(0, dtype=torch.int64), 20, device=where
        ).tolist()

    expected = first("cpu")
    monkeypatch.setattr(devices, "ranks_on", lambda device, needed: device)
    assert first(device) == expected


@pytest.mark.parametrize(
    ("device", "free", "expected"),
    [
        ("cuda", 100, "cuda"),
        ("cuda:1", 100, "cuda:1"),
        ("cuda", 99, "cpu"),
        ("mps", 1000, "cpu"),
        ("cpu", 1000, "cpu"),
    ],
)
def test_a_pool_is_ranked_on_a_graphics_card_that_has_the_memory(
    device: str, free: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 10_000))
    assert devices.ranks_on(device, 100) == expected
