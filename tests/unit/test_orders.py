"""What each control learned, and the one order that they make together."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from backend.controls.base import Control
from backend.jobs import keys
from backend.jobs.orders import Orders, ordered
from backend.sampling.ranking import Ranking
from tests.unit.schemes import single


@dataclass
class Learned:
    control: Control
    is_trained: bool = True
    taught: Any = None

    def how_well(self, scene: Any) -> dict[str, Any]:
        return {"measured": self.control.from_name} if self.is_trained else {}


def learned(name: str, trained: bool = True, rows: int = 4) -> Learned:
    return Learned(single(name, "x", "y"), trained, SimpleNamespace(rows=list(range(rows))))


def ranking(*order: int, worth: bool = True) -> Ranking:
    size = len(order)
    falling = torch.empty(size)
    falling[list(order)] = torch.linspace(1, 0, size)
    ones = torch.ones(size, dtype=torch.int64)
    told = {"by": ("s",) * size, "rounds": ones, "chance": ones.double()}
    return Ranking(torch.tensor(order), falling if worth else None, **told)  # type: ignore[arg-type]


RANKINGS = {"a": ranking(0, 1, 2, 3), "b": ranking(3, 2, 1, 0), "c": ranking(2, 3, 0, 1)}


def made(main: Learned, *others: Learned, **shares: float) -> Orders:
    def rank(each: Any, share: float) -> Any:
        name = each.control.from_name
        return SimpleNamespace(error_head=f"head of {name}"), RANKINGS[name]

    return ordered(main, others, shares, 4, rank)  # type: ignore[arg-type]


def test_one_control_has_all_of_the_order() -> None:
    orders = made(learned("a"), a=1.0)
    assert orders.one.ranking is RANKINGS["a"]
    assert orders.one.turn.tolist() == [0, 0, 0, 0]


def test_several_take_turns_by_their_shares() -> None:
    orders = made(learned("a"), learned("b"), a=0.5, b=0.5)
    assert orders.one.ranking.order.tolist() == [0, 3, 1, 2]
    assert orders.one.turn.tolist() == [0, 1, 0, 1]
    assert [each.name for each in orders.each] == ["a", "b"]


@pytest.mark.parametrize(
    ("main", "other", "names"),
    [
        (True, True, ["a", "b"]),
        (True, False, ["a", "b"]),
        (False, True, ["a", "b"]),
        (False, False, ["a"]),  # it would say the same
    ],
)
def test_who_has_a_say(main: bool, other: bool, names: list[str]) -> None:
    orders = made(learned("a", main), learned("b", other), a=0.5, b=0.5)
    assert [each.name for each in orders.each] == names


def test_where_one_has_no_say_yet_the_others_have_its_share() -> None:
    orders = made(learned("a", False), learned("b", False), learned("c"), a=0.2, b=0.6, c=0.2)
    assert [each.name for each in orders.each] == ["a", "c"]
    assert orders.one.turn.tolist().count(1) == 2


def test_what_a_version_keeps_of_an_order() -> None:
    first, second = made(learned("a"), learned("b", False), a=0.75, b=0.25).each
    kept = first.kept()
    assert (kept.control, kept.share, kept.error_head) == ("a", 0.75, "head of a")
    assert kept.worth.tolist() == pytest.approx([1, 2 / 3, 1 / 3, 0])  # along the order
    assert second.kept().error_head is None


def test_what_is_told_of_an_order() -> None:
    first, second = made(learned("a"), learned("b", False), a=2 / 3, b=1 / 3).each
    assert first.told() == {"share": 0.6667, "trained_on": 4, "measured": "a"}
    assert second.told() == {"share": 0.3333, "trained_on": 0}


def test_a_ranking_without_worth_keeps_none() -> None:
    RANKINGS["d"] = ranking(1, 0, worth=False)
    (only,) = made(learned("d"), d=1.0).each
    assert only.kept().worth.tolist() == []
    del RANKINGS["d"]


def test_every_key_of_a_project_is_another_and_names_the_project() -> None:
    found = [make(12) for make in keys.KEYS_OF_PROJECT]
    assert len(set(found)) == len(found)
    assert all("12" in key.split(":") and key.startswith("atlas:") for key in found)
    assert not {make(1) for make in keys.KEYS_OF_PROJECT} & set(found)
    assert keys.selection_key(12, "ab") not in found


def test_every_counter_of_a_project_is_another() -> None:
    found = keys.counters_of(12)
    assert len(set(found)) == len(found)
    assert keys.counter("retrains", 12, "published") in found
    assert keys.counter("seconds", 12, "pull") in found
    assert not set(found) & set(keys.counters_of(1))
    counted = len(keys.OUTCOMES) + 2 * len(keys.STAGES) + len(keys.WRAPPED_OUTCOMES) + 1
    assert len(found) == counted
