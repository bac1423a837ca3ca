"""What connect, doctor and a retrain say of a project that is accepted, though little can come of it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from backend.connecting import connect
from backend.controls.config import parse_label_config
from backend.controls.scheme import LabelScheme
from backend.controls.unknown import unknown_answers
from backend.controls.unlearned import not_learned
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.examine import examine_project  # noqa: F401  for the checks it registers
from backend.doctor.finding import Finding, State
from backend.labelstudio.survey import LOOKED_AT, alarm
from tests.fakes.loop import Loop
from tests.unit.schemes import single
from tests.unit.test_label_config import CASES

pytestmark = pytest.mark.usefixtures("answering")

CHOICES = '<Choices name="c" toName="t"><Choice value="sea"/><Choice value="kitchen"/></Choices>'


def config(text: str, choices: str = CHOICES) -> str:
    return f'<View><Text name="t" value="{text}"/>{choices}</View>'


def region(given: Any, name: str = "c", kind: str = "choices") -> dict[str, Any]:
    return {"from_name": name, "to_name": "t", "type": kind, "value": {kind: given}}


def found_by_doctor(check: str, project: int) -> Finding:
    with Bench() as bench:
        return CHECKS[check].function(ProjectBench(bench, project))


def said_at_connect(project: int) -> dict[str, list[str]]:
    """By what it is about; what is no good news has to be marked as such."""
    said: dict[str, list[str]] = {}

    def say(what: str, words: str, state: State = State.OK, /) -> None:
        said.setdefault(what, []).append(words)
        assert what not in ("texts", "annotations", "not learned") or state is State.NOTE

    with Bench() as bench:
        connect(bench, "http://localhost:9090", project, say)
    return said


@pytest.mark.parametrize(
    ("value", "tasks", "says"),
    [
        ("$nothing", [{"text": "one"}, {"text": "two"}], "are empty"),
        ("$text", [{"text": " "}], "are empty"),
        ("Message: $nothing", [{"text": "one"}, {"text": "two"}], 'are equal.*"Message:"'),
    ],
)
def test_texts_that_are_all_empty_or_all_equal_are_said_everywhere(
    value: str, tasks: list[dict[str, Any]], says: str, loop: Loop
) -> None:
    project = loop.fake.create(tasks, label_config=config(value))
    (note,) = loop.retrain(project)["notes"][-1:]
    finding = found_by_doctor("texts", project.id)
    (words,) = said_at_connect(project.id)["texts"]
    assert finding.state is State.WRONG
    for told in (note, finding.found, words):
        assert re.search(says, told)


def test_no_alarm_where_texts_differ(loop: Loop) -> None:
    scheme = parse_label_config(config("$text"))
    assert alarm(["one"], scheme) is None
    assert alarm([], scheme) is None
    assert alarm(["", *["same"] * LOOKED_AT], scheme) is None
    assert alarm([*["same"] * LOOKED_AT, "other"], scheme) is None  # beyond the first ones
    project = loop.create(8, labeled=4)
    assert not [note for note in loop.retrain(project)["notes"] if "texts" in note or "annotations" in note]
    for check in ("texts", "annotations", "label config"):
        assert found_by_doctor(check, project.id).state is State.OK
    assert not {"texts", "annotations", "not learned"} & said_at_connect(project.id).keys()


SCHEME = LabelScheme(single("c", "sea", "kitchen"), beside=("words",))


@pytest.mark.parametrize(
    ("result", "unknown"),
    [
        ([region(["sea"])], ()),
        ([region(["Sea"])], ('c: "Sea"',)),
        ([region([3])], ("c: 3",)),
        ([region(["sea"], name="old")], ("old",)),
        ([region(["any"], name="words", kind="textarea")], ()),
        ([region([["sea"]], kind="taxonomy")], ('c as "taxonomy"',)),
        ([region(["sea", "kitchen"])], ('c: ["sea", "kitchen"]',)),
        ([region(["new"]), region(["new"]), region(["other"])], ('c: "new"', 'c: "other"')),
        ([{"type": "relation"}, 3, {"from_name": ["c"]}], ()),
        ("no list", ()),
    ],
)
def test_answers_that_the_config_does_not_know_are_told_apart(result: Any, unknown: tuple[str, ...]) -> None:
    assert unknown_answers([{"result": result}], SCHEME) == unknown
    assert unknown_answers([{"result": result, "was_cancelled": True}], SCHEME) == ()


def test_unknown_answers_are_counted_and_named_everywhere(loop: Loop) -> None:
    project = loop.fake.create([{"text": f"text {i}"} for i in range(8)], label_config=config("$text"))
    given = ["Sea", "Sea", "Sea", 3, "sea"]
    for task, answer in zip(project.tasks, given, strict=False):
        loop.fake.annotate(project.id, task, [region([answer])])
    done = loop.retrain(project)
    finding = found_by_doctor("annotations", project.id)
    (words,) = said_at_connect(project.id)["annotations"]
    assert (done["trained_on"], finding.state) == (0, State.NOTE)
    for told in (done["notes"][-1], finding.found, words):
        assert 'c: "Sea" (tasks: 3), c: 3 (tasks: 1)' in told


def test_what_is_accepted_but_not_learned_is_said_at_connect_and_by_doctor(loop: Loop) -> None:
    project = loop.fake.create([{"title": "a", "body": "b"}], label_config=CASES["two-texts"]["config"])
    finding = found_by_doctor("label config", project.id)
    (words,) = said_at_connect(project.id)["not learned"]
    assert words == '<Text name="u">: only <Text name="t"> is read; all are where "c" has toName="t,u"'
    assert (finding.state, words in finding.found) == (State.NOTE, True)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (CHOICES.replace('"c"', '"d" value="$o" allowNested="true"'), '<Choices name="d"> has allowNested'),
        (CHOICES.replace('"c"', '"d" visibleWhen="choice-selected"'), None),
        (CHOICES.replace('"c"', '"d" value="$options"'), None),
        (
            '<DateTime name="l" toName="t"/>',
            '<DateTime name="l">: only <',
        ),
        (
            '<Text name="u" value="$b"/>' + CHOICES.replace('"c" toName="t"', '"d" toName="u"'),
            '<Choices name="d">',
        ),
        ('<Repeater on="$o"><Choices name="d" toName="t"/></Repeater>', "<Repeater> is not learned"),
        (
            CHOICES.replace('"c"', '"d"').replace("sea", "$a").replace("</", '<Choice value="b"/></'),
            '"$a" is another',
        ),
        (
            CHOICES.replace('"c"', '"d" perRegion="true"') + '<Rating name="e" toName="t" perRegion="true"/>',
            '<Choices name="d">, <Rating name="e">: asked of each part by perRegion; of these',
        ),
        ('<Text name="help" value="Read well."/>', None),
        (CHOICES.replace('"c"', '"d"'), None),
    ],
)
def test_what_is_not_learned_is_named(more: str, says: str | None) -> None:
    told = not_learned(config("$text", CHOICES + more))
    assert bool(told) == (says is not None)
    assert says is None or says in told[-1]
