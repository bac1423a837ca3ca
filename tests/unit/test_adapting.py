"""What an adapted model says stands in the place of the version's own word, as far as there was time."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.adapted_contents import text_contents
from backend.adapting import PIECE, AdaptedWhole, adapted_from, said_by
from backend.controls.base import CLASSES
from backend.errors import DamagedFile
from backend.guessing import regions
from backend.learning.heads import ErrorHead
from backend.learning.network import LayeredNetwork, Layers, Shape
from backend.said.base import Contents
from backend.said.whole import SaidOfWhole
from backend.store.adapted_models import AdaptedModel, AdaptedModels
from backend.store.files import Files
from backend.store.model_version import ControlModel, ModelVersion
from tests.fakes.adaptable_encoder import NOISE, AdaptableEncoder, LastLayer
from tests.unit.schemes import scheme, single

TEXTS = [f"storm number {i}" for i in range(PIECE + 3)]
CONTROL = single("label", "a", "b")


def model(classes: int = 2, inputs: int = NOISE) -> AdaptedModel:
    network = LayeredNetwork(Shape(inputs, classes), seed=3)
    return AdaptedModel(dict(LastLayer().state_dict()), network, "last", CONTROL.from_name, "adaptable-1")


def adapted_layers() -> AdaptedWhole:
    found = adapted_from(model(), text_contents(AdaptableEncoder()), ())
    assert isinstance(found, AdaptedWhole)
    return found


def said() -> list[SaidOfWhole]:
    sure_of_a = Layers((torch.zeros(len(TEXTS), 4),), torch.tensor([[9.0, -9.0]] * len(TEXTS)))
    return [SaidOfWhole(CONTROL, {CLASSES: sure_of_a}, sure_of_a)]


def test_it_says_what_its_layers_say() -> None:
    encoder = AdaptableEncoder()
    adapted = adapted_layers()
    features = encoder.encode(TEXTS)
    with torch.no_grad():
        expected = model().network(features).logits[0]
    assert torch.allclose(adapted.logits(TEXTS, features, 60), expected, atol=1e-5)
    assert adapted.bytes > sum(value.nbytes for value in model().blocks.values())


def test_of_what_there_is_no_time_for_the_version_itself_says_it() -> None:
    adapted = adapted_layers()
    features = AdaptableEncoder().encode(TEXTS)
    (late,) = said_by(adapted, said(), Contents(TEXTS, features), 0)
    assert not any(late.adapted)
    assert torch.equal(late.shown.logits, said()[0].shown.logits)
    (whole,) = said_by(adapted, said(), Contents(TEXTS, features), 60)
    assert all(whole.adapted)
    assert torch.equal(whole.shown.logits, adapted.logits(TEXTS, features, 60))
    assert torch.equal(whole.layers[CLASSES].logits, said()[0].layers[CLASSES].logits)


def test_an_adapted_guess_is_as_sure_as_its_probability_whatever_the_error_head_says() -> None:
    """It judges the other network."""
    version = ModelVersion(
        name="atlas-000001",
        scheme=scheme(CONTROL),
        strategy="margin",
        encoder="adaptable-1",
        models=(ControlModel(CONTROL, {CLASSES: LayeredNetwork(Shape(NOISE, 2, hidden=(4,)))}),),
        scorer_head=None,
        queue_ids=torch.zeros(0, dtype=torch.int64),
        queue_worth=torch.zeros(0),
        error_head=ErrorHead(4),
    )
    (partly,) = (each.with_adapted(torch.tensor([[-1.0, 1.0], [2.0, -2.0]])) for each in said())
    shown = regions(version, [partly], len(TEXTS))
    answers = [guess[0]["value"]["choices"][0] for guess in shown]
    assert answers == ["b", *["a"] * (len(TEXTS) - 1)]
    scores = [guess[0]["score"] for guess in shown]
    assert scores[:2] == pytest.approx([torch.sigmoid(torch.tensor(x)).item() for x in (2.0, 4.0)])
    assert scores[2:] == pytest.approx([0.5] * (len(TEXTS) - 2))  # the head's


def test_what_a_task_does_not_offer_is_not_guessed_by_adapted_layers_either() -> None:
    (each,) = said()
    within = replace(each, shown=CONTROL.within(each.shown, [["a"], None]))
    logits = within.with_adapted(torch.tensor([[-1.0, 1.0]] * 2)).shown.logits
    assert logits[:2].argmax(-1).tolist() == [0, 1]


def test_what_is_not_at_hand_the_version_itself_says() -> None:
    """An image without a small picture."""
    adapted = replace(
        adapted_layers(),
        read=lambda values: [None if value == TEXTS[1] else value for value in values],
    )
    features = AdaptableEncoder().encode(TEXTS)
    (partly,) = said_by(adapted, said(), Contents(TEXTS, features), 60)
    assert partly.adapted.tolist() == [text != TEXTS[1] for text in TEXTS]
    assert torch.equal(partly.shown.logits[1], said()[0].shown.logits[1])
    whole = replace(adapted, read=list).logits(TEXTS, features, 60)
    assert torch.allclose(partly.shown.logits[2:], whole[2:], atol=1e-5)
    nothing = replace(adapted, read=lambda values: [None] * len(values))
    assert not any(said_by(nothing, said(), Contents(TEXTS, features), 60)[0].adapted)


def test_other_controls_and_no_texts_are_left_as_they_are() -> None:
    adapted = replace(adapted_layers(), control="another")
    features = AdaptableEncoder().encode(TEXTS)
    assert said_by(adapted, said(), Contents(TEXTS, features), 60)[0].adapted is None
    assert said_by(None, said(), Contents(TEXTS, features), 60)[0].adapted is None


def test_a_model_of_another_encoder_is_refused() -> None:
    with pytest.raises(DamagedFile, match="another encoder"):
        adapted_from(model(inputs=NOISE + 1), text_contents(AdaptableEncoder()), ())
    with pytest.raises(DamagedFile, match="another encoder"):
        adapted_from(
            replace(model(), blocks={"weight": torch.zeros(1, 1)}), text_contents(AdaptableEncoder()), ()
        )
    with pytest.raises(DamagedFile, match="another encoder"):
        adapted_from(replace(model(), depth="first"), text_contents(AdaptableEncoder()), ())


def test_a_model_comes_back_as_it_was_saved(tmp_path: object) -> None:
    models = AdaptedModels(Files(tmp_path))  # type: ignore[arg-type]
    digest = models.save(model())
    found = models.load(digest)
    assert (found.depth, found.control, found.encoder) == ("last", CONTROL.from_name, "adaptable-1")
    assert torch.equal(found.blocks["weight"], model().blocks["weight"])
    for name, value in model().network.state_dict().items():
        assert torch.equal(found.network.state_dict()[name], value)
    with pytest.raises(DamagedFile, match="cannot be read"):
        models.load("0" * 64)
