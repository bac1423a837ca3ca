"""Spans in a real Label Studio's editor, in a browser: they count the characters that we count, are shown
where they were predicted to be, and come back the same when they are submitted unchanged."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from backend.controls.regions import NOTHING
from backend.controls.sources import BETWEEN, PageText
from backend.controls.span_answers import known_in
from backend.controls.spans import Spans
from backend.controls.tags import read_tags
from backend.demo.label_studio import LabelStudioServer
from tests.browser import Browser
from tests.e2e.editor import DRAWN, OPENED, REGIONS, open_task, submit
from tests.e2e.published import control_of, made, publish_answers
from tests.unit.test_dom import PAGES

LABELS = '<Label value="PER"/><Label value="place" alias="LOC"/>'
GRIN, FAMILY = "\N{GRINNING FACE}", "\U0001f468\u200d\U0001f469\u200d\U0001f467"
TEXT = f"{GRIN} Bob &amp; <b>Eve</b>\r\nin {FAMILY}  Rome\n\nfamı\u0301ly Bob"
PAGE = (
    f"<html><body><p>{GRIN} Bob &amp; <b>Ev</b>e<br>in</p>\r\n<p>{FAMILY} Rome &lt;&nbsp;Bob&gt;</p>"
    "<table><tr><td>Bob</td><td>Rome</td></tr></table></body></html>"
)
TALK = [
    {"author": "a", "text": f"{GRIN} Bob &amp; Eve"},
    {"author": "b", "text": f"in {FAMILY} Rome?\nYes"},
    {"author": "a", "text": "Bob"},
]
CONFIGS = {
    "text": ('<Text name="t" value="$x"/>', "Labels", TEXT),
    "page": ('<HyperText name="t" value="$x"/>', "HyperTextLabels", PAGE),
    "labels of a page": ('<HyperText name="t" value="$x"/>', "Labels", PAGE),
    "page within": ('<HyperText name="t" value="$x" inline="true"/>', "HyperTextLabels", PAGE),
    "dialogue": ('<Paragraphs name="t" value="$x"/>', "ParagraphLabels", TALK),
    "sorted dialogue": (
        '<Paragraphs name="t" value="$x" contextScroll="true"/>',
        "ParagraphLabels",
        [{**each, "start": start} for each, start in zip(TALK, (7, 2.5, 0), strict=True)],
    ),
}
"""With contextScroll the editor sorts a dialogue by time, and counts it as it is sorted."""
MARKED = (
    "const pages = [...document.querySelectorAll('iframe')].map(each => each.contentDocument);"
    "const all = [document, ...pages.filter(Boolean)];"
    "const spans = all.flatMap(page => [...page.querySelectorAll('.htx-highlight')]);"
    "return spans.map(each => each.textContent).join('').replace(/\\s/g, '')"
)
"""The characters that are highlighted, those of spans within each other once."""
SHOWN_TEXTS = """
const frames = [...document.querySelectorAll('iframe')].map(each => each.contentDocument);
const within = [...document.querySelectorAll('.lsf-richtext__container')];
const all = arguments[0] ? within : frames.filter(Boolean).map(each => each.body);
const objects = window.Htx && Htx.annotationStore.selected ? Htx.annotationStore.selected.objects : [];
if (!objects.length || !objects.every(each => each.isReady)) return null;
return all.map(whole => {
  const nodes = whole.ownerDocument.createTreeWalker(whole, NodeFilter.SHOW_ALL);
  let text = '';
  while (nodes.nextNode()) {
    const node = nodes.currentNode;
    text += node.nodeType === Node.TEXT_NODE ? node.data : node.nodeName === 'BR' ? '\\n' : '';
  }
  return text;
})
"""


def answers_about(content: str) -> list[str]:
    """Each name by itself, all at once with a span around them, over line breaks and utterances, and none."""
    names = []
    for name, label in (("Bob", "PER"), ("Eve", "PER"), ("Rome", "LOC"), (GRIN, "LOC"), (FAMILY, "PER")):
        at = content.find(name)
        while at >= 0:
            names.append([at, at + len(name), label])
            at = content.find(name, at + 1)
    first, second = sorted((content.index("Bob"), content.index("Rome")))
    around = [first, second + 4, "LOC"]
    overlapping = [*sorted((content.index("Eve"), content.index("Rome") + 2)), "PER"]
    whole = [0, len(content), "PER"]
    return [
        json.dumps(sorted(names), ensure_ascii=False),
        json.dumps(sorted([*names, around, overlapping]), ensure_ascii=False),
        json.dumps([whole]),
        NOTHING,
    ]


def marked_in(content: str, answer: str) -> str:
    """What `MARKED` gives for spans within and over each other, whatever is around."""
    inside = {at for span in known_in(answer) for at in range(span.start, span.end)}
    return "".join("".join(content[at] for at in sorted(inside) if content[at] != BETWEEN).split())


@pytest.mark.parametrize("name", CONFIGS)
def test_spans_are_shown_where_they_were_predicted_and_come_back_the_same(
    label_studio: LabelStudioServer, chromium: Browser, name: str
) -> None:
    looked_at, kind, shown = CONFIGS[name]
    xml = f'<View><{kind} name="c" toName="t">{LABELS}</{kind}>{looked_at}</View>'
    control = control_of(Spans, xml)
    content = control.source.content({"x": shown})
    answers = answers_about(content)
    project, tasks = made(label_studio.admin.http, "spans", xml, [{"x": shown}] * len(answers))
    publish_answers(label_studio, project, control, dict(zip(tasks, answers, strict=True)), content)
    for task, answer in zip(tasks, answers, strict=True):
        open_task(chromium, label_studio, project, task)
        chromium.wait(OPENED, task)
        chromium.wait(REGIONS, len(known_in(answer)))
        if answer != NOTHING:
            chromium.wait(f"{MARKED} || null")
        assert set(chromium.run(MARKED)) == set(marked_in(content, answer))
        result = submit(chromium, label_studio, task)
        assert control.read(result, content) == answer
        assert all(region["origin"] == "prediction" for region in result)


@pytest.mark.parametrize("name", CONFIGS)
def test_spans_that_are_drawn_are_read_where_they_were_drawn(
    label_studio: LabelStudioServer, chromium: Browser, name: str
) -> None:
    looked_at, kind, shown = CONFIGS[name]
    xml = f'<View><{kind} name="c" toName="t">{LABELS}</{kind}>{looked_at}</View>'
    control = control_of(Spans, xml)
    content = control.source.content({"x": shown})
    project, (task,) = made(label_studio.admin.http, "spans", xml, [{"x": shown}])
    open_task(chromium, label_studio, project, task)
    chromium.wait(OPENED, task)
    expected: list[list[Any]] = []
    for word in ("Bob", "Rome"):
        for number, found in enumerate(re.finditer(word, content)):
            expected.append([*found.span(), "PER"])
            chromium.run("window.drawn = 0")
            chromium.wait(DRAWN, word, number, len(expected))
    result = submit(chromium, label_studio, task)
    assert control.read(result, content) == json.dumps(sorted(expected))
    assert all(region["origin"] == "manual" for region in result)


@pytest.mark.parametrize("inline", [True, False], ids=["within", "alone"])
def test_a_page_has_the_text_that_we_count_in(
    label_studio: LabelStudioServer, chromium: Browser, inline: bool
) -> None:
    shown = {f"x{i}": html for i, (html, *_) in enumerate(PAGES)}
    pages = "".join(f'<HyperText name="{x}" value="${x}" inline="{str(inline).lower()}"/>' for x in shown)
    xml = f'<View>{pages}<HyperTextLabels name="c" toName="x0">{LABELS}</HyperTextLabels></View>'
    sources = {name: PageText.parse(tag) for name, tag in read_tags(xml).objects.items()}
    project, (task,) = made(label_studio.admin.http, "spans", xml, [shown])
    open_task(chromium, label_studio, project, task)
    found = chromium.wait(SHOWN_TEXTS, inline)
    assert dict(zip(shown, found, strict=True)) == {x: sources[x].content(shown) for x in shown}
