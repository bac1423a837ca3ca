"""`label-studio-atlas next`: which texts it names, why, and what goes to which stream."""

from __future__ import annotations

import csv
import io
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from backend import sampling
from backend.encoders import registry
from backend.encoders.joined import JoinedKind
from backend.labelled import load_partly
from backend.next.choose import CLUSTERS, Chosen, choose
from backend.settings import Settings
from tests import next_command as asked
from tests.fakes.loop import label_of, texts

ALL, LABELLED = 80, 24


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Texts of two kinds, the first few labelled, three of them the wrong way."""
    path = tmp_path / "mixed.csv"
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["text", "label"])
        for number, text in enumerate(texts(ALL)):
            right = label_of(text if number not in (5, 11, 16) else texts(ALL)[number + 1])
            writer.writerow([text, right if number < LABELLED else ""])
    return path


def chosen(file: Path, count: int = 10, **settings: Any) -> Chosen:
    return choose(load_partly(file), count, Settings(encoder="lsa", **settings), lambda what, more: None)


listed, run = partial(asked.listed, "--encoder", "lsa"), partial(asked.run, "--encoder", "lsa")


def test_the_texts_are_the_strategys_in_its_order(file: Path) -> None:
    """By margin of two classes the likeliest one's probability rises along the list, over the whole pool."""
    found = chosen(file, ALL, strategy="margin")
    likeliest = [next(iter(each.probabilities.values())) for each in found.choices]
    assert len(found.choices) == ALL - LABELLED
    assert all(one <= other + 1e-4 for one, other in pairwise(likeliest))
    assert likeliest[0] < likeliest[-1]
    few = chosen(file, 7, strategy="margin")
    assert few.choices == found.choices[:7]


def test_each_text_says_why(file: Path) -> None:
    for each in chosen(file, 10).choices:
        assert each.place > LABELLED
        assert each.text == texts(ALL)[each.place - 1]
        assert sum(each.probabilities.values()) == pytest.approx(1, abs=1e-3)
        assert list(each.probabilities.values()) == sorted(each.probabilities.values(), reverse=True)
        assert 0 <= (each.why.cluster or 0) - 1 < CLUSTERS
        assert (each.why.how, each.why.of) == ("picked", ALL - LABELLED)
    assert [each.why.place for each in chosen(file, 10).choices] == list(range(1, 11))
    wrong = [each.why.p_wrong for each in chosen(file, ALL).choices]
    assert all(p is not None and 0 < p < 1 for p in wrong)
    assert len(set(wrong)) > 10


def test_clusters_are_numbered_by_their_size_and_hold_all_texts(file: Path) -> None:
    sizes = {each.why.cluster or 0: each.cluster_size for each in chosen(file, ALL).choices}
    assert sum(sizes.values()) == ALL - LABELLED
    assert [sizes[number] for number in sorted(sizes)] == sorted(sizes.values(), reverse=True)


