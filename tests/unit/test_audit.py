"""Audits are a random sample of what waits, in an order that is else the strategy's."""

from __future__ import annotations

import pytest
import torch

from backend.sampling import Ranking
from backend.sampling.audit import AUDIT, due, lots_of, silent, with_audits
from backend.sampling.turns import Turns

N, HEAD = 40, 20


def made(picks: int = HEAD) -> Turns:
    order = torch.randperm(N, generator=torch.Generator().manual_seed(7))
    worth = torch.empty(N)
    worth[order] = torch.linspace(1, 0, N)
    head = torch.arange(picks)
    ranking = Ranking(order, worth, by=("margin",) * picks, rounds=head + 1, chance=head.double() / 100)
    return Turns(ranking, order % 2)


def test_a_task_keeps_its_lot_whatever_else_waits() -> None:
    ids = torch.arange(1000)
    assert torch.equal(lots_of(ids, 3)[500:], lots_of(ids[500:], 3))
    assert not torch.equal(lots_of(ids, 3), lots_of(ids, 4))
    lots = lots_of(ids, 3)
    assert len(lots.unique()) == 1000
    assert float(lots.mean()) == pytest.approx(0.5, abs=0.05)
    assert abs(float(torch.corrcoef(torch.stack([lots, ids.double()]))[0, 1])) < 0.1


@pytest.mark.parametrize("share", [0.02, 0.05, 0.2, 0.5])
def test_the_share_is_kept_whatever_is_labelled_between_two_rankings(share: float) -> None:
    labels, audits, since = 0, 0, 0
    while labels < 4000:
        places = due(share, 0, audits, since, 200)
        for place in range(5):
            is_audit = place in places
            audits, since = audits + is_audit, 0 if is_audit else since + 1
        labels += 5
    assert audits / labels == pytest.approx(share, rel=0.15)


def test_no_share_no_audit_and_all_are_audits_with_all() -> None:
    assert due(0.0, 0, 0, 100, 200) == []
    assert due(1.0, 0, 0, 0, 5) == [0, 1, 2, 3, 4]


def test_one_that_is_overdue_comes_first_and_is_not_made_up_for() -> None:
    places = due(0.05, 0, 0, 1000, 200)
    assert places[0] == 0
    assert len(places) < 20


def test_apart_from_audits_the_order_is_the_strategys() -> None:
    before = made()
    lots, free = lots_of(torch.arange(N), 0), torch.ones(N, dtype=torch.bool)
    after = with_audits(before, lots, free, [0, 3, 17])
    drawn = lots.argsort()[:3].tolist()
    order = after.ranking.order.tolist()
    assert [order[place] for place in (0, 3, 17)] == drawn
    own = [item for item in order if item not in drawn]
    assert own == [item for item in before.ranking.order.tolist() if item not in drawn]
    assert sorted(order) == list(range(N))
    assert torch.equal(after.turn, after.ranking.order % 2)


def test_what_is_told_of_picks_goes_with_them() -> None:
    before = made()
    lots, free = lots_of(torch.arange(N), 0), torch.ones(N, dtype=torch.bool)
    after = with_audits(before, lots, free, [2, 9]).ranking
    then = {item: i for i, item in enumerate(before.ranking.order.tolist())}
    for place, name in enumerate(after.by):
        item = int(after.order[place])
        if name == AUDIT:
            assert place in (2, 9)
            assert (int(after.rounds[place]), float(after.chance[place])) == (0, 1 / N)
        else:
            assert (name, int(after.rounds[place])) == ("margin", then[item] + 1)
            assert float(after.chance[place]) == then[item] / 100
    assert after.by.count(AUDIT) == 2
    assert after.worth is not None
    assert bool((after.worth[after.order].diff() <= 0).all())


def test_tasks_that_somebody_touched_are_not_drawn() -> None:
    lots, free = lots_of(torch.arange(N), 0), torch.ones(N, dtype=torch.bool)
    free[lots.argsort()[0]] = False
    after = with_audits(made(), lots, free, [0]).ranking
    assert int(after.order[0]) == int(lots.argsort()[1])
    assert float(after.chance[0]) == 1 / (N - 1)


def test_where_there_are_fewer_tasks_than_places_all_of_them_are_drawn() -> None:
    lots, free = lots_of(torch.arange(N), 0), torch.zeros(N, dtype=torch.bool)
    assert with_audits(made(), lots, free, [0, 1]) is not None
    free[:1] = True
    assert with_audits(made(), lots, free, [0, 1]).ranking.by.count(AUDIT) == 1


def test_each_draw_is_uniform() -> None:
    """Of 2,000 seeds, each of 10 tasks is first about as often as any other."""
    firsts = torch.tensor([int(lots_of(torch.arange(10), seed).argmin()) for seed in range(2000)])
    assert float((firsts.bincount(minlength=10) - 200).abs().max()) < 60


def test_as_many_others_are_silent_near_each_audit() -> None:
    lots, free = lots_of(torch.arange(N), 0), torch.ones(N, dtype=torch.bool)
    ranking = with_audits(made(), lots, free, [3, 11, 12, 18]).ranking
    places = silent(ranking, lots_of(torch.arange(N), 1)).tolist()
    others = [place for place in places if place not in (3, 11, 12, 18)]
    assert set(places) > {3, 11, 12, 18}
    assert len(others) in (3, 4)  # between 11 and 12 there is none
    assert silent(made().ranking, lots).tolist() == []
