"""Items by the value of a field, and options and rounds as they are written."""

from __future__ import annotations

import torch

from backend.sampling.strata import MOST, strata_of


def test_values_are_numbered_the_rarest_first() -> None:
    found = strata_of("source", ["web", "mail", "web", "web", "mail", "fax"], ["mail", "web", None, "tv"])
    assert found.pool.tolist() == [2, 1, 2, 2, 1, 0]
    assert found.labeled.tolist() == [1, 2, -1, -1]
    assert (found.count, found.note) == (3, None)


def test_an_item_without_the_field_is_of_a_kind_of_its_own() -> None:
    found = strata_of("source", ["web", None, "web", ""], [None, ""])
    assert found.count == 3
    assert len({*found.pool.tolist()}) == 3
    assert found.labeled.tolist() == [found.pool[1], found.pool[3]]


def test_the_order_of_the_items_does_not_matter() -> None:
    values: list[str | None] = ["b", "a", "a", None, "c", "c", "c"]
    shuffled = [values[i] for i in (6, 2, 0, 3, 5, 1, 4)]
    number = dict(zip(values, strata_of("f", values, []).pool.tolist(), strict=True))
    assert strata_of("f", shuffled, []).pool.tolist() == [number[value] for value in shuffled]


def test_equally_many_are_told_apart_by_their_names() -> None:
    assert strata_of("f", ["b", "a"], []).pool.tolist() == strata_of("f", ["a", "b"], []).pool.tolist()[::-1]


def test_a_field_that_nobody_has_changes_nothing_and_is_said() -> None:
    found = strata_of("source", [None, None], ["web"])
    assert (found.pool.tolist(), found.labeled.tolist(), found.count) == ([0, 0], [-1], 1)
    assert found.note == "no task that waits has a field 'source', so that `by source` changes nothing"


def test_of_many_values_the_rare_ones_are_one_and_it_is_said() -> None:
    often = [f"v{i}" for i in range(MOST - 1) for _ in range(3)]
    rare = [f"r{i}" for i in range(7)]
    found = strata_of("id", [*often, *rare], ["r3", "v0"])
    assert found.count == MOST
    assert len(set(found.pool[-7:].tolist())) == 1
    assert int(found.pool.max()) == MOST - 1
    assert found.labeled[0] == found.pool[-1]
    assert found.labeled[1] == found.pool[0]
    assert found.note is not None
    assert f"has {MOST + 6} values: all but the {MOST - 1} most frequent count as one" in found.note


def test_exactly_so_many_values_stay_apart() -> None:
    found = strata_of("id", [f"v{i}" for i in range(MOST)], [])
    assert (len(set(found.pool.tolist())), found.count, found.note) == (MOST, MOST, None)


def test_nothing_waits() -> None:
    found = strata_of("f", [], ["a", None])
    assert (found.pool.tolist(), found.labeled.tolist(), found.count, found.note) == ([], [-1, -1], 0, None)


def test_a_part_of_the_pool_keeps_the_numbers() -> None:
    found = strata_of("f", ["a", "b", "b", "c", "c", "c"], ["b"])
    part = found.rows(torch.tensor([5, 0]))
    assert part.pool.tolist() == [2, 0]
    assert (part.labeled.tolist(), part.count) == ([1], 3)
