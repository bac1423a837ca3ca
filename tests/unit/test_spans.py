"""Spans as Label Studio counts them, and what several annotators' spans come to."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch

from backend.controls.config import parse_label_config
from backend.controls.joined import source_of
from backend.controls.sources import PageText, Paragraphs, Utterances, source_from_json
from backend.controls.span_answers import Span, answer_of, settled_spans, spans_in
from backend.controls.spans import Spans
from backend.controls.tags import read_tags
from backend.controls.unlearned import not_learned
from backend.controls.votes import Vote, consensus
from backend.encoders.word_marks import word_marks
from backend.errors import LabelConfigError

GRIN, FAMILY = "\N{GRINNING FACE}", "\U0001f468\u200d\U0001f469\u200d\U0001f467"
LABELS = '<Label value="PER"/><Label value="LOC"/>'
TEXT, PAGE, TALK = (f'<{kind} name="t" value="$x"/>' for kind in ("Text", "HyperText", "Paragraphs"))


def spans(looked_at: str = TEXT, kind: str = "Labels", labels: str = LABELS, more: str = "") -> Spans:
    tags = read_tags(f'<View>{looked_at}<{kind} name="c" toName="t" {more}>{labels}</{kind}></View>')
    (tag,) = tags.controls
    found = Spans.parse(tag, source_of(tag, [tags.objects["t"]], Spans.sources))
    assert isinstance(found, Spans)
    return found


def region(kind: str, *labels: Any, **value: Any) -> dict[str, Any]:
    return {"from_name": "c", "to_name": "t", "type": kind, "value": {**value, kind: list(labels)}}


def read(control: Spans, shown: Any, *regions: dict[str, Any]) -> list[tuple[str, str | None]] | None:
    """What each span's characters are, and its label."""
    content = control.source.content({"x": shown})
    answer = control.read(list(regions), content)
    return answer and [(content[span.start : span.end], span.label) for span in spans_in(answer)]


@pytest.mark.parametrize(
    ("shown", "start", "end", "said"),
    [
        (f"{GRIN} Bob", 2, 5, "Bob"),
        (f"{FAMILY} Bob", 6, 9, "Bob"),
        ("a &amp; Bob", 8, 11, "Bob"),
        ("a\r\nBob", 3, 6, "Bob"),
        ("<b>Bob</b>", 3, 6, "Bob"),
        ("Bob", 0, 99, "Bob"),
    ],
)
def test_a_text_is_counted_in_code_points_as_it_is_written(
    shown: str, start: int, end: int, said: str
) -> None:
    """Whatever the region says that its text is."""
    told = region("labels", "PER", start=start, end=end, text="XXX")
    assert read(spans(), shown, told) == [(said, "PER")]


@pytest.mark.parametrize(
    ("shown", "start", "end", "said"),
    [
        (f"<p>{GRIN} Bob</p>", 2, 5, "Bob"),
        ("<p>a &amp; Bob</p>", 4, 7, "Bob"),
        ("<p>a<br>Bob</p>", 2, 5, "Bob"),
        ("<p>a</p>\r\n<p>Bob</p>", 2, 5, "Bob"),
        ("<!-- x --><script>y</script><p>a  <b>B</b>ob</p>", 3, 6, "Bob"),
    ],
)
def test_a_page_is_counted_in_code_points_of_its_text(shown: str, start: int, end: int, said: str) -> None:
    """XPaths, which count in other units, have no say."""
    astray = {"start": "/p[1]/text()[1]", "end": "/p[1]/text()[1]", "startOffset": 0, "endOffset": 1}
    told = region("labels", "PER", globalOffsets={"start": start, "end": end}, **astray)
    assert read(spans(PAGE), shown, told) == [(said, "PER")]
    assert read(spans(PAGE), shown, region("labels", "PER", **astray)) is None


@pytest.mark.parametrize(
    ("first", "start", "last", "end", "said"),
    [
        ("0", 3, "0", 6, "Bob"),
        ("1", 0, "1", 3, "Eve"),
        ("0", 3, "1", 3, "Bob\u2029Eve"),
        (0, 3, 0, 6, "Bob"),
        ("0", 0, "0", 1, None),
        ("2", 0, "2", 1, None),
        ("0", 3, "0", 7, None),
        ("1", 3, "0", 3, None),
        ("x", 3, "0", 6, None),
    ],
)
def test_utterances_are_counted_in_utf_16(
    first: Any, start: int, last: Any, end: int, said: str | None
) -> None:
    """By number, as text. Half a character is none."""
    told = region("paragraphlabels", "PER", start=first, end=last, startOffset=start, endOffset=end)
    shown = [{"text": f"{GRIN} Bob"}, {"text": "Eve"}]
    assert read(spans(TALK, "ParagraphLabels"), shown, told) == (None if said is None else [(said, "PER")])


