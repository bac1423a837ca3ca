"""Sampling stratified by a field of the task: `margin by source`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor

from backend.cli import main
from backend.fields import fields_in
from backend.learning.training import Trained
from backend.names import is_known_strategy
from backend.sampling import check_name, make_scene, rank, rank_scene, select
from backend.sampling.coldstart import NAME, NO_CLASSES
from backend.sampling.registry import STRATEGIES, find
from backend.sampling.strata import MOST, strata_of
from tests.unit.scenes import random_scene

SOURCES = [("mail", "forum", "forum", None)[i % 4] if i else "letter" for i in range(80)]
"""Of the pool's 80 items: 40 of a forum, 20 without a source, 19 mails, one letter."""
UNKNOWN: list[str | None] = [None] * 40
Values = tuple[Sequence[str | None], Sequence[str | None]]


@cache
def classifier() -> Trained:
    return make_scene(*random_scene()).trained


def with_sources(labeled: list[str | None] = UNKNOWN) -> dict[str, Values]:
    return {"source": (list(SOURCES), labeled)}


def sources(picks: Tensor) -> list[str | None]:
    return [SOURCES[i] for i in picks.tolist()]


def test_each_value_is_served_in_turn_each_by_the_strategy_until_it_has_no_more() -> None:
    scene = random_scene()
    trained = classifier()
    margin = rank("margin", *scene, trained=trained).order.tolist()
    picks = select("margin by source", *scene, 40, trained=trained, fields=with_sources(UNKNOWN))
    served = sources(picks)
    labelled_least_first = ["letter", "mail", "forum", None]
    assert served[:4] == labelled_least_first
    assert served[4:10] == ["mail", "forum", None] * 2
    for value in labelled_least_first:
        of_it = [i for i in picks.tolist() if SOURCES[i] == value]
        assert of_it == [i for i in margin if SOURCES[i] == value][: len(of_it)]


def test_what_is_labelled_least_has_the_first_turn() -> None:
    """Else each ranking of a project with more values than labels between two rankings served the same."""
    labeled = ["mail"] * 12 + ["letter"] * 9 + [None] * 8 + ["forum"] * 11
    served = sources(select("random by source", *random_scene(), 8, fields=with_sources(labeled)))
    assert served == [None, "letter", "forum", "mail", None, "forum", "mail", None]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_goes_by_a_field_and_its_head_begins_with_its_batch(strategy: str) -> None:
    args = random_scene()
    trained = classifier()
    composed = f"{strategy} by source"
    scene = make_scene(*args, batch=6, trained=trained, fields=with_sources())
    ranking = rank_scene(composed, scene, 30)
    assert sorted(ranking.order.tolist()) == list(range(80))
    assert sources(ranking.order[:7]) == ["letter", "mail", "forum", None, "mail", "forum", None]
    batch = select(composed, *args, 6, trained=trained, fields=with_sources())
    assert ranking.order[:6].tolist() == batch.tolist()
    assert len(ranking.by) == len(ranking.rounds) == len(ranking.chance) == 30


@pytest.mark.parametrize(
    "composition",
    [
        "margin by source within 60% by representative",
        "margin within 60% by representative by source",
        "70% margin by source and random by source",
        "entropy temperature=2 by source",
        "clusters  by  source",
    ],
)
def test_it_composes(composition: str) -> None:
    assert fields_in(composition) == ("source",)
    order = rank(composition, *random_scene(), fields=with_sources()).order
    assert sorted(order.tolist()) == list(range(80))
    served = Counter(sources(order[:12]))
    often = [served[value] for value in ("mail", "forum", None)]
    assert max(often) - min(often) <= 1


def test_parts_may_go_by_different_fields() -> None:
    both = with_sources() | {"lang": (["de", "en"] * 40, UNKNOWN)}
    composition = "random by lang within 50% by margin by source"
    assert fields_in(composition) == ("lang", "source")
    picks = select(composition, *random_scene(), 10, fields=both)
    assert sources(picks[:4]) == ["letter", "mail", "forum", None]
    assert {i % 2 for i in picks.tolist() if SOURCES[i] == "forum"} == {0, 1}
    with pytest.raises(ValueError, match="by one field"):
        check_name("margin by source by lang")
    composition = "50% random by lang and 50% margin by source"
    assert fields_in(composition) == ("lang", "source")
    assert len(select(composition, *random_scene(), 10, fields=both)) == 10


