"""`simulate` of spans: read in each form, replayed, and told by the words that were read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.controls.span_answers import Span, spans_in
from backend.errors import AtlasError
from backend.labelled.marked import load_marked
from backend.simulate import parts_run
from backend.simulate.parts import PartsPoint, PartsReplay
from backend.simulate.parts_summary import summarised, verdict
from tests.unit.simulations import InProcess, simulate
from tests.unit.span_scenes import COUNT, right, text_of

CONLL = """-DOCSTART- -X- O O

Anna NNP B-PER
Smith NNP I-PER
met VBD O
Bob NNP B-PER

She PRP O
left VBD O
New NNP I-LOC
York NNP I-LOC
"""


def spans(path: Path) -> list[list[Span]]:
    found = load_marked(path)
    assert found is not None
    return [spans_in(row.answer) for row in found.rows]


def test_conll_is_tokens_joined_by_spaces(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    path.write_text(CONLL)
    found = load_marked(path)
    assert found is not None
    assert [row.text for row in found.rows] == ["Anna Smith met Bob", "She left New York"]
    assert found.labels == ("LOC", "PER")
    assert spans(path) == [[Span(0, 10, "PER"), Span(15, 18, "PER")], [Span(9, 17, "LOC")]]


@pytest.mark.parametrize(
    "rows",
    [
        [
            {"tokens": ["Anna", "Smith", "left"], "tags": ["B-PER", "I-PER", "O"]},
            {"tokens": ["In", "Rome"], "tags": ["O", "S-LOC"]},
        ],
        [
            {"text": "Anna Smith left", "spans": [{"start": 0, "end": 10, "label": "PER"}]},
            {"text": "In Rome", "spans": [{"start": 3, "end": 7, "label": "LOC"}]},
        ],
        [
            {"text": "Anna Smith left", "label": [[0, 10, "PER"]]},
            {"text": "In Rome", "label": [[3, 7, "LOC"]]},
        ],
    ],
)
def test_json_lines_with_tags_or_with_spans(tmp_path: Path, rows: list[object]) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert spans(path) == [[Span(0, 10, "PER")], [Span(3, 7, "LOC")]]


def export(count: int = COUNT) -> list[dict[str, object]]:
    return [
        {"id": i, "data": {"text": text_of(i)}, "annotations": [{"id": i, "result": right(text_of(i))}]}
        for i in range(count)
    ]


def test_a_label_studio_export_and_texts_without_a_span(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(export()))
    found = load_marked(path)
    assert found is not None
    assert len(found.rows) == COUNT
    assert found.labels == ("LOC", "PER")
    assert sum(row.answer == "[]" for row in found.rows) == COUNT // 4


@pytest.mark.parametrize(
    "content",
    ["text,label\na,b\n", '{"text": "a", "label": "b"}\n', '[{"data": {"text": "a"}, "annotations": []}]'],
)
def test_what_holds_no_spans_is_left_to_others(tmp_path: Path, content: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    assert load_marked(path) is None


def test_without_spans_in_two_texts_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "train.conll"
    path.write_text("Anna B-PER\n\nnothing O\n")
    with pytest.raises(AtlasError, match=r"train.conll: spans in two texts at least are needed; it has 1"):
        load_marked(path)


def test_curves_and_a_summary_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_run, "Workers", InProcess)
    path = tmp_path / "export.json"
    path.write_text(json.dumps(export(60)))
    arguments = ("--seeds", "2", "--budget", "20", "--strategies", "random,margin,auto", "--encoder", "lsa")
    done = simulate(path, *arguments, "--out", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert any(said in done.output for said in ("STRATEGY=", "stays.", "Keep auto."))
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {row["strategy"] for row in told["strategies"]} == {"random", "margin", "auto"}
    assert told["encoder"] == "hashed:words"
    assert min(told["full_data_f1"].values()) > 0.5
    curves = (tmp_path / "out" / "curves.csv").read_text().splitlines()
    assert curves[0] == "strategy,seed,labels,words,f1,seconds_choosing"
    assert len(curves) == 1 + 3 * 2 * 4  # 5, 10, 15 and 20 labels
    again = simulate(path, *arguments, "--batch", "10", "--start", "10", "--out", tmp_path / "out")
    assert again.exit_code == 0, again.output


def replay(strategy: str, seed: int, f1: float, words: int) -> PartsReplay:
    return PartsReplay(strategy, seed, (PartsPoint(5, 10, 0.1, 0.0), PartsPoint(10, words, f1, 1.0)))


def test_long_texts_first_pay_per_text_and_not_per_word() -> None:
    found = [replay("random", seed, 0.5, 20) for seed in (0, 1)]
    found += [replay("long", seed, 0.6, 200 + seed) for seed in (0, 1)]
    by_name = {row.strategy: row for row in summarised(found)}
    assert by_name["long"].per_item > by_name["random"].per_item
    assert by_name["long"].per_cost < by_name["random"].per_cost
    assert by_name["long"].ahead == pytest.approx(by_name["long"].per_cost - by_name["random"].per_cost)


def test_the_default_stays_unless_another_is_clearly_ahead() -> None:
    same = [replay(name, seed, 0.5, 20) for name in ("random", "auto") for seed in (0, 1)]
    better = [replay("margin", seed, 0.49 + seed / 20, 20) for seed in (0, 1)]
    assert verdict(summarised([*same, *better]), "words read").endswith("auto stays.")
    clear = [replay("margin", seed, 0.9 + seed / 1000, 20) for seed in (0, 1)]
    assert "Set STRATEGY=margin" in verdict(summarised([*same, *clear]), "words read")
