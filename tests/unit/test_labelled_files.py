"""Every form of a file of labelled texts that people bring is read, or refused with what to do.

400 rows each, as `simulate` and `demo --data` get them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend.errors import AtlasError
from backend.labelled import LabelledTexts, load

Rows = list[tuple[str, str]]
ROWS: Rows = [
    (f"have you ever had {i} foot before?", "ham") if i % 4 else (f"win {i} prizes, now", "spam")
    for i in range(400)
]
UMLAUTS: Rows = [(f"schöne Grüße Nr. {i} – “später”", label) for i, (_, label) in enumerate(ROWS)]


def as_csv(rows: Rows, header: tuple[str, ...] = ("text", "label"), separator: str = ",") -> str:
    content = io.StringIO()
    writer = csv.writer(content, delimiter=separator)
    writer.writerows([header, *rows] if header else rows)
    return content.getvalue()


def read(tmp_path: Path, content: str | bytes, name: str = "mine.csv", **options: str) -> LabelledTexts:
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return load(file, **options)


def refusal(tmp_path: Path, content: str | bytes, name: str = "mine.csv") -> str:
    with pytest.raises(AtlasError) as refused:
        read(tmp_path, content, name)
    assert name in str(refused.value)
    return str(refused.value)


def test_what_was_read_before_goes_on_being_read(tmp_path: Path) -> None:
    rows = [
        *ROWS[:396],
        ("🎉 5 < 6 & more", "0"),
        ("two\nlines", "1"),
        (" spaces ", " 0 "),
        ("two\nlines", "1"),
    ]
    wide = [(str(i), text, "x", label) for i, (text, label) in enumerate(rows)]
    texts = read(tmp_path, "\ufeff" + as_csv(wide, ("id", "text", "note", "label")))
    assert texts.rows == [*ROWS[:396], ("🎉 5 < 6 & more", "0"), ("two\nlines", "1"), ("spaces", "0")]
    assert texts.duplicates == 1


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_the_separator_is_found(tmp_path: Path, separator: str, mark: str) -> None:
    assert read(tmp_path, mark + as_csv(ROWS, separator=separator)).rows == ROWS


def test_excels_own_line_about_the_separator_is_no_header(tmp_path: Path) -> None:
    assert read(tmp_path, "sep=;\r\n" + as_csv(ROWS, separator=";")).rows == ROWS


@pytest.mark.parametrize("header", [("Text", "Label"), ("TEXT", " label "), (" text", "LABEL")])
def test_names_of_columns_may_have_capitals_and_spaces(tmp_path: Path, header: tuple[str, str]) -> None:
    assert read(tmp_path, as_csv(ROWS, header)).rows == ROWS


def test_other_names_of_columns_are_asked_for_by_the_options(tmp_path: Path) -> None:
    content = as_csv([(label, text) for text, label in ROWS], ("category", "message"))
    assert "--text-field message --control category" in refusal(tmp_path, content)
    assert read(tmp_path, content, text_field="message", control="category").rows == ROWS
    spaced = "text,category, label\n" + "".join(f'"{text}",x, {label}\n' for text, label in ROWS)
    assert read(tmp_path, spaced).rows == ROWS


def test_a_file_without_a_header_is_told_so(tmp_path: Path) -> None:
    said = refusal(tmp_path, as_csv(ROWS, ()))
    assert "seems to have no header line" in said
    assert "Put text,label above it" in said


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32"])
def test_whatever_a_spreadsheet_writes_is_decoded_and_said(tmp_path: Path, encoding: str) -> None:
    texts = read(tmp_path, as_csv(UMLAUTS).encode(encoding))
    assert texts.rows == UMLAUTS
    assert encoding.upper().split("-SIG")[0][:5] in texts.form.upper() or encoding == "utf-8-sig"


def test_latin_1_is_read_and_an_example_shown(tmp_path: Path) -> None:
    rows = [(f"le café nº {i} est fermé, où êtes-vous allé?", label) for i, (_, label) in enumerate(ROWS)]
    texts = read(tmp_path, as_csv(rows).encode("latin-1"))
    assert texts.rows == rows
    assert "'café'" in texts.warnings[0]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1251", "Сегодня хорошая погода, мы пошли"), ("gb18030", "今天天气很好，我们去公园玩")],
)
def test_other_scripts_are_told_by_statistics(tmp_path: Path, encoding: str, text: str) -> None:
    rows = [(f"{text} {i}", label) for i, (_, label) in enumerate(ROWS)]
    assert read(tmp_path, as_csv(rows).encode(encoding)).rows == rows


@pytest.mark.parametrize("name", ["mine.xlsx", "mine.csv", "mine.json"])
@pytest.mark.parametrize(
    "content",
    [b"PK\x03\x04\x14\0[Content_Types].xml xl/workbook.xml\x94\xff", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"],
)
def test_an_excel_file_is_known_whatever_its_name(tmp_path: Path, content: bytes, name: str) -> None:
    assert "save it as CSV" in refusal(tmp_path, content, name)


def test_json_lines_and_a_json_list_of_rows_are_read(tmp_path: Path) -> None:
    objects = [{"id": i, "text": text, "label": label} for i, (text, label) in enumerate(ROWS)]
    lines = "\n".join(map(json.dumps, objects))
    assert read(tmp_path, lines, "mine.jsonl").rows == ROWS
    assert read(tmp_path, lines, "mine.json").rows == ROWS
    assert read(tmp_path, json.dumps(objects), "mine.json").rows == ROWS
    assert read(tmp_path, gzip.compress(lines.encode()), "mine.jsonl.gz").rows == ROWS
    nested = json.dumps([{"item": {"body": text}, "label": label} for text, label in ROWS])
    assert read(tmp_path, nested, "mine.json", text_field="item.body").rows == ROWS
    numbers = json.dumps([{"text": text, "label": label == "ham"} for text, label in ROWS])
    assert {label for _, label in read(tmp_path, numbers, "mine.json").rows} == {"true", "false"}


def exported(rows: Rows, text: str, control: str, value: Callable[[str], Any]) -> list[dict[str, Any]]:
    """As Label Studio's JSON-MIN has it: the task's data, the id, the controls, and who and when."""
    made = {"annotator": 1, "annotation_id": 5, "created_at": "2026", "updated_at": "2026", "lead_time": 1.5}
    return [{text: t, "id": i, control: value(label), **made} for i, (t, label) in enumerate(rows)]


@pytest.mark.parametrize(
    ("text", "control"), [("text", "sentiment"), ("review", "label"), ("review", "mood")]
)
def test_label_studios_json_min_names_its_controls_itself(tmp_path: Path, text: str, control: str) -> None:
    content = json.dumps(exported(ROWS, text, control, str))
    texts = read(tmp_path, content, "project.json")
    assert texts.rows == ROWS
    assert texts.source == f"fields {text} and {control}"


def test_label_studios_csv_is_read_with_several_choices_and_paths(tmp_path: Path) -> None:
    records = exported(ROWS, "text", "topics", lambda label: json.dumps({"choices": [label, "all"]}))
    for number, record in enumerate(records):
        if number % 2:
            record["topics"] = json.dumps([{"taxonomy": [["animal", "cat"]]}])
    content = io.StringIO()
    writer = csv.DictWriter(content, sorted(records[0]), quoting=csv.QUOTE_NONNUMERIC)
    writer.writeheader()
    writer.writerows(records)
    texts = read(tmp_path, content.getvalue())
    assert texts.source == "columns text and topics"
    assert set(texts.per_class) == {"all + ham", "all + spam", "animal > cat"}


@pytest.mark.parametrize("kind", ["choices", "taxonomy"])
def test_several_choices_and_taxonomies_of_a_json_export_are_classes(tmp_path: Path, kind: str) -> None:
    chosen = [["a"], ["a", "b"], [], ["b"]]
    tasks = []
    for number in range(400):
        values = [each if kind == "choices" else ["root", each] for each in chosen[number % 4]]
        region = {"from_name": "t", "to_name": "x", "type": kind, "value": {kind: values}}
        annotation = {"result": [region] if values else [], "completed_by": 1}
        tasks.append({"id": number, "data": {"text": f"text {number}"}, "annotations": [annotation]})
    texts = read(tmp_path, json.dumps(tasks), "project.json")
    names = {"a", "a + b", "b"} if kind == "choices" else {"root > a", "root > a + root > b", "root > b"}
    assert set(texts.per_class) == {*names, "none of them"}
    assert texts.per_class["none of them"] == 100


def test_a_text_may_be_as_long_as_a_task_may_hold(tmp_path: Path) -> None:
    long = "word " * 36_000
    assert read(tmp_path, as_csv([*ROWS, (long, "ham")])).rows[-1] == (long.strip(), "ham")


def test_rows_that_are_left_out_are_counted_with_the_reason(tmp_path: Path) -> None:
    rows = [*ROWS[:374], *[("", "ham")] * 20, *[(f"unlabelled {i}", " ") for i in range(6)]]
    texts = read(tmp_path, as_csv(rows) + "a, comma,ham\n")
    assert texts.rows == ROWS[:374]
    assert list(texts.dropped.values()) == [1, 20, 6]
    assert [reason.split(" (")[0] for reason in texts.dropped] == [
        "with more fields than the header",
        "without a text",
        "without a label",
    ]
    skipped = [{"data": {"text": f"t{i}"}, "annotations": []} for i in range(7)]
    region = {"from_name": "c", "to_name": "t", "type": "choices"}
    labelled = [
        {"data": {"text": t}, "annotations": [{"result": [{**region, "value": {"choices": [label]}}]}]}
        for t, label in ROWS
    ]
    split = [{**region, "value": {"choices": [label]}} for label in ("ham", "spam")]
    disputed = {"data": {"text": "?"}, "annotations": [{"id": i, "result": [r]} for i, r in enumerate(split)]}
    texts = read(tmp_path, json.dumps([*labelled, *skipped, disputed]), "project.json")
    assert texts.dropped == {"without a label": 7, "on which the annotators disagree": 1}


def test_classes_that_differ_in_capitals_or_stand_alone_are_warned_of(tmp_path: Path) -> None:
    rows = [*ROWS, ("one more", "HAM "), ("another", "HAM"), ("a single one", "eggs")]
    warnings = read(tmp_path, as_csv(rows)).warnings
    assert "differ only in capitals or spaces" in warnings[0]
    assert "HAM (2), ham (300)" in warnings[0]
    assert warnings[1].startswith("eggs (1): a class with one text")
    assert not read(tmp_path, as_csv(ROWS)).warnings


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty: a header line, text,label, and a row for each text are needed"),
        ("\n \n", "is empty"),
        ("text,label\n", "it has a header line and no row below it"),
        ("text\n" + "".join(f"{text}\n" for text, _ in ROWS if "," not in text), "its only column is text"),
        (as_csv([(text, "ham") for text, _ in ROWS]), "all its texts have one label, 'ham'"),
        (
            "text,label\n" + "a,x\nb,x\nc,y\n",
            "with two texts each are needed; it has y (1), x (2)",
        ),
        ("text,label\nx,\n", "no row with both a text and a label (columns text and label): 1 row without"),
        ('[{"text": "x"', "cannot be read as JSON"),
        ("{}", "no list of tasks"),
        ("[" * 100_000, "too many brackets"),
        ("[1, 2]", "no list of tasks"),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_files_name_and_the_reason(
    tmp_path: Path, content: str, said: str
) -> None:
    assert said in refusal(tmp_path, content)


@pytest.mark.parametrize("content", ["text,label\n", gzip.compress(b"text,label\n" * 99, mtime=0)[:-9]])
def test_a_damaged_gz_is_refused(tmp_path: Path, content: str | bytes) -> None:
    assert "cannot be read" in refusal(tmp_path, content, "mine.csv.gz")
