"""Several orders made into one: each has its turns by its share."""

from __future__ import annotations

import pytest
import torch

from backend.sampling.ranking import Ranking
from backend.sampling.turns import Turns, due, in_turns


def ranking(*order: int, by: str = "s", worth: bool = True, notes: tuple[str, ...] = ()) -> Ranking:
    size = len(order)
    falling = torch.empty(size)
    falling[list(order)] = -torch.arange(size).float()
    rounds, chance = torch.arange(size) + 1, torch.linspace(0.1, 1, size).double()
    indices, worth_of = torch.tensor(order, dtype=torch.int64), falling if worth else None
    return Ranking(indices, worth_of, None, list(notes), (by,) * size, rounds, chance)


def turns(*rankings: Ranking, shares: tuple[float, ...], head: int = 100) -> tuple[list[int], Turns]:
    found = in_turns(rankings, shares, head)
    return found.ranking.order.tolist(), found


RISING, FALLING = ranking(0, 1, 2, 3, 4, 5, by="one"), ranking(5, 4, 3, 2, 1, 0, by="two")


def test_two_of_equal_shares_take_turns() -> None:
    order, found = turns(RISING, FALLING, shares=(0.5, 0.5))
    assert order == [0, 5, 1, 4, 2, 3]
    assert found.turn.tolist() == [0, 1, 0, 1, 0, 1]
    assert found.ranking.by == ("one", "two") * 3


@pytest.mark.parametrize(
    ("shares", "firsts"), [((2 / 3, 1 / 3), 8), ((0.75, 0.25), 9), ((0.5, 0.5), 6), ((0.9, 0.1), 11)]
)
def test_of_every_stretch_each_has_its_share(shares: tuple[float, float], firsts: int) -> None:
    size = 60
    one, other = ranking(*range(size)), ranking(*range(size - 1, -1, -1))
    _, found = turns(one, other, shares=shares)
    assert int((found.turn[:12] == 0).sum()) == pytest.approx(firsts, abs=1)


def test_what_both_want_is_taken_once_by_who_comes_to_it_first() -> None:
    order, found = turns(ranking(0, 1, 2, 3), ranking(0, 2, 3, 1), shares=(0.5, 0.5))
    assert sorted(order) == [0, 1, 2, 3]
    assert order[0] == 0
    assert found.turn[0] == 0  # equally due: the first one's
    assert order == [0, 1, 2, 3]
    assert found.turn.tolist() == [0, 0, 1, 1]


def test_each_item_keeps_what_is_told_of_it_in_its_own_ranking() -> None:
    _, found = turns(RISING, FALLING, shares=(0.5, 0.5), head=3)
    assert found.ranking.by == ("one", "two", "one")
    assert found.ranking.rounds.tolist() == [1, 1, 2]
    assert found.ranking.chance.tolist() == pytest.approx([0.1, 0.1, 0.28])


def test_worth_falls_along_the_order_and_is_none_where_one_has_none() -> None:
    order, found = turns(RISING, FALLING, shares=(0.6, 0.4))
    assert found.ranking.worth is not None
    along = found.ranking.worth[order].tolist()
    assert along == sorted(along, reverse=True)
    _, without = turns(RISING, ranking(5, 4, 3, 2, 1, 0, worth=False), shares=(0.6, 0.4))
    assert without.ranking.worth is None


def test_notes_are_told_once() -> None:
    one, other = ranking(0, 1, notes=("a", "b")), ranking(1, 0, notes=("b", "c"))
    assert turns(one, other, shares=(0.5, 0.5))[1].ranking.notes == ["a", "b", "c"]


def test_one_ranking_with_all_of_the_share_stays_as_it_is() -> None:
    order, found = turns(FALLING, shares=(1.0,))
    assert order == FALLING.order.tolist()
    assert set(found.turn.tolist()) == {0}


def test_an_empty_pool_has_an_empty_order() -> None:
    order, found = turns(ranking(), ranking(), shares=(0.5, 0.5))
    assert (order, found.turn.tolist(), found.ranking.by) == ([], [], ())


def test_what_is_new_is_due_where_its_worth_would_stand() -> None:
    ranked = torch.tensor([4.0, 3.0, 2.0, 1.0])
    found = due(ranked, torch.tensor([5.0, 2.5, 2.0, 0.0]), 0.5)
    assert found.tolist() == pytest.approx([0.25, 1.25, 1.75, 2.25])
    assert due(torch.zeros(0), torch.tensor([1.0]), 1.0).tolist() == [0.5]
    assert (due(ranked, torch.tensor([2.5]), 0.25) > due(ranked, torch.tensor([2.5]), 0.5)).all()
