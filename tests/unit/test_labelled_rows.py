"""A file's rows: those with a text and a label teach, those without a label wait, the rest is counted."""

from __future__ import annotations

import json

import pytest

from backend.errors import AtlasError
from backend.labelled.decoding import Decoded
from backend.labelled.rows import Rows, Waiting, read_rows

REGION = {"from_name": "mood", "to_name": "text", "type": "choices"}


def rows(text: str, encoding: str = "UTF-8", guessed: bool = False, **options: object) -> Rows:
    given = {"text_field": None, "control": None, **options}
    return read_rows(Decoded(text, encoding, guessed), **given)  # type: ignore[arg-type]


def task(number: int, text: str, label: str | None) -> dict[str, object]:
    result = [] if label is None else [{**REGION, "value": {"choices": [label]}}]
    return {"id": number, "data": {"text": text, "source": "forum"}, "annotations": [{"result": result}]}


def test_rows_are_cut_numbered_and_counted() -> None:
    read = rows('text,label\n one ,x\ntwo,\n,y\n , \nthree," y "\n,\n')
    assert read.labelled == [("one", "x"), ("three", "y")]
    assert read.waiting == [Waiting(2, "two")]
    assert read.dropped == {"without a text": 1}
    assert (read.source, read.form, read.places) == (
        "columns text and label",
        "separated by commas",
        "row",
    )


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ('[{"text": "a", "label": "x"}, {"text": "b"}]', "JSON"),
        ('{"text": "a", "label": "x"}\n{"text": "b", "label": null}\n', "JSON"),
        ('\n  [{"text": "a", "label": ["x"]}, {"text": "b", "label": []}]', "JSON"),
        ("text,label\na,x\nb,\n", "separated by commas"),
        ('[text],label\n"a",x\nb,\n', "separated by commas"),
        ("{text};label\na;x\nb;\n", "separated by semicolons"),
    ],
)
def test_a_form_is_told_by_what_is_in_the_file(text: str, form: str) -> None:
    """A CSV whose first name begins with a bracket is none of JSON, but for an object's."""
    named = text.split(",")[0].split(";")[0]
    field = named if named in ("[text]", "{text}") else None
    if field == "{text}":
        with pytest.raises(AtlasError, match="it cannot be read as JSON"):
            rows(text, text_field=field)
        return
    read = rows(text, text_field=field)
    assert read.labelled == [("a", "x")]
    assert [each.text for each in read.waiting] == ["b"]
    assert read.form == form


def test_an_export_keeps_its_tasks_numbers_and_fields() -> None:
    read = rows(json.dumps([task(7, "a", "x"), task(9, "b", None)]), fields=("source", "gone"))
    assert read.labelled == [("a", "x")]
    assert read.waiting == [Waiting(9, "b")]
    assert (read.source, read.form, read.places) == (
        "field text, control mood",
        "JSON export",
        "task",
    )
    assert read.fields == {"a": {"source": "forum"}, "b": {"source": "forum"}}


def test_fields_are_those_of_the_first_row_with_a_text() -> None:
    read = rows(
        "text,label,source\na,x,forum\na,y,mail\nb,,mail\n,x,letter\nc,x,\n", fields=("source", "none")
    )
    assert read.fields == {"a": {"source": "forum"}, "b": {"source": "mail"}, "c": {}}


REFUSED = [
    ('[{"text": "a"', "it cannot be read as JSON"),
    ('{"text": "a", }', "it cannot be read as JSON"),
    ("[]", "it is JSON, but no list of tasks and no objects with a text and a label each"),
    ("[{}]", "it is JSON, but no list of tasks"),
    ('["a", "b"]', "it is JSON, but no list of tasks"),
    ('[{"text": "a"}, 1]', "it is JSON, but no list of tasks"),
    ('{"text": "a"}\n[1]\n', "it is JSON, but no list of tasks"),
    ("[" * 100_000, "it is JSON with too many brackets within brackets"),
    ('{"text": "a", "label": "x"}\n' + '{"a":' * 100_000, "too many brackets within brackets"),
    (f'[{{"text": {"9" * 5_000}}}]', "it cannot be read as JSON"),
    ("text,label\n", "it has a header line and no row below it"),
    ("text,label\n,\n", "it has a header line and no row below it"),
]


@pytest.mark.parametrize(("text", "said"), REFUSED, ids=[text[:20] for text, _ in REFUSED])
def test_what_holds_no_rows_is_refused(text: str, said: str) -> None:
    with pytest.raises(AtlasError) as refused:
        rows(text)
    assert said in str(refused.value)


def test_without_labels_the_columns_that_may_hold_them_are_named() -> None:
    read = rows("text,a,b,c,d,e,f,g\none,1,2,3,4,5,6,7\n", label_needed=False)
    assert read.labelled == []
    (warning,) = read.warnings
    assert "if one of a, b, c, d, e and 2 more holds labels, name it with --control" in warning
    assert rows("text\none\n", label_needed=False).warnings == []
    with pytest.raises(AtlasError, match="--control"):
        rows("text,a\none,1\n", label_needed=False, control="b")
    assert rows("text,a\none,1\n", label_needed=False, control="b", control_needed=False).waiting == [
        Waiting(1, "one")
    ]


def test_a_guessed_encoding_is_told_with_a_word_to_look_at() -> None:
    read = rows("text,label\nGrüße,x\nandere,y\n", "cp1252", guessed=True)
    assert read.form == "cp1252, separated by commas"
    assert "it is read as cp1252, such as 'Grüße,x': if that looks wrong" in read.warnings[0]
    assert rows("text,label\nplain,x\n", "UTF-16", guessed=True).warnings[0].count("such as ''") == 1
    assert rows("text,label\nGrüße,x\n", "UTF-16").warnings == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("\ud800half", "x\udc00"),
        ("a\x00b", "\x1b[31m"),
        ("<script>alert(1)</script>", '"><img src=x>'),
        ("\u202ecba", "\u2066x"),
        ("=1+1", "@x"),
        ("9" * 5_000, "-" * 5_000),
    ],
)
def test_hostile_texts_are_kept_but_for_halves_of_letters(text: str, label: str) -> None:
    read = rows(json.dumps([{"text": text, "label": label}]))
    expected = tuple(value.encode("utf-8", "replace").decode() for value in (text, label))
    assert read.labelled == [expected]
    assert "\ud800" not in "".join(expected)


def test_misshapen_rows_are_counted_with_what_to_do() -> None:
    read = rows("text,label\na, b,x\nc,y\n")
    assert read.labelled == [("c", "y")]
    (reason,) = read.dropped
    assert "a separator within a text needs quotes around it" in reason
