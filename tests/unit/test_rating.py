"""<Rating>: stars are numbers, of which a near one is nearly right."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from backend.controls.base import Control
from backend.controls.config import parse_label_config
from backend.controls.votes import Vote, consensus
from backend.errors import LabelConfigError
from backend.learning.network import Layers
from tests.fakes.loop import Loop

TEXT = '<Text name="t" value="$text"/>'
WORDS = ("awful broken bad", "poor slow dull", "fine usual plain", "good quick clear", "superb great best")


def rating(attributes: str = "") -> Control:
    return parse_label_config(f'<View>{TEXT}<Rating name="r" toName="t" {attributes}/></View>').main


def stars(given: Any) -> dict[str, Any]:
    return {"from_name": "r", "to_name": "t", "type": "rating", "value": {"rating": given}}


@pytest.mark.parametrize(
    ("given", "read", "unknown"),
    [
        (4, "4", []),
        (4.0, "4", []),
        (0, None, []),
        (6, None, [6]),
        (4.5, None, [4.5]),
        ("4", None, ["4"]),
        (True, None, [True]),
        ([4], None, [[4]]),
        (None, None, None),
        (float("inf"), None, [float("inf")]),
        (-1, None, [-1]),
    ],
)
def test_whole_numbers_of_stars_are_read(given: Any, read: str | None, unknown: list[Any] | None) -> None:
    assert rating().read([stars(given)]) == read
    assert rating().unknown_in(stars(given)) == unknown


def test_a_prediction_holds_a_number_as_label_studio_wants_it() -> None:
    (region,) = rating().regions("4", 0.5)
    assert region == {**stars(4), "score": 0.5}
    assert type(region["value"]["rating"]) is int


def test_the_expected_number_is_shown_and_not_the_likeliest() -> None:
    """Of 1 star in two cases of five, else of 4 or 5: two off at most is better than four off."""
    likely = torch.tensor([[0.4, 1e-9, 1e-9, 0.3, 0.3]])
    decided = rating().decide(Layers((), likely.log()), right=torch.tensor([0.01]))
    assert decided.answers == ["3"]
    assert decided.right == decided.confidences == pytest.approx([0.4 * 0.5 + 0.3 * 0.75 + 0.3 * 0.5])


def test_annotators_who_are_near_each_other_agree() -> None:
    votes = {1: [Vote("1", "4"), Vote("2", "5")], 2: [Vote("1", "1"), Vote("2", "5")]}
    assert consensus(votes, rating().agreement) == {1: "4", 2: None}


@pytest.mark.parametrize("most", ["1", "0", "-3", "101", "9" * 5000, "many", "", "²"])
def test_a_number_of_stars_that_cannot_be_learned_is_refused(most: str) -> None:
    with pytest.raises(LabelConfigError, match=r'<Rating name="r"> has maxRating=.*2 to 100 stars'):
        rating(f'maxRating="{most}"')


def test_the_loop_learns_stars(loop: Loop) -> None:
    """Beside it a choice, each the other's companion in turn."""
    tasks = [{"text": f"{word} thing {i}"} for i in range(6) for words in WORDS for word in words.split()]
    xml = (
        f'<View>{TEXT}<Rating name="r" toName="t"/><Choices name="c" toName="t"><Choice value="low"/>'
        '<Choice value="high"/></Choices></View>'
    )
    project = loop.fake.create(tasks, label_config=xml)
    right = {task: number // 3 % 5 + 1 for number, task in enumerate(project.tasks)}
    for task in list(project.tasks)[:60]:
        level = "low" if right[task] < 3 else "high"
        choice = {"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": [level]}}
        loop.fake.annotate(project.id, task, [stars(right[task]), choice])
    loop.set(show_guess_from=0)
    for first in ("r", "c"):
        loop.set(queue_control=first)
        done = loop.retrain(project)
        assert set(done["labels"]) == ({*"12345"} if first == "r" else {"low", "high"})
        shown = {
            each["task"]: {region["type"]: region["value"] for region in each["result"]}
            for each in project.predictions
            if each["model_version"] == done["model_version"]
        }
        assert len(shown) == 30
        off = [abs(values["rating"]["rating"] - right[task]) for task, values in shown.items()]
        assert sum(off) / len(off) < 0.5
        levels = [values["choices"]["choices"] == ["low"] for values in shown.values()]
        assert 0 < sum(levels) < 30
