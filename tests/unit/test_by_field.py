"""Sampling stratified by a field of the task: `margin by source`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file
from torch import Tensor

from backend.cli import main
from backend.fields import fields_in
from backend.labelled import load
from backend.learning.training import Trained
from backend.names import is_known_strategy
from backend.sampling import check_name, make_scene, rank, rank_scene, select
from backend.sampling.coldstart import NAME, NO_CLASSES
from backend.sampling.registry import STRATEGIES, find
from backend.sampling.strata import MOST, strata_of
from backend.simulate.plan import Plan
from backend.simulate.replay import ReplayJob, SeedJob, prepare, replay
from tests.unit.scenes import random_scene

pytestmark = pytest.mark.usefixtures("trained_once")

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
    ranking = rank_scene(composed, scene, 18)
    assert sorted(ranking.order.tolist()) == list(range(80))
    assert sources(ranking.order[:7]) == ["letter", "mail", "forum", None, "mail", "forum", None]
    batch = select(composed, *args, 6, trained=trained, fields=with_sources())
    assert ranking.order[:6].tolist() == batch.tolist()
    assert len(ranking.by) == len(ranking.rounds) == len(ranking.chance) == 18


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


WORDS = {"storm": ["storm", "flood", "quake", "fire"], "calm": ["tea", "book", "song", "game"]}


def rows(count: int) -> list[dict[str, str]]:
    """Of each text the source: of five four are mails."""
    of = [(label, WORDS[label][i // 2 % 4], i) for i in range(count) for label in [list(WORDS)[i % 2]]]
    source = ["forum" if i % 5 == 0 else "mail" for i in range(count)]
    return [
        {"text": f"{word} {word} number {i}", "label": label, "source": source[i]} for label, word, i in of
    ]


def in_csv(path: Path, found: list[dict[str, str]]) -> Path:
    lines = ["text,label,source", *(",".join(row.values()) for row in found)]
    path.write_text("\n".join(lines) + "\n")
    return path


def in_export(path: Path, found: list[dict[str, str]]) -> Path:
    def annotated(label: str) -> list[dict[str, object]]:
        value = {"choices": [label]}
        region = {"from_name": "kind", "to_name": "text", "type": "choices", "value": value}
        return [{"result": [region], "was_cancelled": False}] if label else []

    tasks = [
        {
            "id": 100 + i,
            "data": {"text": row["text"], "source": row["source"]},
            "annotations": annotated(row["label"]),
        }
        for i, row in enumerate(found)
    ]
    path.write_text(json.dumps(tasks))
    return path


@pytest.mark.parametrize("write", [in_csv, in_export])
def test_next_goes_by_a_column_of_the_file(tmp_path: Path, write: Callable[..., Path]) -> None:
    found = [row if i < 8 else {**row, "label": ""} for i, row in enumerate(rows(40))]
    file = write(tmp_path / "mine.txt", found)
    source = {row["text"]: row["source"] for row in found}
    served = {}
    for strategy in ("margin", "margin by source"):
        options = ["--strategy", strategy, "-n", "8", "--format", "json"]
        done = CliRunner().invoke(main, ["next", str(file), *options])
        assert done.exit_code == 0, done.output
        served[strategy] = [source[each["text"]] for each in json.loads(done.stdout)["next"]]
    assert served["margin by source"].count("forum") == 4
    assert served["margin"].count("forum") < 4


def test_simulate_replays_a_strategy_by_a_column_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = rows(60)
    plan = Plan(("margin by source", "random"), (0,), batch=4, start=4, budget=12, held_out=0.2, live=True)
    texts = load(in_csv(tmp_path / "mine.csv", found), fields=("source",))
    plan = plan.within(48, 2)
    file = tmp_path / "split"
    prepare(SeedJob(texts.rows, plan, 0, file, fields=texts.fields), lambda: None)
    pool = load_file(file)["field source"].tolist()
    rare = min(pool.count(0), pool.count(1))
    assert 6 <= rare <= 12  # of 60 rows 12 are of the forum, and a fifth of all is held out
    picked = []

    def noted(strategy: str, waiting: Tensor, labelled: Tensor, *more: Any, **options: Any) -> Tensor:
        of_pool, of_labelled = options["fields"]["source"]
        assert (len(of_pool), len(of_labelled)) == (len(waiting), len(labelled))
        picks = select(strategy, waiting, labelled, *more, **options)
        picked.extend(of_pool[i] for i in picks.tolist())
        return picks

    monkeypatch.setattr("backend.simulate.replay.select", noted)
    done = replay(ReplayJob("margin by source", 0, plan, ("calm", "storm"), file), lambda: None)
    assert [point.labels for point in done.points] == [4, 8, 12]
    assert sorted(Counter(picked).values()) == [6, 6]  # the rare one as often as the other


@pytest.mark.parametrize("command", ["simulate", "next"])
def test_a_field_that_the_file_does_not_have_is_told(command: str, tmp_path: Path) -> None:
    file = in_csv(tmp_path / "mine.csv", [*rows(8), {"text": "a", "label": "", "source": "mail"}])
    option = "--strategies" if command == "simulate" else "--strategy"
    done = CliRunner().invoke(main, [command, str(file), option, "margin by origin"])
    assert done.exit_code != 0
    told = " ".join(done.output.split())
    assert "no row of it has a 'origin', by which a strategy goes" in told
    assert "leave `by origin` out" in told


@pytest.mark.parametrize(
    "strategy", ["margin by source", "70% atlas round=2 by a.b and 30% random by source"]
)
def test_a_field_passes_the_check_at_start(strategy: str) -> None:
    assert not is_known_strategy(strategy)
    with pytest.raises(ValueError, match="nonsense"):
        is_known_strategy(strategy.replace("margin", "nonsense").replace("random", "nonsense"))


def test_simulate_of_spans_says_that_they_have_no_fields_yet(tmp_path: Path) -> None:
    file = tmp_path / "mine.conll"
    file.write_text("".join(f"Ann B-PER\nsaid O\nword{i} O\n\n" for i in range(6)))
    done = CliRunner().invoke(main, ["simulate", str(file), "--strategies", "margin by source"])
    assert done.exit_code != 0
    assert "leave `by source` out" in " ".join(done.output.split())
