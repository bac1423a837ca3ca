"""What holds for every kind of answer. A new one has its examples here, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from label_studio_sdk.label_interface import LabelInterface
from torch import Tensor

from backend.controls.base import CLASSES, Control
from backend.controls.config import parse_label_config
from backend.controls.regions import RegionControl
from backend.controls.registry import CONTROLS, control_from_json
from backend.learning.network import Layers
from backend.learning.training import Trained, outputs, train
from backend.sampling import make_scene, names, rank_scene
from tests.unit.test_hostile import JSON

OPTIONS = "".join(f'<Choice value="{value}"/>' for value in ("tea", "rice", "fish"))
SETS = tuple(json.dumps(each) for each in (["fish"], ["fish", "tea"], ["rice"], ["rice", "tea"]))
TREE = '<Choice value="food"><Choice value="rice"/><Choice value="fish"/></Choice><Choice value="tea"/>'
EXAMPLES: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "choice": [
        (f'<Choices name="c" toName="t">{OPTIONS}</Choices>', ("fish", "rice", "tea")),
        (f'<Taxonomy name="c" toName="t" maxUsages="1">{OPTIONS}</Taxonomy>', ("fish", "rice", "tea")),
        ('<Choices name="c" toName="t" value="$o"/>', ("fish", "rice", "tea")),
        (f'<Taxonomy name="c" toName="t" maxUsages="1">{TREE}</Taxonomy>', ("food", "food / fish", "tea")),
        (f'<Choices name="c" toName="t" allowNested="true">{TREE}</Choices>', ("food / fish", "tea")),
    ],
    "choices": [
        (f'<Choices name="c" toName="t" choice="multiple" required="true">{OPTIONS}</Choices>', SETS),
        ('<Choices name="c" toName="t" choice="multiple" required="true" value="$o"/>', SETS),
    ],
    "choices or none": [
        (f'<Choices name="c" toName="t" choice="multiple">{OPTIONS}</Choices>', (*SETS, "[]")),
        (f'<Taxonomy name="c" toName="t">{OPTIONS}</Taxonomy>', (*SETS, "[]")),
    ],
    "rating": [
        ('<Rating name="c" toName="t"/>', ("1", "2", "3", "4", "5")),
        ('<Rating name="c" toName="t" maxRating="3" required="true"/>', ("1", "2", "3")),
    ],
    "pairwise": [
        ('<Text name="u" value="$more"/><Pairwise name="c" toName="t,u"/>', ("left", "right")),
    ],
    "text": [
        ('<TextArea name="c" toName="t"/>', ("Émile", "a \N{ROCKET}\n <b>&amp;</b>", "z")),
        ('<TextArea name="c" toName="t" maxSubmissions="1"/>', ("no", "yes")),
    ],
    "number": [
        ('<Number name="c" toName="t"/>', ("-3", "0", "3", "7.5")),
        ('<Number name="c" toName="t" min="0" max="2" step="0.5"/>', ("0.5", "1", "1.5", "2")),
    ],
}
"""By kind: tags that ask for it, each with answers."""
CASES = [(kind, tag, answers) for kind, examples in EXAMPLES.items() for tag, answers in examples]
each_control = pytest.mark.parametrize(
    "case", CASES, ids=[f"{kind}-{i}" for i, (kind, _, _) in enumerate(CASES)]
)
Case = tuple[str, str, tuple[str, ...]]


def xml_of(case: Case) -> str:
    return f'<View><Text name="t" value="$text"/>{case[1]}</View>'


@cache
def control_of(case: Case) -> Control:
    """The control, taught that these answers were given, each to two tasks."""
    return parse_label_config(xml_of(case)).with_classes({"c": case[2] * 2}).main


def test_each_kind_of_answer_has_examples() -> None:
    wholes = {kind for kind, of in CONTROLS.items() if not issubclass(of, RegionControl)}
    assert EXAMPLES.keys() == wholes - {"ranking"}  # which is not learned: tests/unit/test_ranking.py
    # Parts have tests/unit/test_regions.py.
    for case in CASES:
        assert control_of(case).kind == case[0]


REGIONS = st.fixed_dictionaries(
    {
        "from_name": st.just("c") | JSON,
        "value": JSON
        | st.dictionaries(
            st.sampled_from(["choices", "taxonomy", "rating", "number", "selected", "text"]), JSON, max_size=2
        ),
    }
)
RESULTS = JSON | st.lists(REGIONS | JSON, max_size=4)


@each_control
@settings(max_examples=30, deadline=None)
@given(result=RESULTS)
def test_whatever_stands_in_an_annotation_is_read(case: Case, result: Any) -> None:
    control = control_of(case)
    answer = control.read(result)
    if answer is not None:
        assert all(isinstance(word, str) for word in control.in_words(answer))
        assert control.agreement(answer, answer) == 1


@each_control
@settings(max_examples=30, deadline=None)
@given(region=REGIONS)
def test_whatever_a_region_says_it_is_known_or_told(case: Case, region: dict[str, Any]) -> None:
    control = control_of(case)
    unknown = control.unknown_in(region)
    mine = {**region, "from_name": "c"}
    if unknown == [] and control.regions(control.classes[0], 1):
        assert control.read([mine]) is not None or not control.said_in(mine)


@each_control
def test_agreement_is_symmetric_and_whole_for_the_same_answer(case: Case) -> None:
    control = control_of(case)
    for one, other in product(case[2], repeat=2):
        agreement = control.agreement(one, other)
        assert 0 <= agreement <= 1
        assert agreement == control.agreement(other, one)
        assert (agreement == 1) == (one == other)


@each_control
def test_an_answer_is_read_as_it_was_written(case: Case) -> None:
    control = control_of(case)
    for answer in case[2]:
        regions = json.loads(json.dumps(control.regions(answer, 0.25)))
        assert control.read(regions) == answer
        assert [word for region in regions for word in control.said_in(region)] == control.in_words(answer)
        for region in regions:
            assert control.unknown_in(region) == []
            assert (region["from_name"], region["to_name"], region["score"]) == ("c", "t", 0.25)


@each_control
def test_label_studio_takes_what_is_predicted(case: Case) -> None:
    """By the check that it makes at an import of predictions."""
    interface = LabelInterface(xml_of(case))
    control = control_of(case)
    for answer in case[2]:
        told = {"result": control.regions(answer, 0.25), "score": 0.5, "model_version": "x"}
        assert interface.validate_prediction(told, return_errors=True) == []


def test_label_studio_takes_what_is_predicted_of_several_texts() -> None:
    texts = '<Text name="t" value="$text"/><Text name="u" value="$more"/>'
    xml = f'<View>{texts}<Choices name="c" toName="t,u">{OPTIONS}</Choices></View>'
    told = {"result": parse_label_config(xml).main.regions("tea", 0.25), "score": 0.5}
    assert LabelInterface(xml).validate_prediction(told, return_errors=True) == []
    astray = {"result": [{**told["result"][0], "to_name": "t,u"}], "score": 0.5}
    assert LabelInterface(xml).validate_prediction(astray, return_errors=True) != []


@each_control
def test_a_manifest_gives_it_back(case: Case) -> None:
    control = control_of(case)
    assert control_from_json(json.loads(json.dumps(control.as_json()))) == control
    assert control.with_classes(()) == control_from_json(control.as_json()).with_classes(())


def saying(control: Control, answers: tuple[str, ...]) -> Layers:
    """What a network without doubt says of items with these answers."""
    if control.shows == CLASSES:
        right = torch.tensor([[each == answer for each in control.classes] for answer in answers])
    else:
        right = torch.tensor(
            [[choice in control.in_words(answer) for choice in control.choices] for answer in answers]
        )
    return Layers((), (right.float() - 0.5) * 60)


@each_control
def test_a_network_without_doubt_says_what_the_annotator_said(case: Case) -> None:
    control = control_of(case)
    said = saying(control, case[2])
    decided = control.decide(said)
    for answer, truth in zip(decided.answers, case[2], strict=True):
        assert control.agreement(answer, truth) == 1
    assert decided.confidences == pytest.approx([1] * len(case[2]), abs=1e-4)
    assert decided.right == pytest.approx([1] * len(case[2]), abs=1e-4)
    assert control.likely(said).shape == (len(case[2]), len(control.choices))


@each_control
@given(st.integers(0, 9))
def test_what_is_shown_is_no_surer_than_certain_and_can_be_stored(case: Case, seed: int) -> None:
    control = control_of(case)
    columns = saying(control, case[2]).logits.shape[1]
    logits = torch.randn(20, columns, generator=torch.Generator().manual_seed(seed)) * 3
    decided = control.decide(Layers((), logits), right=torch.full((20,), 0.4))
    for answer, confidence, right in zip(*decided, strict=True):
        assert 0 <= right <= confidence + 1e-6 <= 1 + 2e-6
        assert control.read(control.regions(answer, confidence)) == answer


@each_control
def test_what_an_item_does_not_offer_is_not_said(case: Case) -> None:
    control = control_of(case)
    rest = control.choices[:-1]
    said = control.within(saying(control, case[2]), [rest] * len(case[2]))
    assert (control.likely(said)[:, -1] == 0).all()
    for answer in control.decide(said).answers:
        assert set(control.in_words(answer)) <= set(rest)
    whatever = saying(control, case[2])
    for offered in ([None] * len(case[2]), [["unheard of"]] * len(case[2]), [control.choices] * len(case[2])):
        assert torch.equal(control.within(whatever, offered).logits, whatever.logits)


def toy(control: Control, answers: tuple[str, ...], seed: int) -> tuple[Tensor, Tensor]:
    """60 items near a place of their answer, float [60, 16], and which class each is of: int64 [60]."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.randn(len(answers), 16, generator=torch.Generator().manual_seed(99))
    which = torch.arange(60) % len(answers)
    rows = places[which] + torch.randn(60, 16, generator=generator) * 0.5
    classes = torch.tensor([control.classes.index(answer) for answer in answers])
    return torch.nn.functional.normalize(rows, dim=1), classes[which]


