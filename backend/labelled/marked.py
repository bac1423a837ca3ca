"""Texts and the spans marked in them, from a person's files: CoNLL, JSON lines, a Label Studio export."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, repeat
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TypeVar

from backend.controls.base import Answer
from backend.controls.options import Fixed
from backend.controls.sources import Text
from backend.controls.span_answers import Span, answer_of, known_in, spans_in
from backend.controls.spans import Spans
from backend.controls.votes import target_of
from backend.errors import AtlasError
from backend.labelled.decoding import decode_file, storable
from backend.labelled.exported import regions_of, tasks_of
from backend.labelled.things import TEXTS, Things
from backend.labelstudio.export import is_task

T = TypeVar("T")
COLUMNS = (".conll", ".bio", ".iob", ".iob2")
"""How the names of files end that have a token and its tag in each line."""
TAGS = ("tags", "ner_tags", "labels")
SPANS = ("spans", "entities", "label")
"""Names of the lists beside a row's tokens, and beside its text."""
LOOKED_AT = 100
"""Tasks of an export by which the field of the text is found."""


class MarkedText(NamedTuple):
    text: str
    answer: Answer


@dataclass(frozen=True)
class MarkedTexts:
    """rows: distinct texts; labels: of their spans; source: what they were read as; dropped: how many rows
    were left out, by the reason."""

    rows: list[MarkedText]
    labels: tuple[str, ...]
    source: str
    dropped: dict[str, int] = field(default_factory=dict)
    things: ClassVar[Things] = TEXTS
    parts: ClassVar[str] = "spans"

    @property
    def marked(self) -> Iterator[list[str]]:
        """Of each text, the labels of its spans."""
        return ([span.label for span in spans_in(row.answer) if span.label] for row in self.rows)


def load_marked(path: Path, text_field: str | None = None, control: str | None = None) -> MarkedTexts | None:
    """None for a file that holds no spans. Raises AtlasError, naming the file and what to do, for one that
    cannot be read, or in which fewer than two texts have spans."""
    of_values = partial(of_objects, text_field=text_field, control=control)
    return None if path.is_dir() else read_texts(path, of_columns, of_values)


def read_texts(
    path: Path, of_columns: Callable[[str], T], of_values: Callable[[list[Any]], T | None]
) -> T | None:
    """What one of the two makes of a file, by its name's ending; None for what is neither columns nor JSON.

    Raises AtlasError, naming the file.
    """
    try:
        text = decode_file(path).text
        if path.name.removesuffix(".gz").endswith(COLUMNS):
            return of_columns(text)
        values = objects_in(text)
        return None if values is None else of_values(values)
    except AtlasError as error:
        raise AtlasError(f"{path}: {error}") from error


def of_columns(text: str) -> MarkedTexts:
    """Of lines with a token and its tag. Raises AtlasError."""
    rows: Iterable[MarkedText | None] = map(_of_tags, _sentences(text))
    return _distinct(rows, "a token and its tag in each line")


def of_objects(values: list[Any], text_field: str | None, control: str | None) -> MarkedTexts | None:
    """None for what holds no spans. Raises AtlasError."""
    first = next((each for each in values if isinstance(each, dict)), {})
    tags = next((key for key in TAGS if isinstance(first.get(key), list)), None)
    if tags is not None and isinstance(first.get("tokens"), list):
        rows = (_of_tags(_pairs(each, tags)) if isinstance(each, dict) else None for each in values)
        return _distinct(rows, f"JSON with tokens and {tags}")
    spans = next((key for key in SPANS if isinstance(first.get(key), list)), None)
    text = text_field or "text"
    if spans is not None and isinstance(first.get(text), str):
        return _distinct((_of_spans(each, text, spans) for each in values), f"JSON with {text} and {spans}")
    return _of_export(values, text_field, control) if any(map(is_task, values)) else None


def _of_export(values: list[Any], text_field: str | None, control: str | None) -> MarkedTexts | None:
    """None where the control that is asked for, or any, is answered by something else than spans."""
    tasks = tasks_of(values)
    regions = list(regions_of(tasks))
    marked = [each for each in regions if _label_of(each) is not None]
    asked = [each for each in regions if control in (None, each.get("from_name"))]
    if not marked or any(_label_of(each) is None for each in asked if "value" in each):
        return None
    name = control or str(marked[0].get("from_name"))
    labels = dict.fromkeys(str(_label_of(each)) for each in marked if each.get("from_name") == name)
    field_name = text_field or text_field_of(tasks)
    spans = Spans(
        from_name=name,
        to_name=str(marked[0].get("to_name")),
        source=Text(field_name),
        tag="Labels",
        options=Fixed(tuple((label,) for label in labels)),
        classes=tuple(labels),
    )
    unreadable = repeat(None, len(values) - len(tasks))
    rows = chain((_of_task(each, spans) for each in tasks), unreadable)
    return _distinct(rows, f"Label Studio's export, control {name}")