def test_heads_know_of_what_a_vector_is_made(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a retrain's do."""
    told: list[tuple[int, ...]] = []
    make = sampling.make_scene

    def make_scene(*parts: Any, blocks: tuple[int, ...], **rest: Any) -> sampling.Scene:
        told.append(blocks)
        return make(*parts, blocks=blocks, **rest)

    monkeypatch.setattr(sampling, "make_scene", make_scene)
    chosen(file)
    kind = registry.find_encoder("lsa")
    monkeypatch.setattr(registry, "find_encoder", lambda name: JoinedKind((("one", kind), ("two", kind))))
    chosen(file)
    (alone, (first, second)) = told
    assert alone == ()
    assert first == second > 0


def test_the_same_seed_gives_the_same_list(file: Path) -> None:
    assert chosen(file, seed=3) == chosen(file, seed=3)
    assert chosen(file, strategy="random", seed=3) != chosen(file, strategy="random", seed=4)


def test_before_there_are_labels_of_two_classes_typical_and_unlike_texts_come_first(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\n" + "\n".join(texts(40)) + "\n")
    found = chosen(path, 2)
    assert {label_of(each.text) for each in found.choices} == {"disaster", "other"}
    assert all(
        (each.probabilities, each.why.p_wrong, each.why.strategy) == ({}, None, "cold_start")
        for each in found.choices
    )
    assert found.accuracy is None
    assert "teach nothing yet" in run(path).stderr


def test_nearly_equal_texts_are_named_once(tmp_path: Path) -> None:
    long = " ".join(f"word{i}" for i in range(40))
    path = tmp_path / "pool.csv"
    path.write_text(f"text\n{long}\n{long} more\nsomething else\n")
    found = chosen(path, 3)
    assert len(found.choices) == 2
    assert found.copies == 1
    assert "1 text that repeats another was passed over" in run(path).stderr


def test_the_list_alone_goes_to_the_standard_output(file: Path) -> None:
    found = listed(file, "-n", "5", "--strategy", "margin")
    assert (found["strategy"], found["labelled"], found["waiting"]) == ("margin", LABELLED, ALL - LABELLED)
    assert len(found["next"]) == 5
    assert set(found["next"][0]) == {"row", "text", "probabilities", "why", "cluster_size"}
    assert found["next"][0]["why"]["strategy"] == "margin"
    told = run(file).stderr
    assert "24 labelled and 56 unlabelled texts" in told
    assert "Learned from 24 labels of 2 classes" in told


def test_a_filled_in_list_teaches_the_next_one(file: Path, tmp_path: Path) -> None:
    done = run(file, "--format", "csv", "-n", "12")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 12
    assert {row["label"] for row in rows} == {""}
    assert all(0.5 <= float(row["probability_1"]) <= 1 for row in rows)
    batch = tmp_path / "batch.csv"
    with batch.open("w", newline="") as out:
        writer = csv.DictWriter(out, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, "label": label_of(row["text"])} for row in rows)
    more = tmp_path / "more.csv"
    more.write_text("text,label\na text of no row,other\n")
    again = listed(file, "--labels", batch, "--labels", more)
    assert (again["labelled"], again["waiting"]) == (LABELLED + 13, ALL - LABELLED - 12)
    assert not {row["text"] for row in rows} & {each["text"] for each in again["next"]}


def test_texts_that_begin_as_formulas_are_none_in_the_list_and_are_known_again(tmp_path: Path) -> None:
    path, batch = tmp_path / "pool.csv", tmp_path / "batch.csv"
    path.write_text("text,label\n" + "".join(f"=1+{number},\n" for number in range(8)))
    told = run(path, "--format", "csv", "-n", "3").stdout
    rows = list(csv.DictReader(io.StringIO(told)))
    assert all(row["text"].startswith("'=1+") for row in rows)
    batch.write_text("text,label\n" + "".join(f"{row['text']},{i % 2}\n" for i, row in enumerate(rows)))
    again = listed(path, "--labels", batch)
    assert (again["labelled"], again["waiting"]) == (3, 5)


def test_the_table_holds_what_the_other_forms_hold(file: Path) -> None:
    done = run(file, "-n", "3")
    shown = " ".join(done.stdout.split())
    for each in listed(file, "-n", "3")["next"]:
        assert str(each["row"]) in shown
        assert each["text"].split()[0] in shown
        assert f"{each['why']['p_wrong']:.0%}" in shown


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--strategy", "best"), "unknown strategy 'best'"),
        (("--format", "xls"), "is not one of"),
        (("-n", "0"), "is not in the range"),
        (("--labels", "nowhere.csv"), "does not exist"),
    ],
)
def test_what_cannot_be_is_refused(file: Path, arguments: tuple[str, ...], reason: str) -> None:
    done = run(file, *arguments)
    assert done.exit_code != 0
    assert reason in done.stderr
    assert done.stdout == ""


def test_text_from_a_file_is_no_markup_of_the_table(tmp_path: Path) -> None:
    path = tmp_path / "pool.csv"
    path.write_text("text\n[red]alarm[/red] [/] here\nanother thing\n")
    done = run(path)
    assert done.exit_code == 0, done.stderr
    assert "[red]alarm[/red] [/] here" in done.stdout
