"""Spans of pages and of dialogues are learned as those of texts are, beside what is asked about the whole."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.controls.config import parse_label_config
from backend.controls.spans import Spans
from tests.fakes.loop import Loop
from tests.fakes.rows import Json
from tests.unit.span_scenes import COUNT, PEOPLE, PLACES, text_of

GRIN = "\N{GRINNING FACE}"
LABELS = '<Label value="PER"/><Label value="LOC"/>'
CHOICES = '<Choices name="whole" toName="t"><Choice value="day"/><Choice value="night"/></Choices>'


def page(text: str) -> str:
    return f"<p>{GRIN} &lt;</p>\r\n<p>{text.replace(' has ', '<br><b>has</b> ')}</p>"


def talk(text: str) -> list[Json]:
    said, _, answer = text.partition(" has ")
    return [{"author": "a", "text": f"{GRIN} {said}"}, {"author": "b", "text": f"{GRIN} has {answer}"}]


KINDS = {
    "page": ("HyperText", "HyperTextLabels", page),
    "dialogue": ("Paragraphs", "ParagraphLabels", talk),
}


def right(content: str) -> str:
    found = [(content.find(word), word, label) for label in ("PER", "LOC") for word in named(label)]
    spans = [[at, at + len(word), label] for at, word, label in sorted(found) if at >= 0]
    return json.dumps(spans)


def named(label: str) -> list[str]:
    return PEOPLE if label == "PER" else PLACES


def told(content: str, control: Spans, result: list[Json]) -> set[tuple[str, str]]:
    """What is marked, where Label Studio would show it."""
    answer = control.read(result, content)
    assert answer is not None
    return {(content[start:end], label) for start, end, label in json.loads(answer)}


@pytest.mark.parametrize("kind", KINDS)
def test_spans_are_learned_and_shown_where_they_are(loop: Loop, kind: str) -> None:
    looked_at, asked, written = KINDS[kind]
    spans = f'<{asked} name="label" toName="t">{LABELS}</{asked}>'
    xml = f'<View><{looked_at} name="t" value="$x"/>{spans}{CHOICES}</View>'
    loop.set(encoder="lsa", queue_head=100, show_guess_from=0.4, queue_control="label")
    rows: list[Any] = [{"x": written(text_of(i))} for i in range(COUNT)]
    project = loop.fake.create(rows, label_config=xml)
    scheme = parse_label_config(xml, "label")
    control, whole = scheme.controls
    assert isinstance(control, Spans)
    contents = {task: scheme.text_of(each["data"]) for task, each in project.tasks.items()}
    for task in list(project.tasks)[:20]:
        answer = right(contents[task])
        regions = control.regions(answer, 1.0, contents[task])
        choice = "day" if "gone" in contents[task] else "night"
        loop.fake.annotate(project.id, task, [*regions, *whole.regions(choice, 1.0)])
        loop.state(project).note_changes(1)
    done = loop.retrain(project)
    assert done["labels"].keys() == {"PER", "LOC"}
    hits = expected = wholes = 0
    for each in project.predictions:
        if each["model_version"] != done["model_version"]:
            continue
        content = contents[each["task"]]
        marked = told(content, control, [*each["result"]])
        truth = told(content, control, control.regions(right(content), 1.0, content))
        hits, expected = hits + len(marked & truth), expected + len(truth)
        wholes += any(region["from_name"] == "whole" for region in each["result"])
    assert hits > expected / 2
    assert wholes > 0