def _of_task(task: dict[str, Any], control: Spans) -> MarkedText | None:
    text = control.source.content(task["data"])
    answer = target_of(task["annotations"], control, text)
    return None if answer is None or not text else MarkedText(text, answer)


def _label_of(region: dict[str, Any]) -> Any:
    value = region.get("value", {})
    labels = value.get("labels") if isinstance(value.get("start"), int) else None
    return labels[0] if isinstance(labels, list) and labels else None


def text_field_of(tasks: Sequence[dict[str, Any]]) -> str:
    """Of an export's tasks, one at least, the field of their data that is the text. Raises AtlasError, if
    that is open."""
    shown = (task["data"] for task in tasks[:LOOKED_AT])
    texts = list(dict.fromkeys(key for data in shown for key in data if isinstance(data[key], str)))
    if "text" in texts:
        return "text"
    if len(texts) != 1:
        raise AtlasError(f"which field is the text? --text-field may be: {', '.join(texts) or 'none'}")
    return texts[0]


def objects_in(text: str) -> list[Any] | None:
    """Of a JSON list or of JSON lines; None for what is neither."""
    start = text.lstrip()[:1]
    try:
        if start == "[":
            return list(json.loads(text))
        return [json.loads(line) for line in text.splitlines() if line.strip()] if start == "{" else None
    except (ValueError, RecursionError):
        return None


def _sentences(text: str) -> Iterator[list[tuple[str, str]]]:
    """By empty lines; of each line the first and the last column."""
    rows: list[tuple[str, str]] = []
    for line in [*text.splitlines(), ""]:
        columns = line.split()
        if columns and columns[0] != "-DOCSTART-":
            rows.append((columns[0], columns[-1] if len(columns) > 1 else "O"))
        elif rows:
            yield rows
            rows = []


def _pairs(row: dict[str, Any], tags: str) -> list[tuple[str, str]]:
    tokens, given = row.get("tokens"), row.get(tags)
    if not isinstance(tokens, list) or not isinstance(given, list) or len(tokens) != len(given):
        return []
    return [(str(token), str(tag)) for token, tag in zip(tokens, given, strict=True)]


def _of_tags(tagged: Sequence[tuple[str, str]]) -> MarkedText | None:
    """Tokens joined by spaces. Tags are BIO, IOB or BIOES, such as B-PER; an I begins a span where none of
    its label goes on."""
    if not tagged:
        return None
    spans: list[Span] = []
    at, going = 0, ""
    for token, tag in tagged:
        mark, _, label = tag.partition("-")
        if label and (mark in ("B", "S", "U") or label != going):
            spans.append(Span(at, at + len(token), label))
        elif label:
            spans[-1] = spans[-1]._replace(end=at + len(token))
        going = "" if mark in ("E", "L", "S", "U") else label
        at += len(token) + 1
    return MarkedText(" ".join(token for token, _ in tagged), answer_of(spans))


def _of_spans(row: Any, text: str, key: str) -> MarkedText | None:
    content = row.get(text) if isinstance(row, dict) else None
    if not isinstance(content, str) or not content:
        return None
    given = row.get(key) or []
    spans = [_span(each) for each in given] if isinstance(given, list) else [None]
    return None if None in spans else MarkedText(content, answer_of(each for each in spans if each))


def _span(given: Any) -> Span | None:
    if isinstance(given, dict):
        label = next((given[key] for key in ("label", "type", "tag") if key in given), None)
        given = [given.get("start"), given.get("end"), label]
    fits = isinstance(given, list) and len(given) == 3 and all(type(each) is int for each in given[:2])
    return Span(given[0], given[1], str(given[2])) if fits else None


def _distinct(rows: Iterable[MarkedText | None], source: str) -> MarkedTexts:
    """Each text once, with what was marked in it first."""
    found: dict[str, MarkedText] = {}
    dropped = 0
    for row in rows:
        if row is None:
            dropped += 1
        else:
            clean = MarkedText(storable(row.text), storable(row.answer))
            found.setdefault(clean.text, clean)
    labels = sorted({str(span.label) for row in found.values() for span in known_in(row.answer)})
    marked = sum(bool(known_in(row.answer)) for row in found.values())
    if marked < 2:
        raise AtlasError(f"spans in two texts at least are needed; it has {marked} ({source})")
    left_out = {"that cannot be read, or without an answer": dropped} if dropped else {}
    return MarkedTexts(list(found.values()), tuple(labels), source, left_out)
