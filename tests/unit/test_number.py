"""<Number>: what is told apart are bins of the answers, what is shown is the number to be expected."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.controls.base import CLASSES, Control
from backend.controls.config import parse_label_config
from backend.controls.number import MOST
from backend.controls.votes import Vote, consensus
from backend.errors import LabelConfigError
from backend.jobs.tuning_due import is_due
from backend.learning.network import Layers
from backend.learning.training import outputs, train_network
from backend.said.base import Contents
from backend.said.whole import said_of_whole
from backend.settings import Settings
from backend.store.model_version import ControlModel
from tests.fakes.loop import Loop

TEXT = '<Text name="t" value="$text"/>'


def number(attributes: str = "") -> Control:
    return parse_label_config(f'<View>{TEXT}<Number name="n" toName="t" {attributes}/></View>').main


def region(value: Any) -> dict[str, Any]:
    return {"from_name": "n", "to_name": "t", "type": "number", "value": {"number": value}}


def sure_of(control: Control, *classes: int) -> Layers:
    logits = torch.full((len(classes), len(control.classes)), -40.0)
    logits[torch.arange(len(classes)), torch.tensor(classes)] = 40
    return Layers((), logits)


@pytest.mark.parametrize(
    ("given", "read", "unknown"),
    [
        (4, "4", []),
        (4.0, "4", []),
        (-0.0, "0", []),
        (2.5, "2.5", []),
        (10, "10", []),
        (10.01, None, [10.01]),
        (-5.5, None, [-5.5]),
        ("4", None, ["4"]),
        (True, None, [True]),
        ([4], None, [[4]]),
        (None, None, None),
        (10**400, None, [10**400]),
        (math.inf, None, [math.inf]),
    ],
)
def test_numbers_within_the_bounds_are_read(given: Any, read: str | None, unknown: list[Any] | None) -> None:
    control = number('min="-5" max="10"')
    assert control.read([region(given)]) == read
    assert control.unknown_in(region(given)) == unknown


def test_a_number_that_is_none_is_neither_read_nor_known() -> None:
    assert number().read([region(math.nan)]) is None
    assert number().unknown_in(region(math.nan)) != []


@pytest.mark.parametrize(("answer", "kind"), [("4", int), ("2.5", float), ("-3", int)])
def test_a_prediction_holds_a_number_and_never_a_word(answer: str, kind: type) -> None:
    (told,) = number().regions(answer, 0.5)
    assert told == {**region(float(answer)), "score": 0.5}
    assert type(told["value"]["number"]) is kind


def test_thousands_of_different_numbers_are_a_bounded_number_of_bins() -> None:
    answers = [str(i * i) for i in range(5000)]
    control = number().with_classes(answers)
    assert len(control.classes) == MOST
    assert set(control.classes) <= set(answers)
    sizes = [control.placed(answers, control.classes).count(i) for i in range(MOST)]
    assert sum(sizes) == 5000
    assert min(sizes) > 5000 / MOST / 2


def test_few_different_numbers_are_a_class_each() -> None:
    control = number().with_classes(["7", "3", "7", "12"])
    assert control.classes == ("3", "7", "12")
    assert control.placed(["3", None, "12", "7", "11"], control.classes) == [0, -1, 2, 1, 2]


def test_without_answers_nothing_is_a_class() -> None:
    assert number().classes == ()
    assert number().placed(["3", None], ()) == [-1, -1]


@given(st.lists(st.floats(-50, 50, allow_nan=False), min_size=1, max_size=60), st.integers(0, 9))
def test_what_is_shown_could_have_been_given(answers: list[float], seed: int) -> None:
    for attributes in ('min="-50" max="50" step="0.3"', 'min="-50" max="50"', 'step="2"', ""):
        control = number(attributes)
        read = [answer for each in answers if (answer := control.read([region(each)])) is not None]
        control = control.with_classes(read)
        logits = torch.randn(8, len(control.classes), generator=torch.Generator().manual_seed(seed))
        for answer, confidence, _ in zip(*control.decide(Layers((), logits)), strict=True):
            assert 0 <= confidence <= 1
            assert control.unknown_in(control.regions(answer, confidence)[0]) == []
            if "max" in attributes:
                assert -50 <= float(answer) <= 50
            if "step" in attributes:
                start, step = (-50, 0.3) if "max" in attributes else (0, 2)
                steps = (float(answer) - start) / step
                assert abs(steps - round(steps)) * step < 1e-8  # as the editor checks it


def test_the_last_step_below_the_maximum_is_the_highest_that_is_shown() -> None:
    control = number('min="0" max="10" step="4"').with_classes(["9", "10"])
    assert control.decide(sure_of(control, 0, 1)).answers == ["8", "8"]


def test_as_many_decimals_are_shown_as_annotators_give() -> None:
    even = Layers((), torch.zeros(1, 3))
    assert number().with_classes(["1", "2", "5"]).decide(even).answers == ["3"]
    assert number().with_classes(["1.25", "2", "5"]).decide(even).answers == ["2.75"]


def test_the_confidence_is_the_agreement_to_be_expected() -> None:
    control = number('min="0" max="10"').with_classes(["0", "10"])
    decided = control.decide(Layers((), torch.tensor([[0.25, 0.75]]).log()), right=torch.tensor([0.01]))
    assert decided.answers == ["8"]  # 7.5 in whole numbers
    assert decided.right == decided.confidences == pytest.approx([0.25 * 0.2 + 0.75 * 0.8])


def test_annotators_who_are_near_each_other_agree() -> None:
    control = number('min="0" max="100"')
    votes = {1: [Vote("1", "40"), Vote("2", "45")], 2: [Vote("1", "0"), Vote("2", "100")]}
    assert consensus(votes, control.agreement) == {1: "40", 2: None}


def test_one_typing_error_does_not_make_all_others_agree() -> None:
    given = [*map(str, range(100)), "1000000000"]
    control = number().with_classes(given)
    assert control.agreement("10", "55") == pytest.approx(0.5)
    assert control.agreement("10", "1000000000") == 0


def test_how_right_numbers_are() -> None:
    control = number('min="0" max="10"')
    assert control.score(["1", "5"], ["3", "5"]) == {"agreement": 0.9, "mean_absolute_error": 1}


def test_bounds_that_leave_nothing_to_tell_apart_are_refused() -> None:
    with pytest.raises(LabelConfigError, match=r'<Number name="n"> has min=5 and max=5.*Change min or max'):
        number('min="5" max="5"')


@pytest.mark.parametrize("nothing", ["", "many", "nan", "inf", "²"])
def test_bounds_that_are_no_numbers_bound_nothing_as_in_the_editor(nothing: str) -> None:
    control = number(f'min="{nothing}" max="{nothing}" step="{nothing}"')
    assert control.read([region(1e9)]) == "1000000000"
    assert number('step="0"').with_classes(["1", "2"]).classes == ("1", "2")


def test_a_config_that_asks_for_classes_too_is_ordered_by_these_as_before() -> None:
    choices = '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'
    xml = f'<View>{TEXT}<Number name="n" toName="t"/>{choices}</View>'
    scheme = parse_label_config(xml)
    assert [control.from_name for control in scheme.controls] == ["c", "n"]
    assert parse_label_config(xml, "n").main.from_name == "n"


def test_a_version_that_did_not_learn_it_goes_on_answering() -> None:
    """Of the release before, which left the number out."""
    choices = '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'
    before = parse_label_config(f"<View>{TEXT}{choices}</View>")
    now = parse_label_config(f'<View>{TEXT}<Number name="n" toName="t"/>{choices}</View>')
    assert now.fits(before)
    assert not now.is_all_of(before)  # so that it is made anew
    assert not before.fits(now)


def test_a_version_whose_numbers_come_from_bins_alone_goes_on_answering() -> None:
    """Of the release before, which had no regression."""
    control = number('min="0" max="10"').with_classes(["2", "8"])
    features = torch.nn.functional.normalize(torch.tensor([[1.0, 0.1], [0.1, 1.0]]).repeat(10, 1), dim=1)
    bins = train_network(features, torch.tensor([0, 1]).repeat(10), 2)
    model = ControlModel(control, {CLASSES: bins})
    said = said_of_whole(model, Contents(["a", "b"], features[:2]))
    expected = control.decide(outputs(bins, features[:2])).answers
    assert [regions[0]["value"]["number"] for regions in said.guesses(None, 0.0)] == [*map(float, expected)]


@pytest.mark.parametrize(("asked", "due"), [("Number", False), ("Rating", True)])
def test_layers_are_not_adapted_to_bins_that_the_next_labels_change(asked: str, due: bool) -> None:
    scheme = parse_label_config(f'<View>{TEXT}<{asked} name="n" toName="t"/></View>')
    version = SimpleNamespace(stats={"trained_on": 500}, scheme=scheme, encoder="minilm-x", network=None)
    models = SimpleNamespace(attempt=lambda: None)
    assert is_due(Settings(fine_tune="last"), models, version) == due  # type: ignore[arg-type]


def test_the_loop_learns_numbers_from_whatever_was_given(loop: Loop) -> None:
    words = (
        "awful broken bad",
        "poor slow dull",
        "fine usual plain",
        "good quick clear",
        "superb great best",
    )
    tasks = [{"text": f"{word} thing {i}"} for i in range(8) for group in words for word in group.split()]
    xml = f'<View>{TEXT}<Number name="n" toName="t" min="0" max="100"/></View>'
    project = loop.fake.create(tasks, label_config=xml)
    right = {task: 10 + 20 * (i // 3 % 5) + i % 7 / 2 for i, task in enumerate(project.tasks)}
    for task in list(project.tasks)[:90]:
        loop.fake.annotate(project.id, task, [region(right[task])])
    loop.set(show_guess_from=0)
    done = loop.retrain(project)
    assert done["trained_on"] == 90
    assert 0.5 < done["agreement"] < 1
    assert 0 < done["mean_absolute_error"] < 20
    shown = {
        each["task"]: each["result"][0]["value"]["number"]
        for each in project.predictions
        if each["model_version"] == done["model_version"]
    }
    assert len(shown) == 30
    assert all(0 <= each <= 100 for each in shown.values())
    off = [abs(each - right[task]) for task, each in shown.items()]
    blind = [abs(50 - right[task]) for task in shown]
    assert sum(off) < 0.4 * sum(blind)