def test_each_pick_tells_its_chance_among_the_items_of_its_value() -> None:
    ranking = rank("random by source", *random_scene(), head_size=6, fields=with_sources())
    assert ranking.chance.tolist() == pytest.approx([1, 1 / 19, 1 / 40, 1 / 20, 1 / 18, 1 / 39])
    assert set(ranking.by) == {"random by source"}


def test_values_have_their_turns_before_there_is_a_classifier() -> None:
    pool, labeled, _ = random_scene()
    one_class = torch.zeros(40)
    ranking = rank("margin by source", pool, labeled, one_class, head_size=8, fields=with_sources())
    assert set(sources(ranking.order[:4])) == set(SOURCES)
    assert set(ranking.by) == {NAME}
    assert ranking.notes == [NO_CLASSES]


def test_of_many_values_all_but_the_most_frequent_count_as_one_and_that_is_told() -> None:
    dates = [f"day {i}" for i in range(70)] + [f"day {i % 5}" for i in range(10)]
    ranking = rank("margin by day", *random_scene(), fields={"day": (dates, UNKNOWN)})
    assert any("has 70 values: all but the 49 most frequent count as one" in note for note in ranking.notes)
    first = [dates[i] for i in ranking.order[:MOST].tolist()]
    assert {f"day {i}" for i in range(5)} <= set(first)
    strata = strata_of("day", dates, ["day 69", "day 0", "unheard of"])
    assert strata.count == MOST == len(strata.pool.unique())
    assert strata.labeled.tolist() == [MOST - 1, int(strata.pool[0]), -1]


def test_a_field_that_no_task_has_changes_nothing_and_that_is_told() -> None:
    scene = random_scene()
    trained = classifier()
    missing: dict[str, Values] = {"sorce": ([None] * 80, UNKNOWN)}
    ranking = rank("auto by sorce", *scene, trained=trained, fields=missing)
    assert any("no task that waits has a field 'sorce'" in note for note in ranking.notes)
    assert ranking.order[:20].tolist() == rank("auto", *scene, trained=trained).order[:20].tolist()


def test_there_may_be_no_item_or_no_label() -> None:
    pool, labeled, targets = random_scene()
    nothing: Values = ([], UNKNOWN)
    ranking = rank("margin by source", pool[:0], labeled, targets, fields={"source": nothing})
    assert ranking.order.tolist() == []
    picks = select("margin by source", pool, labeled[:0], targets[:0], 4, fields=with_sources([]))
    assert set(sources(picks)) == set(SOURCES)


def test_wrong_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="needs the field 'source'"):
        select("margin by source", *random_scene(), 5)
    with pytest.raises(ValueError, match="for each of 80 pool items and 40 labelled ones; got 3 and 40"):
        make_scene(*random_scene(), fields={"source": (["a"] * 3, UNKNOWN)})
    with pytest.raises(ValueError, match="at most 4 fields"):
        check_name(" and ".join(f"20% random by field{i}" for i in range(5)))
    with pytest.raises(ValueError, match="by one field"):
        check_name("margin" + " by source" * 80)
    with pytest.raises(ValueError, match="'nonsense' is no strategy"):
        check_name("nonsense by source")
    assert find("margin by source", {}).needs_classifier is False
    assert fields_in("margin within 20% by representative") == ()


@pytest.mark.parametrize("command", ["simulate", "next"])
def test_what_reads_a_file_says_that_its_rows_have_no_fields(command: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("text,label\na,b\n")
    option = "--strategies" if command == "simulate" else "--strategy"
    done = CliRunner().invoke(main, [command, str(tmp_path / "mine.csv"), option, "margin by source"])
    assert done.exit_code != 0
    assert "leave `by source` out" in done.output


@pytest.mark.parametrize(
    "strategy", ["margin by source", "70% atlas round=2 by a.b and 30% random by source"]
)
def test_a_field_passes_the_check_at_start(strategy: str) -> None:
    assert not is_known_strategy(strategy)
    with pytest.raises(ValueError, match="nonsense"):
        is_known_strategy(strategy.replace("margin", "nonsense").replace("random", "nonsense"))
