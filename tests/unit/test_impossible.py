"""No guess is shown that an annotator could not give."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controls.config import parse_label_config
from backend.controls.impossible import possible
from backend.predicting import Predictor
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.test_label_config import CASES

SEA = '<Choice value="sea" alias="s"/><Choice value="kitchen"/>'
FIRST = f'<Choices name="c" toName="t">{SEA}</Choices>'
SECOND = '<Choices name="d" toName="t"><Choice value="deep"/><Choice value="shallow"/></Choices>'


def config(second: str) -> str:
    return f'<View><Text name="t" value="$text"/>{FIRST}{second}</View>'


def left(xml: str, offered: dict[str, list[str]] | None = None, **guesses: str) -> set[str]:
    """Names of the controls whose guess stays."""
    scheme = parse_label_config(xml)
    controls = {control.from_name: control for control in scheme.controls}
    regions = [region for name, guess in guesses.items() for region in controls[name].regions(guess, 0.5)]
    return {region["from_name"] for region in possible(scheme, regions, offered or {})}


def within(attributes: str) -> str:
    return config(f"<View {attributes}>{SECOND}</View>")


@pytest.mark.parametrize(
    ("attributes", "shown_with"),
    [
        ('visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="sea"', "s"),
        ('visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="s"', "s"),
        ('visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="cellar,kitchen"', "kitchen"),
        ('visiblewhen="choice-selected" whentagname="c"', "s kitchen"),
        ('visibleWhen="choice-selected"', "s kitchen"),
        ('visibleWhen="choice-unselected" whenTagName="c" whenChoiceValue="sea"', "kitchen none"),
        ('whenChoiceValue="kitchen"', "kitchen"),
        ('visibleWhen="region-selected"', ""),
        ('visibleWhen="no-region-selected"', "s kitchen none"),
        ('visibleWhen="choice-selected" whenTagName="unknown"', ""),
    ],
)
def test_a_control_is_guessed_only_where_label_studio_shows_it(attributes: str, shown_with: str) -> None:
    for first in ("s", "kitchen", "none"):
        guesses = {"d": "deep"} if first == "none" else {"c": first, "d": "deep"}
        if attributes == 'visibleWhen="choice-selected"' and first == "none":
            continue  # d itself is a choice that is selected
        assert ("d" in left(within(attributes), **guesses)) == (first in shown_with.split()), first


def test_a_condition_names_the_end_of_a_path() -> None:
    tree = '<Choice value="sea"><Choice value="deep"/><Choice value="flat"/></Choice>'
    first = f'<Taxonomy name="c" toName="t" maxUsages="1">{tree}</Taxonomy>'
    asks = f'<View visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="deep">{SECOND}</View>'
    xml = f'<View><Text name="t" value="$text"/>{first}{asks}</View>'
    assert left(xml, c="sea / deep", d="deep") == {"c", "d"}
    assert left(xml, c="sea / flat", d="deep") == {"c"}


def test_conditions_within_each_other_must_all_hold() -> None:
    third = SECOND.replace('"d"', '"e"')
    asks_d = f'<View visibleWhen="choice-selected" whenTagName="d" whenChoiceValue="deep">{third}</View>'
    xml = config(
        f'<View visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="sea">{SECOND}{asks_d}</View>'
    )
    assert left(xml, c="s", d="deep", e="deep") == {"c", "d", "e"}
    assert left(xml, c="s", d="shallow", e="deep") == {"c", "d"}
    assert left(xml, c="kitchen", d="deep", e="deep") == {"c"}


def test_what_a_hidden_control_would_say_shows_nothing() -> None:
    third = SECOND.replace('"d"', '"e" visibleWhen="choice-selected" whenTagName="d"')
    xml = config(
        SECOND.replace('"d"', '"d" visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="sea"')
        + third
    )
    assert left(xml, c="kitchen", d="deep", e="deep") == {"c"}


def test_controls_that_wait_for_each_other_end() -> None:
    circle = SECOND.replace('"d"', '"d" visibleWhen="choice-selected" whenTagName="e"')
    circle += SECOND.replace('"d"', '"e" visibleWhen="choice-selected" whenTagName="d"')
    assert left(config(circle), c="s", d="deep", e="deep") == {"c", "d", "e"}


@pytest.mark.parametrize(
    ("data", "offered"),
    [
        ({"options": [{"value": "a"}, {"value": "B", "alias": "b"}]}, ["a", "b"]),
        ({"options": [{"value": 3}, "text", None, {}]}, []),
        ({"options": "no list"}, []),
        ({}, []),
        (None, []),
    ],
)
def test_a_task_offers_its_own_dynamic_choices(data: Any, offered: list[str]) -> None:
    xml = CASES["dynamic-no-labels"]["config"]
    assert parse_label_config(xml).offered(data) == {"c": offered}
    for choice in ("a", "b", "z"):
        assert bool(left(xml, {"c": offered}, c=choice)) == (choice in offered)


def test_choices_of_the_config_are_offered_beside_dynamic_ones() -> None:
    both = '<Choices name="c" toName="t" value="$o"><Choice value="x"/></Choices>'
    xml = f'<View><Text name="t" value="$text"/>{both}</View>'
    assert parse_label_config(xml).offered({"o": [{"value": "a"}]}) == {"c": ["x", "a"]}
    assert parse_label_config(config(SECOND)).offered({"text": "one"}) == {}


WORDS = (["tide", "wave", "salt", "reef"], ["rice", "soup", "oven", "fork"])
DYNAMIC = CASES["dynamic-no-labels"]["config"]


def answered(choice: str, name: str = "c") -> dict[str, Any]:
    return {"from_name": name, "to_name": "t", "type": "choices", "value": {"choices": [choice]}}


def tasks(count: int, **more: Any) -> list[dict[str, Any]]:
    """Of the sea and of the kitchen in turn."""
    return [
        {"text": f"{WORDS[i % 2][i // 2 % 4]} {WORDS[i % 2][i // 8 % 4]} {i}", **more} for i in range(count)
    ]


def shown_anywhere(loop: Loop, project: FakeProject, xml: str) -> list[tuple[int, list[dict[str, Any]]]]:
    """Guesses by task: those published by a retrain, by a refill, and told by /predict."""
    loop.retrain(project)
    new = loop.fake.add_tasks(project.id, [task["data"] for task in list(project.tasks.values())[-4:]])
    loop.refill(project)
    assert {each["task"] for each in project.predictions} >= set(new)
    scheme = parse_label_config(xml)
    asked = [project.tasks[task] for task in new]
    told = Predictor(loop.settings).predict(project.id, scheme, asked)
    by_request = [(task["id"], item["result"]) for task, item in zip(asked, told, strict=True)]
    assert by_request
    return [*((each["task"], each["result"]) for each in project.predictions), *by_request]


def test_a_hidden_control_is_guessed_nowhere(loop: Loop) -> None:
    xml = CASES["conditional"]["config"]
    project = loop.fake.create(tasks(40), label_config=xml)
    for i, task in enumerate(list(project.tasks)[:16]):
        sea = [answered("sea"), answered(("deep", "shallow")[i // 2 % 2], "d")]
        loop.fake.annotate(project.id, task, [answered("kitchen")] if i % 2 else sea)
    first, both = [], []
    for _, result in shown_anywhere(loop, project, xml):
        guess = {region["from_name"]: region["value"]["choices"] for region in result}
        first += guess.get("c", [])
        both += [guess["c"]] if "d" in guess else []
    assert set(first) == {"sea", "kitchen"}
    assert both
    assert all(choice == ["sea"] for choice in both)


@pytest.mark.parametrize("several", [False, True])
def test_what_is_likely_is_asked_within_what_the_task_offers(loop: Loop, several: bool) -> None:
    """A text of the sea that offers other choices is guessed to be the likeliest of these."""
    xml = DYNAMIC.replace("<Choices ", '<Choices choice="multiple" required="true" ') if several else DYNAMIC
    every = [{"value": name} for name in ("sea", "kitchen", "beach")]
    words = ("tide reef", "soup oven", "sand reef")
    data = [{"text": f"{words[i % 3]} {i}", "options": every} for i in range(33)]
    project = loop.fake.create(data, label_config=xml)
    for i, task in enumerate(list(project.tasks)[:30]):
        loop.fake.annotate(project.id, task, [answered(("sea", "kitchen", "beach")[i % 3])])
    loop.retrain(project)
    asked = [
        {"id": 900, "data": {"text": "tide reef", "options": every}},
        {"id": 901, "data": {"text": "tide reef", "options": every[1:]}},
        {"id": 902, "data": {"text": "tide reef", "options": [{"value": "unheard of"}]}},
    ]
    loop.set(show_guess_from=0)
    told = Predictor(loop.settings).predict(project.id, parse_label_config(xml), asked)
    guessed = [region["value"]["choices"] for item in told for region in item["result"]]
    assert guessed == [["sea"], ["beach"]]
    assert [set(item["probabilities"]["c"]) for item in told[:2]] == [
        {"sea", "kitchen", "beach"},
        {"kitchen", "beach"},
    ]
    if not several:
        assert all(sum(item["probabilities"]["c"].values()) == pytest.approx(1, abs=1e-3) for item in told)


def test_a_choice_that_the_task_does_not_offer_is_guessed_nowhere(loop: Loop) -> None:
    offering = [
        [{"value": "sea"}, {"value": "kitchen"}],
        [{"value": "sea"}],
        [{"value": "other"}],
        [],
    ]
    data = [{**task, "options": offering[i // 2 % 4 if i >= 16 else 0]} for i, task in enumerate(tasks(48))]
    project = loop.fake.create(data, label_config=DYNAMIC)
    for i, task in enumerate(list(project.tasks)[:16]):
        loop.fake.annotate(project.id, task, [answered("kitchen" if i % 2 else "sea")])
    guessed = 0
    for task, result in shown_anywhere(loop, project, DYNAMIC):
        offered = {option["value"] for option in project.tasks[task]["data"]["options"]}
        for region in result:
            guessed += 1
            assert set(region["value"]["choices"]) <= offered
    assert guessed
