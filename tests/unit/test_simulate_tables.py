"""What a simulation found, as numbers for programs and in words for people."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from backend.labelled.load import LabelledTexts
from backend.simulate.folder import MADE_BY
from backend.simulate.tables import COLUMNS, curves_csv, summary_json
from tests.unit.replays import CURVES, FULL, PLAN, curve, curves, outcome, part

HOSTILE = ['<script>alert("x")</script>', "\x1b[2J", "\u202eabc", "=1+1", "a\nb", "9" * 5_000]


def told(found: Any) -> dict[str, Any]:
    content = summary_json(found)
    assert content.endswith("}\n")
    parsed: dict[str, Any] = json.loads(content)
    return parsed


def test_curves_have_a_row_for_each_measurement() -> None:
    read = list(csv.DictReader(io.StringIO(curves_csv([curve("margin", 1, [0.5, 0.123456789])]))))
    assert [tuple(row) for row in read] == [COLUMNS] * 2
    assert read[1] == {
        "strategy": "margin",
        "seed": "1",
        "labels": "40",
        "macro_f1": "0.123457",
        "accuracy": "0.061728",
        "seconds_choosing": "0.500",
        "encoder": "lsa",
    }
    assert curves_csv([]).strip() == ",".join(COLUMNS)


def test_a_strategy_with_a_comma_in_its_name_stays_one_cell() -> None:
    name = 'margin within 20% by representative, "odd"'
    (row,) = csv.DictReader(io.StringIO(curves_csv([curve(name, 0, [0.5])])))
    assert row["strategy"] == name


def test_the_replay_of_the_own_start_is_told_apart() -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(curves_csv([curve("auto", 0, [0.5]), curve("auto", 0, [0.5], own_start=True)]))
        )
    )
    assert len({row["strategy"] for row in rows}) == 2


def test_the_summary_has_the_verdict_the_setting_and_the_strategies_by_place() -> None:
    found = told(outcome())
    assert found["made_by"] == MADE_BY
    assert found["verdict"].startswith("margin wins, by more than noise.")
    assert found["setting"] == {"STRATEGY": "margin"}
    assert list(found["strategies"]) == ["margin", "random"]
    assert found["strategies"]["margin"]["labels_for_target_by_seed"] == {"0": 60, "1": 40}
    assert found["strategies"]["random"]["labels_for_target"] is None
    assert found["full_data"]["0"] == {"macro_f1": 0.8, "accuracy": 0.9, "class_f1": {}}
    assert found["plan"]["budget"] == PLAN.budget
    assert found["data"]["file"] == "mine.csv"
    assert found["data"]["path"].endswith("/folder/mine.csv")
    assert found["own_start"] is None
    assert found["encoders"] is None


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_names_out_of_a_file_are_what_they_were(name: str) -> None:
    texts = LabelledTexts([("t", name), ("u", "b")], 0, f"columns {name}", "CSV", {name: 2}, [name])
    found = told(outcome([part(curves(CURVES, classes={name: 0.5, "b": 0.1}))], texts=texts))
    assert found["data"]["per_class"] == {name: 1, "b": 1}
    assert found["data"]["dropped"] == {name: 2}
    assert found["data"]["warnings"] == [name]
    assert found["strategies"]["margin"]["f1_per_class"] == {name: 0.5, "b": 0.1}


def test_what_failed_is_named() -> None:
    assert told(outcome(failures=["entropy, seed 1: <b>odd</b>"]))["failures"] == [
        "entropy, seed 1: <b>odd</b>"
    ]


def test_of_several_encoders_the_one_to_set_is_told_and_all_are_compared() -> None:
    plan = replace(PLAN, encoders=("lsa", "use"))
    better = {name: [each + 0.2 for each in along] for name, along in CURVES.items()}
    parts = [part(curves(CURVES), "lsa", plan), part(curves(better, encoder="use"), "use", plan)]
    found = told(outcome(parts, plan=plan))
    assert found["setting"] == {"STRATEGY": "margin", "ENCODER": "use"}
    assert list(found["encoders"]["by_name"]) == ["use", "lsa"]
    assert found["encoders"]["yardstick"] == "lsa"
    assert found["encoders"]["by_name"]["use"]["seconds_encoding"] == 1.5
    assert found["strategies"]["margin"]["area"] == pytest.approx(0.8267, abs=1e-3)
    assert set(found["encoders"]["by_name"]["lsa"]["strategies"]) == {"margin", "random"}


METHODS: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("plain", {}, {
        "data": "1,250 distinct texts of 2 classes from mine.csv (columns text and label; CSV)",
        "test set": "250 texts, the same share of each class, drawn anew for each seed and never shown to a "
        "strategy",
        "labels": "20 at random, the same for all strategies of a seed, then batches of 20 chosen by the "
        "strategy, up to 300; the file's label is the answer",
        "seeds": "0, 1",
    }),
    ("live", {"plan": replace(PLAN, live=True, seeds=(3,))}, {
        "labels": "as the backend labels, from each strategy's own first order on: the first 20 of a queue, "
        "a retrain, the first 20 of the next, up to 300; the file's label is the answer",
        "seeds": "3",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("options", "words"), [row[1:] for row in METHODS], ids=[row[0] for row in METHODS])
def test_how_it_was_measured_is_told(options: dict[str, Any], words: dict[str, str]) -> None:
    method = outcome(**options).method
    assert {topic: method[topic] for topic in words} == words
    assert "own start" not in method


def test_what_was_merged_and_left_out_is_told() -> None:
    texts = LabelledTexts(
        [("t", "a"), ("u", "b")],
        1_200,
        "columns x and y",
        "JSON",
        {"without a label": 3, "without a text": 1},
    )
    assert outcome(texts=texts).method["data"] == (
        "2 distinct texts of 2 classes from mine.csv (columns x and y; JSON); 1,200 more rows that repeated "
        "others were merged; left out: 3 rows without a label, 1 row without a text"
    )


def test_the_own_start_is_told_where_it_was_replayed() -> None:
    own = [curve("auto", seed, [0.7, 0.8, 0.9], own_start=True) for seed in FULL]
    replays = [*curves({**CURVES, "auto": [0.4, 0.5, 0.6]}), *own]
    found = outcome([part(replays)])
    assert found.method["own start"].startswith("auto once more, its first 20 labels not random")
    assert told(found)["own_start"]["area"] == pytest.approx(0.8)
    assert len(found.parts[0].complete) == len(replays)


def test_a_replay_without_its_strategy_in_the_summary_is_not_complete() -> None:
    whole = part(curves(CURVES))
    with_more = replace(whole, replays=[*whole.replays, curve("entropy", 0, [0.1, 0.2, 0.3])])
    assert {each.strategy for each in with_more.complete} == {"random", "margin"}
    left = replace(whole, replays=[*whole.replays, curve("auto", 0, [0.1], own_start=True)])
    assert not any(each.own_start for each in left.complete)