def test_nothing_is_read_of_an_annotation_with_a_span_that_is_nowhere() -> None:
    """It is not known then what is there: neither that there is nothing, nor what the others leave."""
    fine, nowhere = region("labels", "PER", start=0, end=3), region("labels", "PER")
    assert read(spans(), "Bob", fine) == [("Bob", "PER")]
    assert read(spans(), "Bob", fine, nowhere) is None
    assert read(spans(), "Bob", nowhere) is None
    assert read(spans(), "Bob", region("labels", "PER", start=3, end=5)) is None


def test_of_a_span_whose_label_is_gone_it_is_not_known_what_is_there() -> None:
    fine, gone = region("labels", "PER", start=0, end=3), region("labels", "old", start=4, end=7)
    assert read(spans(), "Bob Eve", fine, gone) == [("Bob", "PER"), ("Eve", None)]
    assert read(spans(), "Bob Eve", gone) is None
    assert spans().labels_in('[[0, 3, "PER"], [4, 7, null]]') == ["PER"]
    assert spans().regions_of("[[4, 7, null]]", [], "Bob Eve") == []


def test_spans_within_each_other_and_with_several_labels_are_read() -> None:
    outer, inner = region("labels", "LOC", "PER", start=0, end=7), region("labels", "PER", start=0, end=3)
    assert read(spans(), "Bob Eve", outer, inner) == [("Bob", "PER"), ("Bob Eve", "LOC"), ("Bob Eve", "PER")]


TEN_WORDS = "one two three four five six seven eight nine ten"


def tagged(control: Spans, answer: str, text: str = TEN_WORDS) -> list[int]:
    return control.targets(answer, torch.tensor(word_marks(text))).tolist()


@pytest.mark.parametrize(
    ("said", "tags"),
    [
        ([], [0] * 10),
        ([["two three", "PER"]], [0, 1, 2, 0, 0, 0, 0, 0, 0, 0]),
        ([["one", "LOC"], ["two three", "PER"], ["ten", "PER"]], [3, 1, 2, 0, 0, 0, 0, 0, 0, 1]),
        ([["two three four", "PER"], ["three", "LOC"]], [0, 1, 2, 2, 0, 0, 0, 0, 0, 0]),
        ([["two three", "PER"], ["three four five", "LOC"]], [0, -100, 3, 4, 4, 0, 0, 0, 0, 0]),
        ([["two", None], ["six seven", "PER"]], [0, -100, 0, 0, 0, 1, 2, 0, 0, 0]),
        ([["six seven eight", None], ["seven", "PER"]], [0, 0, 0, 0, 0, -100, 1, -100, 0, 0]),
        ([["eve", "PER"], ["ight nine", "LOC"]], [0, 0, 0, 0, 0, 0, 1, 3, 4, 0]),
        ([["th", "PER"]], [0, 0, -100, 0, 0, 0, 0, 0, 0, 0]),
        ([["two", "unheard of"]], [0, -100, 0, 0, 0, 0, 0, 0, 0, 0]),
    ],
)
def test_words_are_tagged_by_the_longest_span_and_nothing_is_said_of_what_is_not_known(
    said: list[Any], tags: list[int]
) -> None:
    """A word is in the span that has most of it; of one that has less of it nothing is said."""
    places = [(TEN_WORDS.index(words), len(words), label) for words, label in said]
    answer = answer_of(Span(start, start + length, label) for start, length, label in places)
    assert tagged(spans(), answer) == tags


def test_tags_say_what_the_annotator_said() -> None:
    marks = torch.tensor(word_marks(TEN_WORDS))
    answer = answer_of([Span(0, 7, "PER"), Span(8, 13, "PER"), Span(14, 18, "LOC")])
    assert spans().spans_from(spans().targets(answer, marks), marks) == answer
    assert spans().spans_from(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 2, dtype=torch.int64)) == "[]"
    assert tagged(spans(), "[]", "") == []


def votes(*said: list[list[Any]]) -> list[Vote]:
    return [Vote(str(i), json.dumps(each)) for i, each in enumerate(said)]


BOB, EVE, BOTH = [0, 3, "PER"], [4, 7, "PER"], [0, 7, "PER"]


@pytest.mark.parametrize(
    ("said", "settled"),
    [
        ([[BOB], [BOB]], [BOB]),
        ([[BOB], []], [[0, 3, None]]),
        ([[BOB, EVE], [BOB]], [BOB, [4, 7, None]]),
        ([[BOB], [BOB], []], [BOB]),
        ([[BOB], [], []], []),
        ([[BOB, EVE], [BOTH]], [[0, 3, None], [0, 7, None], [4, 7, None]]),
        ([[BOB], [[0, 3, "LOC"]]], [[0, 3, None]]),
        ([[BOB], [BOB], [BOTH]], [BOB, [0, 7, None]]),
        ([[], []], []),
    ],
)
def test_of_what_annotators_disagree_on_nothing_is_known(said: list[Any], settled: list[Any]) -> None:
    """The rest of the text is learned from."""
    assert json.loads(spans().settled(votes(*said)) or "") == settled


