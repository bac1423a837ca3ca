"""A guess is ticked before an annotator only where it is likely enough right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from backend.controls.base import CLASSES
from backend.guessing import outputs_of, regions
from backend.learning.heads import ErrorHead
from backend.learning.network import LayeredNetwork, Shape
from backend.predicting import Predictor
from backend.said.base import Contents
from backend.settings import Settings
from backend.store.locations import feature_cache, version_store
from backend.store.model_version import ControlModel, ModelVersion, version_name
from tests.unit.schemes import scheme, several, single

OTHER = single("d", "x", "y")
SCHEME = scheme(single("c", "a", "b"), OTHER)
SETS = several("e", ("p", "q", "r"), '["p", "q"]', '["q"]')
ITEMS = torch.zeros(1, 3)


def saying(*logits: float) -> LayeredNetwork:
    """A network that says this of whatever it is asked."""
    network = LayeredNetwork(Shape(3, len(logits)))
    with torch.no_grad():
        for layer in network.layers:
            layer.weight.zero_()
        network.layers[-1].bias.copy_(torch.tensor(logits).view(1, 1, -1))
    return network


def doubting(p: float) -> ErrorHead:
    """A head to which whatever it is asked is wrong with this probability."""
    head = ErrorHead(64)
    head.weights[0] = torch.logit(torch.tensor(p))
    return head


def model(network: LayeredNetwork, *others: ControlModel, **more: Any) -> ModelVersion:
    given = {"scheme": SCHEME, "models": (ControlModel(SCHEME.main, {CLASSES: network}), *others), **more}
    nothing = torch.zeros(0)
    return ModelVersion(
        name="atlas-000001", strategy="margin", encoder="", scorer_head=None,
        queue_ids=nothing.long(), queue_worth=nothing, **given,
    )  # fmt: skip


def setwise(logit: float) -> ModelVersion:
    """To which each of three choices is as likely."""
    networks = {CLASSES: saying(0, 0), SETS.shows: saying(*[logit] * 3)}
    return model(saying(0, 0), scheme=scheme(SETS), models=(ControlModel(SETS, networks),))


def controls_shown(of: ModelVersion, shown_from: float) -> list[str]:
    (found,) = regions(of, outputs_of(of, Contents([""], ITEMS)), 1, shown_from=shown_from)
    return [region["from_name"] for region in found]


@pytest.mark.parametrize(
    ("logit", "wrong", "shown"),
    [(4, 0.1, True), (4, 0.3, False), (1, 0.1, False)],
)
def test_both_the_classifier_and_the_error_head_must_be_sure(logit: float, wrong: float, shown: bool) -> None:
    sure = model(saying(logit, 0), error_head=doubting(wrong))
    assert controls_shown(sure, 0.8) == (["c"] if shown else [])
    assert controls_shown(sure, 0) == ["c"]


def test_each_control_is_judged_by_itself() -> None:
    unlike = model(saying(1, 0), ControlModel(OTHER, {CLASSES: saying(0, 4)}))
    assert controls_shown(unlike, 0.8) == ["d"]
    assert controls_shown(unlike, 0.99) == []


def test_of_several_choices_all_together_must_be_likely() -> None:
    """Each of three is 0.9 sure: all of them 0.73."""
    sets = setwise(2.2)
    assert controls_shown(sets, 0.7) == ["e"]
    assert controls_shown(sets, 0.8) == []
    unlikely = setwise(-2.2)  # one must be given
    assert controls_shown(unlikely, 0.2) == []


DEFAULT = Settings.model_fields["show_guess_from"].default
TEXTS = [f"text number {n}" for n in range(9)]


def predicted(folder: Path, **settings: Any) -> list[dict[str, Any]]:
    """What /predict answers of a project whose model is sure of nothing."""
    given = Settings(data_dir=folder, **settings)
    _, encoder = feature_cache(given, 1).encode(TEXTS)
    version = ModelVersion(
        version_name(1), SCHEME, "margin", encoder,
        (ControlModel(SCHEME.main, {CLASSES: LayeredNetwork(Shape(256, 2))}),), None,
        torch.arange(9), torch.zeros(0),
    )  # fmt: skip
    version_store(given, 1).save(version)
    version_store(given, 1).set_published(version.name)
    tasks = [{"id": n, "data": {"text": text}} for n, text in enumerate(TEXTS)]
    return Predictor(given).predict(1, SCHEME, tasks)


def test_where_none_is_sure_enough_none_is_shown_and_the_order_is_the_same(tmp_path: Path) -> None:
    hidden = predicted(tmp_path / "a", show_guess_from=DEFAULT)
    all_shown = predicted(tmp_path / "b", show_guess_from=0)
    assert [each["result"] for each in hidden] == [[]] * len(TEXTS)
    assert all(each["result"] for each in all_shown)
    assert [each["score"] for each in hidden] == [each["score"] for each in all_shown]
    assert [each["probabilities"] for each in hidden] == [each["probabilities"] for each in all_shown]
