"""What Label Studio shows of a task is what is read of it."""

from __future__ import annotations

import json
import time
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backend.controls.config import parse_label_config
from backend.controls.content import ENCODINGS, field_of
from backend.controls.markup import visible_text
from backend.controls.sources import (
    SOURCES,
    Conversation,
    HyperText,
    Image,
    Listed,
    Paragraphs,
    Source,
    Table,
    Text,
    source_from_json,
)
from tests.unit.test_hostile import JSON

CHOICES = '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'


PIECES = ["<", "<a", "<a ", '<a ="', "<a='", "<!--", "<style>", "</styl", "&#1", "<b c=d>", "</", "<!", "= "]


@pytest.mark.parametrize(
    ("value", "data", "shown"),
    [
        ("$text", {"text": "plain"}, "plain"),
        ("$item.title", {"item": {"title": "nested"}}, "nested"),
        ("$item.title", {"item.title": "a key with a dot"}, "a key with a dot"),
        ("$messages[1].content", {"messages": [{}, {"content": "second"}]}, "second"),
        ("$messages[7].content", {"messages": [{"content": "one"}]}, ""),
        ("$rows[0][1]", {"rows": [["a", "b"]]}, "b"),
        ("Message: $body", {"body": "composed"}, "Message: composed"),
        ("$first $last[0]!", {"first": "Ada", "last": ["L."]}, "Ada L.!"),
        ("$title: $body", {"title": "T"}, "T: "),
        ("$my-field", {"my-field": "with a hyphen"}, "with a hyphen"),
        ("$any name", {"any name": "with a space"}, "with a space"),
        ("$any name", {"any": "first"}, "first name"),
        ("$größe", {"größe": "beyond ASCII"}, "beyond ASCII"),
        ("$number", {"number": 7}, "7"),
        ("$number", {"number": 2.0}, "2"),
        ("$flag", {"flag": True}, "true"),
        ("$list", {"list": ["a", 1, None]}, "a,1,"),
        ("$thing", {"thing": {"a": 1}}, ""),
        ("$text", None, ""),
        ("$text", {"text": None}, ""),
        ("$a.b.c", {"a": {"b": "flat"}}, ""),
    ],
)
def test_a_value_is_filled_as_the_editor_fills_it(value: str, data: Any, shown: str) -> None:
    assert Text(field_of(value)).content(data) == shown


@pytest.mark.parametrize(
    ("encoding", "stored", "shown"),
    [
        ("base64", b64encode(b"boil the rice").decode(), "boil the rice"),
        ("base64", "Ym9p\nbCB0aGUgcmljZQ==", "boil the rice"),
        ("base64unicode", b64encode("über".encode()).decode(), "über"),
        ("base64unicode", b64encode(b"\xff").decode(), ""),
        ("base64", "not base64 at all", ""),
        ("none", "Ym9pbA==", "Ym9pbA=="),
    ],
)
def test_encoded_texts_are_decoded(encoding: str, stored: str, shown: str) -> None:
    config = f'<View><Text name="t" value="$text" encoding="{encoding}"/>{CHOICES}</View>'
    assert parse_label_config(config).text_of({"text": stored}) == shown


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<p>one</p><p>two</p>three<br>four", "one two three four"),
        ("<b>bo</b>ld and <i>it<u>al</u></i>ic", "bold and italic"),
        ("<style>p{}</style>a<script>if (1<2) x()</script>b<!-- c > d -->", "a b"),
        ("<STYLE type='a>b'>p{}</STYLE >a", "a"),
        ('<p title="a > b">x</p>', "x"),
        ("1 < 2 &amp; 3 &gt; 2", "1 < 2 & 3 > 2"),
        ("<!DOCTYPE html><html><head><title>T</title></head><body>B</body></html>", "B"),
        ("<textarea>t</textarea><noscript>n</noscript>seen", "seen"),
        ("kept <!-- never closed", "kept"),
        ("kept <style> never closed", "kept"),
        ("kept <a href='never closed", "kept"),
        ("<?xml version='1.0'?>a</>b", "ab"),
    ],
)
def test_of_html_the_words_that_a_browser_shows_are_read(html: str, words: str) -> None:
    assert visible_text(html) == words


@given(
    st.lists(
        st.sampled_from([*PIECES, "<p>", "</p>", "<B>", "</b>", "word", " ", ">", "'", '"', "<style>", "-->"])
    )
)
@example(["<a", "<B>", "-->"])  # what is left of a tag once another is taken out is no tag
@example(["w<a--", ">", "w"])  # no <a>
def test_the_short_way_through_html_reads_the_same(pieces: list[str]) -> None:
    """Plain tags are taken out at once, the rest piece by piece."""
    html = "".join(pieces)
    assert visible_text(html) == visible_text(html + "<!---->")


def test_a_long_style_does_not_use_up_what_is_read_of_a_text() -> None:
    html = "<style>" + "p{color:red}" * 10_000 + "</style><!--" + "x" * 100_000 + "--><p>the tide is low</p>"
    assert visible_text(html) == "the tide is low"


def test_html_in_the_config_itself_is_filled() -> None:
    inner = '<HyperText name="t"><div class="x"><h1>$title</h1><p>$body &amp; more</p></div></HyperText>'
    scheme = parse_label_config(f"<View>{inner}{CHOICES}</View>")
    assert scheme.text_of({"title": "News", "body": "low tide"}) == "News low tide & more"
    written = f'<View><Text name="t">Says: $body</Text>{CHOICES}</View>'
    assert parse_label_config(written).text_of({"body": "low tide"}) == "Says: low tide"


@settings(max_examples=40, deadline=None)
@given(JSON, st.text() | st.just("$a[0].b and $a"))
def test_no_content_makes_reading_fail(data: Any, field: str) -> None:
    sources: list[Source] = [Paragraphs(field)]
    for encoding in ENCODINGS:
        sources += [Text(field, encoding), HyperText(field, encoding)]
    for source in sources:
        source.content({"a": [data, {"b": data}], "text": data}).encode()


def test_every_source_comes_back_from_json_and_says_what_it_is_about() -> None:
    """Vectors are kept under these words: another word for the same content encodes all of it anew."""
    sources = {
        Text("a"): "a Text text",
        Text("a", "base64"): "a Text text base64",
        HyperText("$a $b"): "$a $b HyperText text",
        Paragraphs("a", "said"): "a Paragraphs said",
        Conversation("a"): "a Chat content",
        Table("a"): "a Table",
        Listed("a"): "a List",
        Image("a"): "a Image",
    }
    assert {type(source) for source in sources} == set(SOURCES.values())
    for source, about in sources.items():
        assert source_from_json(json.loads(json.dumps(source.as_json()))) == source
        assert source.about == about


def test_content_that_python_cannot_write_down_is_no_text() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert Text("x").content({"x": deep}) == ""
    assert Text("x").content({"x": 10**5000}) == ""


@pytest.mark.parametrize("begin", ["", "<style>", "<a ", "<a='"])
@pytest.mark.parametrize("piece", PIECES)
def test_broken_html_takes_no_more_than_its_lengths_time(begin: str, piece: str) -> None:
    def seconds(length: int) -> float:
        html = begin + piece * (length // len(piece))
        started = time.process_time()
        visible_text(html)
        return time.process_time() - started

    assert seconds(160_000) < 32 * max(seconds(20_000), 2e-3)
