"""<TextArea>: texts that many tasks share are classes; of free ones nothing is guessed, typical ones lead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.controls.base import Control
from backend.controls.config import parse_label_config
from backend.controls.edit_distance import LONGEST, similarity
from backend.controls.text_area import FREE, MOST
from backend.controls.unlearned import not_learned
from backend.controls.votes import Vote, consensus
from tests.fakes.loop import Loop

TEXT = '<Text name="t" value="$text"/>'
XML = f'<View>{TEXT}<TextArea name="a" toName="t"/></View>'
CHOICES = '<Choices name="c" toName="t"><Choice value="x"/><Choice value="y"/></Choices>'


def text_area(*answers: str) -> Control:
    return parse_label_config(XML).main.with_classes(answers)


def region(given: Any) -> dict[str, Any]:
    return {"from_name": "a", "to_name": "t", "type": "textarea", "value": {"text": given}}


@pytest.mark.parametrize(
    ("given", "read", "unknown"),
    [
        (["Bob"], "Bob", []),
        ("Bob", "Bob", []),
        ([" Bob\n"], "Bob", []),
        (["one", "two"], '["one", "two"]', []),
        (['["one", "two"]'], '["[\\"one\\", \\"two\\"]"]', []),
        ([FREE], f'["{FREE}"]', []),
        (["", "  "], None, []),
        ([], None, []),
        (None, None, None),
        ([3], None, [3]),
        (["a", None], None, [None]),
        ({"a": 1}, None, [{"a": 1}]),
    ],
)
def test_texts_are_read_without_the_space_around_them(
    given: Any, read: str | None, unknown: list[Any] | None
) -> None:
    assert text_area().read([region(given)]) == read
    assert text_area().unknown_in(region(given)) == unknown


@pytest.mark.parametrize("texts", [["one", "two"], ["[x"], [FREE], ["one"]])
def test_texts_are_read_as_they_are_written(texts: list[str]) -> None:
    answer = text_area().read([region(texts)])
    assert answer is not None
    (told,) = text_area().regions(answer, 0.5)
    assert told == {**region(texts), "score": 0.5}
    assert text_area().read([told]) == answer
    assert text_area().said_in(told) == text_area().in_words(answer) == texts


def test_texts_of_several_tasks_that_make_up_half_of_the_answers_are_classes() -> None:
    assert text_area("ok", "ok", "no", "no", "why", "how").classes == ("no", "ok")
    assert text_area("ok", "ok", "no", "no", "a", "b", "c", "d", "e").classes == (FREE,)
    assert text_area("ok", "ok", "ok", "no").classes == (FREE,)  # one text alone tells nothing apart
    many = [f"text {i}" for i in range(MOST + 1)]
    assert text_area(*many, *many).classes == (FREE,)
    assert text_area(*many[1:], *many[1:]).classes == tuple(sorted(many[1:]))
    long = ["a" * 500, "b" * 500] * 5
    assert text_area(*long).classes == (FREE,)


def test_of_free_texts_nothing_is_said() -> None:
    control = text_area("one", "two")
    assert control.regions(FREE, 1.0) == []
    assert control.in_words(FREE) == []
    assert control.placed(["one", None, "two"], control.classes) == [0, -1, 0]


def test_annotators_agree_by_what_they_would_have_to_change() -> None:
    free = text_area("one text", "another")
    votes = {1: [Vote("1", "a good text"), Vote("2", "a good test")], 2: [Vote("1", "abc"), Vote("2", "xyz")]}
    assert consensus(votes, free.agreement) == {1: "a good text", 2: None}
    classes = text_area("ham", "ham", "spam", "spam")
    assert classes.agreement("ham", "spam") == 0


def slow_distance(one: str, other: str) -> int:
    """As it is written in books."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        above, row[0] = row[:], i
        for j, b in enumerate(other, 1):
            row[j] = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
    return row[-1]


@given(st.text("abc🚀", max_size=12), st.text("abc🚀", max_size=12))
def test_the_edit_similarity_is_that_of_the_books(one: str, other: str) -> None:
    longer = max(len(one), len(other), 1)
    assert similarity(one, other) == pytest.approx(1 - slow_distance(one, other) / longer)
    assert similarity(one, other) == similarity(other, one)


def test_texts_that_differ_behind_what_is_compared_are_not_equal() -> None:
    same = "a" * LONGEST
    assert 0.99 < similarity(same + "b", same + "c") < 1


def test_a_text_beside_anything_else_orders_no_queue() -> None:
    """So that a project of releases before, which left it out, keeps its order."""
    scheme = parse_label_config(f'<View>{TEXT}<TextArea name="a" toName="t"/>{CHOICES}</View>')
    assert [control.from_name for control in scheme.controls] == ["c", "a"]
    number = f'<View>{TEXT}<TextArea name="a" toName="t"/><Number name="n" toName="t"/></View>'
    assert parse_label_config(number).main.from_name == "n"
    image = f'<View><Image name="i" value="$i"/>{TEXT}<TextArea name="a" toName="t"/>{CHOICES}</View>'
    on_image = image.replace('name="c" toName="t"', 'name="c" toName="i"')
    assert parse_label_config(on_image).main.from_name == "c"


def test_connect_and_doctor_say_when_texts_are_learned() -> None:
    (line,) = not_learned(XML)
    assert line.startswith('"a" asks for texts: at most 100 different ones that make up 50% of the answers')


def project_of(loop: Loop, answers: list[str]) -> tuple[Any, dict[str, Any]]:
    words = ("storm rain flood", "bank loan share")
    tasks = [{"text": f"{word} thing {i}"} for i in range(10) for group in words for word in group.split()]
    project = loop.fake.create(tasks, label_config=XML)
    for task, answer in zip(list(project.tasks)[:40], answers, strict=True):
        loop.fake.annotate(project.id, task, [region([answer])])
    loop.set(show_guess_from=0)
    return project, loop.retrain(project)


def test_the_loop_learns_few_texts_as_classes(loop: Loop) -> None:
    project, done = project_of(loop, [("weather", "money")[i // 3 % 2] for i in range(40)])
    assert done["labels"] == {"weather": 21, "money": 19}
    shown = {
        each["task"]: each["result"][0]["value"]["text"]
        for each in project.predictions
        if each["model_version"] == done["model_version"]
    }
    assert len(shown) == 20
    right = [
        said
        == ["weather" if project.tasks[task]["data"]["text"].split()[0] in "storm rain flood" else "money"]
        for task, said in shown.items()
    ]
    assert sum(right) >= 18


def test_the_loop_serves_typical_tasks_where_texts_are_free(loop: Loop) -> None:
    project, done = project_of(loop, [f"This is about {i}" for i in range(40)])
    assert done["labels"] == {FREE: 40}
    assert done["trained_on"] == 0
    assert any("cold start" in note for note in done["notes"])
    predictions = [e for e in project.predictions if e["model_version"] == done["model_version"]]
    assert len(predictions) == 20
    assert all(each["result"] == [] for each in predictions)