def test_whom_the_others_agree_with_has_more_weight() -> None:
    """The two who always agree outdo the one who never does, also where they are one to one."""
    control = spans()
    together = {task: votes([BOB], [BOB], [EVE]) for task in range(9)}
    disputed = {99: [Vote("0", answer_of([Span(*BOB)])), Vote("2", answer_of([Span(*EVE)]))]}
    settled = consensus({**together, **disputed}, control.agreement, control.settled)
    assert settled[99] == answer_of([Span(*BOB)])
    assert settled_spans(disputed[99], {}) == "[[0, 3, null], [4, 7, null]]"


def test_agreement_is_f1_and_what_is_not_known_does_not_count() -> None:
    control = spans()
    both, bob, unknown = json.dumps([BOB, EVE]), json.dumps([BOB]), json.dumps([BOB, [4, 7, None]])
    assert control.agreement(both, bob) == pytest.approx(2 / 3)
    assert control.agreement(both, unknown) == control.agreement(unknown, both) == 1
    assert control.agreement(bob, json.dumps([[0, 3, "LOC"]])) == 0


def test_entities_are_scored_over_all_items() -> None:
    scored = spans().score([json.dumps([BOB, EVE]), "[]"], [json.dumps([BOB]), json.dumps([EVE])])
    assert scored == {"f1": 0.5, "precision": 0.5, "recall": 0.5}
    assert next(iter(scored)) == "f1"


@pytest.mark.parametrize(
    ("looked_at", "labels", "more", "problem"),
    [
        (TEXT, "", "", "no label.*Add a <Label>"),
        (TEXT, '<Label value="$x"/>', "", 'no label.*"\\$x" is another text in each task'),
        ('<Text name="t" value="$x" valueType="url"/>', LABELS, "", "valueType"),
    ],
)
def test_what_cannot_be_learned_is_refused_with_what_to_change(
    looked_at: str, labels: str, more: str, problem: str
) -> None:
    with pytest.raises(LabelConfigError, match=problem):
        spans(looked_at, labels=labels, more=more)


CHOICES = '<Choices name="w" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'


@pytest.mark.parametrize(
    ("looked_at", "preferred", "learned"),
    [
        (TEXT, None, ["w", "c"]),
        (TEXT, "c", ["c", "w"]),
        (PAGE, None, ["w"]),
        (PAGE, "c", ["c", "w"]),
        (TALK, None, ["w"]),
        (TALK, "c", ["c", "w"]),
    ],
)
def test_a_text_and_its_parts_are_learned_together(
    looked_at: str, preferred: str | None, learned: list[str]
) -> None:
    """A project that has its choices learned goes on with them. They can be read off the characters that
    spans count; spans cannot be told from the words alone that choices were learned from."""
    xml = f'<View>{looked_at}<Labels name="c" toName="t">{LABELS}</Labels>{CHOICES}</View>'
    scheme = parse_label_config(xml, preferred)
    assert [control.from_name for control in scheme.controls] == learned
    assert {control.source for control in scheme.controls} == {scheme.source}
    (told,) = not_learned(xml, preferred) or [None]
    assert (told is None) == (len(learned) == 2)
    assert told is None or "QUEUE_CONTROL=c" in told


def test_aliases_and_labels_of_the_tasks_are_known() -> None:
    assert spans(labels='<Label value="person" alias="PER"/><Label value="LOC"/>').classes == ("PER", "LOC")
    control = spans(labels="", more='value="$labels"')
    assert control.classes == ()
    assert control.with_classes(['[[0, 1, "x"]]', '[[2, 3, "a"], [4, 5, null]]']).classes == ("a", "x")
    assert control.offered({"labels": [{"value": "x"}, {"value": "y", "alias": "z"}]}) == ["x", "z"]


def test_the_characters_of_a_text_are_a_source_of_their_own() -> None:
    """What is learned of the whole of a page or a dialogue reads it as it did before."""
    for made, about in (
        (PageText("a"), "a HyperText text by character"),
        (PageText("a", "base64", True), "a HyperText text base64 by character inline"),
        (Utterances("a", "said"), "a Paragraphs said by character"),
        (Utterances("a", by_time=True), "a Paragraphs text by character by time"),
    ):
        assert source_from_json(json.loads(json.dumps(made.as_json()))) == made
        assert made.about == about
    told = {"a": [{"text": "x\u2029y"}, {"text": None}, "z"]}
    assert Utterances("a").content(told) == "x y\u2029\u2029z"
    assert Paragraphs("a").content(told) == "x\u2029y\n\nz"
    assert Utterances("a").content({"a": "no list"}) == ""
    assert spans(PAGE).source == PageText("x")
    within = spans('<HyperText name="t" value="$x" inline="true"/>')
    assert within.source == PageText("x", inline=True)
