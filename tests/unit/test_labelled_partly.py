"""Texts of which some, all or none are labelled, out of one file or two."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend.errors import AtlasError
from backend.labelled import PartlyLabelled, load_partly
from backend.labelled.rows import Waiting


def write(folder: Path, name: str, content: str) -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def contents(texts: PartlyLabelled) -> tuple[list[tuple[str, str]], list[tuple[int, str]]]:
    return texts.labelled, [(each.place, each.text) for each in texts.waiting]


def test_rows_without_a_label_wait_under_their_numbers(tmp_path: Path) -> None:
    file = write(tmp_path, "mixed.csv", "text,label\none,a\ntwo,\n ,b\nthree,  \nfour,b\n")
    texts = load_partly(file)
    assert contents(texts) == ([("one", "a"), ("four", "b")], [(2, "two"), (4, "three")])
    assert (texts.places, texts.read[0][1].dropped) == ("row", {"without a text": 1})


def test_a_text_waits_once_and_not_where_its_label_is_known(tmp_path: Path) -> None:
    file = write(tmp_path, "mixed.csv", "text,label\nOne,a\none ,\ntwo,\nTWO,\n")
    texts = load_partly(file)
    assert contents(texts) == ([("One", "a")], [(3, "two")])
    assert texts.repeats == 2


def test_labels_may_lie_in_another_file_of_another_form(tmp_path: Path) -> None:
    file = write(tmp_path, "pool.csv", "text\none\ntwo\nthree\n")
    labels = write(tmp_path, "done.jsonl", '{"text": "two", "label": "b"}\n{"text": "five", "label": ""}\n')
    texts = load_partly(file, [labels])
    assert contents(texts) == ([("two", "b")], [(1, "one"), (3, "three")])
    assert [path.name for path, _ in texts.read] == ["pool.csv", "done.jsonl"]


def test_a_column_of_labels_need_be_in_one_of_two_files_alone(tmp_path: Path) -> None:
    file = write(tmp_path, "pool.csv", "text,id\none,1\ntwo,2\n")
    labels = write(tmp_path, "done.csv", "text,topic\nthree,a\n")
    texts = load_partly(file, [labels], control="topic")
    assert contents(texts) == ([("three", "a")], [(1, "one"), (2, "two")])
    with pytest.raises(AtlasError, match="--control"):
        load_partly(file, control="topic")


def test_a_file_without_labels_says_which_columns_might_hold_them(tmp_path: Path) -> None:
    texts = load_partly(write(tmp_path, "pool.csv", "text,topic\none,a\ntwo,b\n"))
    assert contents(texts) == ([], [(1, "one"), (2, "two")])
    (warning,) = texts.read[0][1].warnings
    assert "every text counts as unlabelled" in warning
    assert "topic" in warning


def test_the_only_column_is_the_text_unless_it_seems_to_have_no_header(tmp_path: Path) -> None:
    assert len(load_partly(write(tmp_path, "one.csv", "headline\none\ntwo\n")).waiting) == 2
    with pytest.raises(AtlasError, match="no header line"):
        load_partly(write(tmp_path, "bare.csv", f"{'long ' * 20}\none\n"))


def test_tasks_of_an_export_wait_under_their_own_numbers(tmp_path: Path) -> None:
    region = {"from_name": "c", "to_name": "text", "type": "choices", "value": {"choices": ["a"]}}
    tasks = [
        {"id": 11, "data": {"text": "one"}, "annotations": [{"result": [region]}]},
        {"id": 12, "data": {"text": "two"}, "annotations": []},
        {"id": 13, "data": {"text": "three"}, "annotations": [{"result": [], "was_cancelled": True}]},
    ]
    texts = load_partly(write(tmp_path, "project.json", json.dumps(tasks)))
    assert texts.labelled == [("one", "a")]
    assert texts.waiting == [Waiting(12, "two"), Waiting(13, "three")]
    assert texts.places == "task"
    bare = [{**task, "annotations": []} for task in tasks]
    assert len(load_partly(write(tmp_path, "bare.json", json.dumps(bare))).waiting) == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("text,label\none,a\ntwo,b\n", "all its texts have a label .*whose label is empty"),
        ("text,label\none,a\none,\n", "every text without a label is labelled already"),
        ("text,label\n,a\n ,\n", "no row has a text"),
        ("text,label\n", "no row below it"),
        ("title,body\none,two\n", "--text-field"),
    ],
)
def test_a_file_in_which_no_text_waits_says_what_to_do(tmp_path: Path, content: str, reason: str) -> None:
    with pytest.raises(AtlasError, match=reason):
        load_partly(write(tmp_path, "file.csv", content))


def test_labels_without_a_label_are_refused(tmp_path: Path) -> None:
    file = write(tmp_path, "pool.csv", "text\none\n")
    with pytest.raises(AtlasError, match=r"done\.csv: nothing in it has a label"):
        load_partly(file, [write(tmp_path, "done.csv", "text,label\none,\n")])
