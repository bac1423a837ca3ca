"""What people say of labels on a page: which are listed yet, and what a form may name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from backend.errors import AtlasError
from backend.pages import judging
from backend.pages.judging import (
    listed,
    open_opinions,
    open_suspects,
    part_of,
    settled_answer,
    task_in,
    voted,
)
from backend.pages.section import ProjectPage
from backend.store.accepted_parts import Unmarked
from backend.store.judged_labels import ACCEPTED, OPINIONS, SENT_BACK


def suspect(task: int = 1, label: str = "a", p_label: float = 0.1, **more: Any) -> dict[str, Any]:
    return {"task": task, "label": [label] if label else [], "p_label": p_label, "p_instead": 0.9, **more}


def opinion(task: int = 1, *votes: list[str]) -> dict[str, Any]:
    return {"task": task, "votes": list(votes or ([["a"], ["b"]]))}


def page(
    monkeypatch: pytest.MonkeyPatch,
    study: dict[str, Any],
    judged: dict[int, tuple[str, str]] | None = None,
    settled: dict[int, tuple[str, str]] | None = None,
    marked: frozenset[tuple[int, str]] = frozenset(),
    unmarked: tuple[Unmarked, ...] = (),
) -> ProjectPage:
    """judged: what was said of labels, settled: of second opinions, by task."""

    def of_file(page: ProjectPage, file: str = "") -> Any:
        held = settled if file == OPINIONS else judged
        return SimpleNamespace(read=lambda: held or {})

    parts = SimpleNamespace(marked=lambda: marked, unmarked=lambda: unmarked)
    monkeypatch.setattr(judging, "judged_labels", of_file)
    monkeypatch.setattr(judging, "accepted_parts", lambda page: parts)
    return cast(ProjectPage, SimpleNamespace(study=study))


@pytest.mark.parametrize(("typed", "task"), [("1", 1), ("007", 7), ("9" * 18, int("9" * 18))])
def test_a_form_names_a_task(typed: str, task: int) -> None:
    assert task_in({"task": typed}) == task


@pytest.mark.parametrize(
    "typed", ["", " 1", "-1", "1.0", "٣", "１", "9" * 19, "9" * 5_000, "1;2", "<b>", "\x00", "²"], ids=ascii
)
def test_a_form_that_names_none_is_refused(typed: str) -> None:
    with pytest.raises(AtlasError, match="The form names no task"):
        task_in({"task": typed})
    with pytest.raises(AtlasError, match="The form names no task"):
        task_in({})


PARTS = [
    (suspect(), ""),
    (suspect(place=[]), ""),
    (suspect(place=[0, 3]), "0 3 a"),
    (suspect(label="", place=[0, 3]), "0 3"),
    (suspect(place=[1.5, 2.0, 3, 4]), "1.5 2.0 3 4 a"),
]


@pytest.mark.parametrize(("row", "part"), PARTS)
def test_a_part_is_named_by_its_place_and_label(row: dict[str, Any], part: str) -> None:
    assert part_of(row) == part
    assert listed([suspect(2), row], {"task": "1", "part": part}) is row


@pytest.mark.parametrize("form", [{"task": "3"}, {"task": "1", "part": "0 3 a"}, {"task": "2", "part": ""}])
def test_what_is_listed_no_more_is_told(form: dict[str, str]) -> None:
    rows = [suspect(1), suspect(2, place=[0, 3])]
    with pytest.raises(AtlasError, match="is no longer on this list: open the page anew"):
        listed(rows, form)


SUSPECTS: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    # what, the row, what was said, whether it is listed
    ("new", suspect(), {}, True),
    ("as likely as another", suspect(p_label=0.9), {}, False),
    ("accepted", suspect(), {"judged": {1: (ACCEPTED, "a")}}, False),
    ("accepted with another label", suspect(), {"judged": {1: (ACCEPTED, "b")}}, True),
    ("sent back", suspect(), {"judged": {1: (SENT_BACK, "a")}}, False),
    ("another task's", suspect(), {"judged": {2: (ACCEPTED, "a")}}, True),
    ("a part", suspect(place=[0, 3]), {}, True),
    ("a part where the whole was accepted", suspect(place=[0, 3]), {"judged": {1: (ACCEPTED, "a")}}, True),
    ("a part of a task that was sent back", suspect(place=[0, 3]), {"judged": {1: (SENT_BACK, "")}}, False),
    ("an accepted part", suspect(place=[0, 3]), {"marked": frozenset({(1, "0 3 a")})}, False),
    ("another accepted part", suspect(place=[0, 3]), {"marked": frozenset({(1, "0 4 a")})}, True),
    ("nothing there", suspect(label="", place=[0, 3], answer="x"), {}, True),
    ("nothing there, said so", suspect(label="", place=[0, 3], answer="x"),
     {"unmarked": (Unmarked(1, "x", (0, 3)),)}, False),
    ("nothing there, of another answer", suspect(label="", place=[0, 3], answer="y"),
     {"unmarked": (Unmarked(1, "x", (0, 3)),)}, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "said", "is_listed"), [r[1:] for r in SUSPECTS], ids=[r[0] for r in SUSPECTS]
)
def test_a_suspicious_label_is_listed_until_somebody_judged_it(
    row: dict[str, Any], said: dict[str, Any], is_listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = open_suspects(page(monkeypatch, {"suspects": [row]}, **said))
    assert [each["part"] for each in found] == [part_of(row)] * is_listed


OPINION_LIST: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("new", opinion(), {}, True),
    ("settled", opinion(), {"settled": {1: (ACCEPTED, "a | b")}}, False),
    ("settled with other answers", opinion(), {"settled": {1: (ACCEPTED, "a")}}, True),
    ("sent back", opinion(), {"judged": {1: (SENT_BACK, "a")}}, False),
    ("its label accepted", opinion(), {"judged": {1: (ACCEPTED, "a")}}, True),
]


@pytest.mark.parametrize(
    ("row", "said", "is_listed"), [r[1:] for r in OPINION_LIST], ids=[r[0] for r in OPINION_LIST]
)
def test_a_second_opinion_is_listed_until_it_is_settled(
    row: dict[str, Any], said: dict[str, Any], is_listed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_opinions(page(monkeypatch, {"opinions": [row]}, **said)) == [row] * is_listed


def test_a_page_without_a_study_lists_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_suspects(page(monkeypatch, {})) == []
    assert open_opinions(page(monkeypatch, {})) == []


@pytest.mark.parametrize(
    ("votes", "words", "answer"),
    [
        ([["a"], ["a"]], "a | a", "a"),
        ([["a"], ["b"]], "a | b", None),
        ([["a", "b"], ["a", "b"]], "a, b | a, b", "a, b"),
        ([[], []], "none | none", ""),
        ([[], ["a"]], "none | a", None),
        ([["a"]], "a", "a"),
        ([], "", None),
    ],
)
def test_votes_are_said_and_settled_where_all_agree(
    votes: list[list[str]], words: str, answer: str | None
) -> None:
    assert voted({"votes": votes}) == words
    assert settled_answer(votes) == answer
