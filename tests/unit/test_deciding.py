"""Which choices are shown where several may be given, and what is told of each."""

import torch

from backend.controls.base import CLASSES
from backend.guessing import outputs_of, probabilities, regions
from backend.learning.network import LayeredNetwork, Layers, Shape
from backend.learning.training import outputs, train_choices
from backend.said.base import Contents
from backend.store.model_version import ControlModel, ModelVersion
from tests.unit.schemes import scheme, several

SETS = ('["a"]', '["a", "b"]')
MAIN = several("c", ("a", "b", "c"), *SETS, blank=True)


def saying(*likely: list[float]) -> Layers:
    """To which each choice is as likely as told."""
    return Layers((), torch.logit(torch.tensor(likely)))


def test_each_choice_that_is_more_likely_than_not_is_shown() -> None:
    answers, sure, right = MAIN.decide(saying([0.9, 0.2, 0.6], [0.4, 0.95, 1e-7]))
    assert answers == ['["a", "c"]', '["b"]']  # neither was ever given
    torch.testing.assert_close(torch.tensor(sure), torch.tensor([0.6, 0.6]))
    torch.testing.assert_close(torch.tensor(right), torch.tensor([0.9 * 0.8 * 0.6, 0.6 * 0.95]))


def test_where_none_is_likely_none_is_shown_or_the_likeliest_if_there_must_be_one() -> None:
    assert MAIN.decide(saying([0.1, 0.3, 0.2])).answers == ["[]"]
    answers, sure, right = several("c", ("a", "b", "c"), *SETS).decide(saying([0.1, 0.3, 0.2]))
    assert answers == ['["b"]']
    torch.testing.assert_close(torch.tensor([sure, right]), torch.tensor([[0.3], [0.3]]))


def independent(n: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Choice i is given where feature i is high, each by itself: float [n, 3], bool [n, 3]."""
    given = torch.rand(n, 3, generator=torch.Generator().manual_seed(0)) > 0.5
    noise = torch.randn(n, 3, generator=torch.Generator().manual_seed(1)) * 0.2
    return given.float() * 2 - 1 + noise, given


def test_a_set_that_nobody_gave_is_predicted() -> None:
    features, given = independent(200)
    unseen = (given == torch.tensor([True, False, True])).all(-1)
    assert unseen.any()
    network = train_choices(features[~unseen], given[~unseen])
    right = (outputs(network, features[unseen]).logits.sigmoid() >= 0.5) == given[unseen]
    assert right.all(-1).float().mean() > 0.9


def test_what_is_told_of_an_item() -> None:
    features, given = independent(60)
    network = train_choices(features, given)
    nothing = torch.zeros(0)
    sets = LayeredNetwork(Shape(3, 2))
    model_of_main = ControlModel(MAIN, {CLASSES: sets, MAIN.shows: network})
    model = ModelVersion(
        "atlas-000001", scheme(MAIN), "margin", "", (model_of_main,), None, nothing.long(), nothing
    )
    x = torch.tensor([[1.0, -1.0, 1.0], [-1.0, -1.0, -1.0]])
    said = outputs_of(model, Contents(["", ""], x))
    ((shown,), nobody) = regions(model, said, 2)
    assert shown["value"] == {"choices": ["a", "c"]}
    assert nobody == []  # "none of them" is a prediction without a region
    told = probabilities(said, 2, most=None)
    assert set(told[0]) == {"c"}
    assert [told[0]["c"][choice] > 0.5 for choice in "abc"] == [True, False, True]
    assert sum(told[0]["c"].values()) > 1.5  # each by itself
