"""A task's parts are read so that no single task stops the others; and former label schemes."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controls.choices import SingleChoice
from backend.controls.former import former_scheme
from backend.controls.options import Dynamic, Fixed
from backend.controls.reading import (
    NAMED,
    REASON_CHARACTERS,
    attempt,
    text_in,
    unreadable_in_words,
    votes_in,
)
from backend.controls.several import SeveralChoices, SeveralOrNone
from backend.controls.sources import HyperText, Paragraphs, Text
from backend.controls.text_area import TextArea
from backend.controls.votes import Vote
from tests.unit.schemes import TEXT, scheme, single

ONE, TWO = single("c", "a", "b"), single("d", "x", "y")


class Failing(Text):
    """A source that fails on some tasks, as none may."""

    def content(self, data: Any) -> str:
        if data == "half":
            return "\ud800"
        raise RuntimeError(f"cannot read {data}")


def said(name: str, choice: str, who: int = 1) -> dict[str, Any]:
    region = {"from_name": name, "type": "choices", "value": {"choices": [choice]}}
    return {"completed_by": who, "result": [region]}


def test_a_text_that_can_be_read_has_no_problem() -> None:
    assert text_in(scheme(ONE), {"text": "a"}) == ("a", None)
    assert text_in(scheme(ONE), {}) == ("", None)


def test_a_text_that_cannot_is_empty_and_it_is_said_why() -> None:
    failing = scheme(single("c", "a", "b", source=Failing("text")))
    assert text_in(failing, 3) == ("", "its text: RuntimeError: cannot read 3")
    text, problem = text_in(failing, "half")
    assert text == ""
    assert problem is not None
    assert problem.startswith("its text: UnicodeEncodeError: ")


def test_a_reason_is_short() -> None:
    text, problem = text_in(scheme(single("c", "a", "b", source=Failing("t"))), "x" * 5000)
    assert text == ""
    assert problem is not None
    assert len(problem) == REASON_CHARACTERS


def test_what_can_be_read_is_returned_as_it_is() -> None:
    assert attempt("it", lambda: 7, 0) == (7, None)
    assert attempt("it", lambda: 1 // 0, 5) == (
        5,
        "it: ZeroDivisionError: integer division or modulo by zero",
    )


def test_each_controls_votes_are_read_by_themselves() -> None:
    votes, problem = votes_in((ONE, TWO), [said("c", "a"), said("d", "x", 2), said("e", "z", 3)])
    assert votes == {"c": (Vote("1", "a"),), "d": (Vote("2", "x"),)}
    assert problem is None


def test_a_control_that_fails_takes_no_others_votes_along() -> None:
    class Broken(SingleChoice):
        def read(self, result: Any, content: str = "") -> str | None:
            raise RuntimeError("broken")

    names = ("from_name", "to_name", "source", "tag", "options")
    broken = Broken(**{name: getattr(ONE, name) for name in names})
    votes, problem = votes_in((broken, TWO), [said("c", "a"), said("d", "x")])
    assert votes == {"d": (Vote("1", "x"),)}
    assert problem == "its annotations: RuntimeError: broken"


def test_an_answer_that_is_half_a_character_is_no_vote_and_the_others_are() -> None:
    area = TextArea(from_name="w", to_name="t", source=TEXT)
    texts = [
        {"completed_by": i, "result": [{"from_name": "w", "value": {"text": [text]}}]}
        for i, text in enumerate(("fine", "\ud800"))
    ]
    votes, problem = votes_in((area,), texts)
    assert votes == {"w": (Vote("0", "fine"),)}
    assert problem == "a label of w holds half a surrogate pair, which is no character"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 task cannot be read and counts as empty: task 0 (why)"),
        (2, "2 tasks cannot be read and count as empty: task 0 (why), task 1 (why)"),
        (
            NAMED + 3,
            f"{NAMED + 3} tasks cannot be read and count as empty: "
            + ", ".join(f"task {i} (why)" for i in range(NAMED))
            + ", and 3 more",
        ),
    ],
)
def test_the_first_of_many_are_named(count: int, words: str) -> None:
    assert unreadable_in_words(dict.fromkeys(range(count), "why")) == words


FORMER: dict[str, Any] = {
    "several": False,
    "blank": False,
    "labels": ["a", "b"],
    "options": [],
    "dynamic": False,
    "from_name": "c",
    "to_name": "t",
    "control": "Choices",
    "source": "Text",
    "field": "text",
    "companions": [],
}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, SingleChoice),
        ({"several": True}, SeveralChoices),
        ({"several": True, "blank": True}, SeveralOrNone),
        ({"blank": True}, SingleChoice),
    ],
)
def test_a_former_schemes_flags_are_kinds_of_answers(change: dict[str, Any], kind: type) -> None:
    main, companions = former_scheme({**FORMER, **change})
    assert type(main) is kind
    assert (main.from_name, main.to_name, main.classes, companions) == ("c", "t", ("a", "b"), ())
    assert main.source == Text("text")


@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({}, Fixed((("a",), ("b",)))),
        ({"options": ["x", "y", "z"]}, Fixed((("x",), ("y",), ("z",)))),
        ({"dynamic": True}, Dynamic()),
    ],
)
def test_what_could_be_chosen(change: dict[str, Any], options: Any) -> None:
    main, _ = former_scheme({**FORMER, **change})
    assert isinstance(main, SingleChoice)
    assert main.options == options


@pytest.mark.parametrize(
    ("change", "source"),
    [
        ({"source": "HyperText", "encoding": "base64"}, HyperText("text", "base64")),
        ({"source": "Paragraphs", "text_key": "said"}, Paragraphs("text", "said")),
        ({"encoding": "none"}, Text("text")),
    ],
)
def test_what_was_looked_at(change: dict[str, Any], source: Any) -> None:
    assert former_scheme({**FORMER, **change})[0].source == source


def test_companions_come_along_and_what_lacks_is_no_scheme() -> None:
    other = {**FORMER, "from_name": "d", "several": True}
    main, (companion,) = former_scheme({**FORMER, "companions": [other]})
    assert (main.from_name, companion.from_name, type(companion)) == ("c", "d", SeveralChoices)
    for lacking in FORMER.keys() - {"blank"}:  # which only those of several need
        with pytest.raises((KeyError, TypeError)):
            former_scheme({name: each for name, each in FORMER.items() if name != lacking})