@each_control
def test_it_learns(case: Case) -> None:
    """More of it agrees than with whichever answer is best for all items."""
    control = control_of(case)
    features, targets = toy(control, case[2], seed=1)
    networks = control.train_alone(features, targets, seed=0, device="cpu")
    unseen, truths = toy(control, case[2], seed=2)
    answers = control.decide(outputs(networks[control.shows], unseen)).answers
    truth = [control.classes[i] for i in truths.tolist()]

    def agreement(said: Iterator[str] | list[str]) -> float:
        return sum(control.agreement(one, other) for one, other in zip(said, truth, strict=True)) / len(truth)

    blind = max(agreement([answer] * len(truth)) for answer in control.classes)
    assert agreement(answers) > (1 + blind) / 2


SCENES = [*{len(case[2]): case for case in CASES}.values()]
"""A strategy sees classes, not answers: one case for each number of them."""


@cache
def trained_on_20(case: Case) -> tuple[Tensor, Tensor, Trained]:
    """A toy's 60 items, their classes, and what was trained on the first 20: once for all strategies."""
    control = control_of(case)
    features, targets = toy(control, case[2], seed=3)
    return features, targets, train(features[:20], targets[:20], len(control.classes))


@pytest.mark.parametrize("case", SCENES, ids=[f"{len(case[2])} answers" for case in SCENES])
@pytest.mark.parametrize("strategy", names())
def test_every_strategy_ranks_a_scene_of_it_whole(case: Case, strategy: str) -> None:
    features, targets, trained = trained_on_20(case)
    scene = make_scene(features[20:], features[:20], targets[:20], trained=trained)
    assert sorted(rank_scene(strategy, scene, 10).order.tolist()) == list(range(40))


@each_control
def test_networks_beside_the_queues_own_are_of_its_kind(case: Case) -> None:
    control = control_of(case)
    features, targets = toy(control, case[2], seed=4)
    beside = control.train_beside(features, targets, seed=0, device="cpu")
    assert {CLASSES, *beside} >= {control.shows}
