"""What a control learns from: answers of tasks' own, and near copies of such tasks."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.controls.number import Number
from backend.copies import Grouped, keys_of
from backend.jobs.taught import KEPT_CHARACTERS, Taught, labeled, numbered, taught, taught_beside
from backend.store.tasks import StoredTask
from tests.unit.schemes import TEXT, several, single

CONTROL = single("c", "a", "b")
FEATURES = torch.eye(6)


def tasks(*texts: str, done: int = 0) -> list[StoredTask]:
    """The first few are labelled; the others wait."""
    return [StoredTask(i + 1, text, i < done, {}, None) for i, text in enumerate(texts)]


def grouped_to(*group: int) -> partial[Grouped]:
    """As if the texts' words had been compared: to which task each is."""

    def of(texts: list[str], features: Tensor, group: tuple[int, ...]) -> Grouped:
        return keys_of(texts), np.array(group, np.int64)

    return partial(of, group=group)  # type: ignore[arg-type]


def test_what_was_given_an_answer_is_learned_in_the_order_of_the_tasks() -> None:
    given = ["b", None, "a", "b", None]
    copies, found = taught(CONTROL, tasks("one", "two", "three", "four", "five", done=4), given, FEATURES[:5])
    assert found.rows == [0, 2, 3]
    assert found.targets.tolist() == [1, 0, 1]
    assert found.targets.dtype == torch.int64
    assert found.given == found.said == ["b", "a", "b"]
    assert (found.own, found.answers) == (3, ("a", "b"))
    assert found.together.tolist() == [0, 2, 3]
    assert not copies.behind.any()


def test_what_the_config_no_longer_has_is_not_learned() -> None:
    _, found = taught(CONTROL, tasks("one", "two"), ["z", "a"], FEATURES[:2])
    assert (found.rows, found.said) == ([1], ["a"])


def test_of_nothing_nothing_is_learned() -> None:
    _, found = taught(CONTROL, tasks("one", "two"), [None, None], FEATURES[:2])
    assert (found.rows, found.targets.tolist(), found.together.tolist(), found.own) == ([], [], [], 0)


def test_a_near_copy_is_taught_behind_those_with_an_answer_of_their_own() -> None:
    every = tasks("one thing", "other thing", "one thing more", "third", done=2)
    copies, found = taught(CONTROL, every, ["a", "b", None, None], FEATURES[:4], group=grouped_to(0, 1, 0, 3))
    assert found.rows == [0, 1, 2]
    assert found.given == ["a", "b", "a"]
    assert found.said == ["a", "b"]  # what annotators said
    assert (found.own, found.together.tolist()) == (2, [0, 1, 0])
    assert copies.behind.tolist() == [False, False, True, False]


def test_an_equal_copy_would_teach_nothing_and_waits_behind() -> None:
    every = tasks("One thing!", "other", "one thing", done=1)
    copies, found = taught(CONTROL, every, ["a", None, None], FEATURES[:3])
    assert found.rows == [0]
    assert copies.behind.tolist() == [False, False, True]


def test_two_near_copies_with_the_same_words_are_taught_once() -> None:
    every = tasks("one", "Two", "two", "three", done=1)
    _, found = taught(CONTROL, every, ["b", None, None, None], FEATURES[:4], group=grouped_to(0, 0, 0, 3))
    assert found.rows == [0, 1]


def test_an_answer_of_its_own_wins_over_that_of_what_it_is_like() -> None:
    every = tasks("one", "two", "three", done=3)
    _, found = taught(CONTROL, every, ["a", "a", "b"], FEATURES[:3], group=grouped_to(0, 0, 0))
    assert found.given == ["a", "a", "b"]
    assert found.together.tolist() == [0, 0, 0]


def test_a_companion_learns_of_answers_of_its_own_alone() -> None:
    every = tasks("one", "two", "three", done=1)
    copies, _ = taught(CONTROL, every, ["a", None, None], FEATURES[:3], group=grouped_to(0, 0, 2))
    found = taught_beside(CONTROL, [None, "b", "a"], copies)
    assert (found.rows, found.given, found.own) == ([1, 2], ["b", "a"], 2)
    assert found.together.tolist() == [0, 2]


def test_a_number_is_learned_as_the_nearest_class_and_said_as_it_was() -> None:
    number = Number(from_name="n", to_name="t", source=TEXT, classes=("0", "10"), spread=10.0)
    _, found = taught(number, tasks("one", "two", "three"), ["2", "9.5", None], FEATURES[:3])
    assert found.targets.tolist() == [0, 1]
    assert found.given == ["0", "10"]
    assert found.said == ["2", "9.5"]


@pytest.mark.parametrize(
    ("classes", "given", "rows", "targets"),
    [
        (("a", "b"), ["b", "a", None], [0, 1], [1, 0]),
        (("a", "b"), ["z", None, ""], [], []),
        ((), ["a"], [], []),
        (("a",), [], [], []),
    ],
)
def test_labels_have_the_numbers_of_their_classes(
    classes: tuple[str, ...], given: list[str | None], rows: list[int], targets: list[int]
) -> None:
    found, numbers = labeled(replace(CONTROL, classes=classes), given)
    assert (found, numbers.tolist(), numbers.dtype) == (rows, targets, torch.int64)


def test_answers_have_the_numbers_of_those_they_are_compared_with() -> None:
    rows, numbers = numbered(several("c", ("a", "b")), ('["b"]', '["a"]'), ['["a"]', '["a", "b"]', '["b"]'])
    assert (rows, numbers.tolist()) == ([0, 2], [1, 0])


def test_a_version_keeps_answers_that_are_no_classes_and_none_that_is_endless() -> None:
    def of(*answers: str) -> Taught:
        return Taught([], torch.zeros(0).long(), answers, torch.zeros(0).long(), 0, [])

    assert of("a", "b").kept_answers(CONTROL) is None
    assert of("b", "a").kept_answers(CONTROL) == ("b", "a")
    longest = "x" * KEPT_CHARACTERS
    assert of(longest, f"{longest}x").kept_answers(CONTROL) == (longest, "")
