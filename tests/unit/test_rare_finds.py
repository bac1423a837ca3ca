"""How many labels of rare classes the order found, and how many chance did."""

from __future__ import annotations

import pytest

from backend.jobs.rare_finds import FEWEST, rare_classes, rare_finds
from backend.store.label_record import LabelledFor
from backend.store.reason import AUDIT, BEHIND, PICKED, Reason


def labelled(start: int, count: int, how: str, strategy: str = "auto") -> dict[int, LabelledFor]:
    return {task: LabelledFor(task, task, Reason(how, strategy)) for task in range(start, start + count)}


@pytest.mark.parametrize(
    ("labels", "rare"),
    [
        ([], []),
        (["a"] * 4, []),
        (["a", "b"] * 3, []),  # equally often
        (["a"] * 5 + ["b"], ["b"]),
        (["a"] * 9 + ["b"] * 2 + ["c"], ["c", "b"]),
        (["z"] * 20 + ["d", "c", "b", "a"], ["a", "b", "c"]),  # three at most, by name
        (["a"] * 4 + ["b"] * 3 + ["c"] * 2, ["c"]),  # b is the mean
    ],
)
def test_rare_is_what_there_is_less_of_than_in_the_mean(labels: list[str], rare: list[str]) -> None:
    assert rare_classes(labels) == rare


def test_the_shares_of_what_was_chosen_and_of_what_chance_brought() -> None:
    record = labelled(0, 10, PICKED) | labelled(100, 20, AUDIT) | labelled(200, 5, BEHIND)
    found_in = {key: {"common"} for key in record}
    found_in |= {key: {"rare"} for key in (*range(4), 100, 200)}
    assert rare_finds(found_in, record) == {
        "random": 20,
        "chosen": 10,
        "fewest": FEWEST,
        "enough": True,
        "classes": [
            {"name": "rare", "chosen": {"found": 4, "share": 0.4}, "random": {"found": 1, "share": 0.05}}
        ],
    }


def test_a_random_strategy_chooses_by_chance() -> None:
    record = labelled(0, 12, PICKED) | labelled(100, 12, PICKED, "random")
    told = rare_finds({key: {"a"} for key in record}, record)
    assert (told["chosen"], told["random"]) == (12, 12)


@pytest.mark.parametrize(("chosen", "drawn"), [(FEWEST - 1, 50), (50, FEWEST - 1), (0, 0)])
def test_of_few_no_share_is_told(chosen: int, drawn: int) -> None:
    record = labelled(0, chosen, PICKED) | labelled(100, drawn, AUDIT)
    told = rare_finds({task: {"a" if task % 7 else "b"} for task in record}, record)
    assert (told["enough"], told["classes"]) == (False, [])


def test_what_has_no_label_now_does_not_count() -> None:
    record = labelled(0, 12, PICKED) | labelled(100, 12, AUDIT)
    found_in = {key: {"a"} for key in (*range(11), *range(100, 110), 999)}
    told = rare_finds(found_in, record)
    assert (told["chosen"], told["random"]) == (11, 10)
