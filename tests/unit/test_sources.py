"""What is looked at: single contents, several at once, and two that are compared."""

from __future__ import annotations

import json
from typing import Any

import pytest

from backend.controls.compared import Compared, ComparedImages, compared, compared_of
from backend.controls.joined import Joined, any_source_from_json, joined, source_of
from backend.controls.several_images import SeveralImages, several_images
from backend.controls.sources import (
    BETWEEN,
    COUNTED,
    SOURCES,
    Conversation,
    HyperText,
    Image,
    Listed,
    PageText,
    Paragraphs,
    Source,
    Table,
    Text,
    Unread,
    Utterances,
)
from backend.controls.tags import Tag, read_tags
from backend.errors import LabelConfigError
from backend.pairs import BETWEEN as AND
from tests.unit.whatever import WHATEVER, in_places_of

TALK = [{"who": "a", "text": "hi"}, {"text": 3}, "plain", {"said": "x"}]


@pytest.mark.parametrize(
    ("source", "data", "content"),
    [
        (Text("t"), {"t": "a"}, "a"),
        (Text("t"), {"t": 2.0}, "2"),
        (Text("t"), {}, ""),
        (Text("t"), None, ""),
        (Text("t", "base64"), {"t": "aGk="}, "hi"),
        (Text("t", "base64"), {"t": "no base64!"}, ""),
        (HyperText("t"), {"t": "<p>a</p><script>b</script>c"}, "a c"),
        (Paragraphs("t"), {"t": TALK}, "hi\n\nplain\n"),
        (Paragraphs("t", "said"), {"t": TALK}, "\n\nplain\nx"),
        (Paragraphs("t"), {"t": "one text"}, "one text"),
        (Paragraphs("t"), {"t": []}, ""),
        (Conversation("t"), {"t": [{"role": "user", "content": "hi"}]}, "hi"),
        (Table("t"), {"t": {"Name": "Anna", "Age": 7, "Job": None}}, "Name: Anna\nAge: 7\nJob: "),
        (Table("t"), {"t": [{"a": 1, "b": "x"}, "row", {}]}, "a: 1, b: x\nrow\n"),
        (Table("t"), {"t": "text"}, "text"),
        (Table("t"), {"t": {}}, ""),
        (
            Listed("t"),
            {"t": [{"id": "1", "title": " A  b", "body": "c", "html": "<b>d</b>"}, {"id": "2"}, "x"]},
            "A b c d\n\n",
        ),
        (PageText("t"), {"t": "<p>a<br>b</p>"}, "a\nb"),
        (Utterances("t"), {"t": TALK}, f"hi{BETWEEN}{BETWEEN}plain{BETWEEN}"),
        (Utterances("t"), {"t": [f"a{BETWEEN}b"]}, "a b"),
        (Utterances("t"), {"t": "no list"}, ""),
        (Image("t"), {"t": " /data/a.png\n"}, "/data/a.png"),
        (Unread(""), {"b": 1, "a": "\xe9"}, '{"a": "\xe9", "b": 1}'),
    ],
)
def test_the_content_of_a_task(source: Source, data: Any, content: str) -> None:
    assert source.content(data) == content


ALL: list[Source] = [
    *(kind("t") for kind in (Text, HyperText, Paragraphs, Conversation, Table, Listed, PageText, Image)),
    Utterances("t"),
    Utterances("t", by_time=True),
    Text("$t and $u", "base64unicode"),
    Unread(""),
    joined([Text("t"), HyperText("u")]),
    compared_of(Text("t"), Text("u")),
    compared_of(Image("t"), Image("u")),
    several_images([Image("t"), Image("u"), Image("v")]),
]


@pytest.mark.parametrize("source", ALL, ids=lambda each: type(each).__name__)
def test_whatever_stands_in_a_task_has_a_content_that_can_be_stored(source: Source) -> None:
    for value in (*WHATEVER, *in_places_of([{"text": "a", "start": 1.5, "duration": 2, "title": "b"}])):
        for data in ({"t": value, "u": value, "v": "a"}, value):
            source.content(data).encode()


@pytest.mark.parametrize("source", ALL, ids=lambda each: type(each).__name__)
def test_it_comes_back_from_json_and_is_told_from_others(source: Source) -> None:
    assert any_source_from_json(json.loads(json.dumps(source.as_json()))) == source
    others = [each.about for each in ALL if each is not source]
    assert source.about not in others


@pytest.mark.parametrize(
    "described", [{}, {"tag": "None"}, {"tag": "Text"}, {"tag": "Text", "x": 1}, {"parts": [3]}]
)
def test_other_json_is_no_source(described: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError)):
        any_source_from_json(described)


def tags_of(*objects: str) -> dict[str, Tag]:
    return read_tags(f"<View>{''.join(objects)}</View>").objects


ONE, TWO, PICTURE, OTHER, PAGE = (
    '<Text name="a" value="$a"/>',
    '<Text name="b" value="$b"/>',
    '<Image name="i" value="$i"/>',
    '<Image name="j" value="$j"/>',
    '<HyperText name="h" value="$h"/>',
)
ASKED = Tag("Choices", {"name": "c", "toname": "a,b"})


@pytest.mark.parametrize(
    ("objects", "kind", "content"),
    [
        ((ONE,), Text, "x"),
        ((ONE, TWO), Joined, "x\ny"),
        ((TWO, ONE), Joined, "y\nx"),
        ((ONE, PAGE), Joined, "x"),  # what is empty is left out
        ((PICTURE, OTHER), SeveralImages, f"1.png{AND}2.png"),
        ((PICTURE,), Image, "1.png"),
    ],
)
def test_what_a_control_is_about(objects: tuple[str, ...], kind: type[Source], content: str) -> None:
    source = source_of(ASKED, list(tags_of(*objects).values()))
    assert type(source) is kind
    assert source.content({"a": "x", "b": "y", "i": "1.png", "j": "2.png"}) == content


def test_where_one_of_several_images_is_missing_there_is_nothing_to_look_at() -> None:
    source = several_images([Image("i"), Image("j")])
    assert source.content({"i": "1.png"}) == ""
    assert source.content({"i": f"1{AND}.png", "j": "2.png"}) == f"1 .png{AND}2.png"


def test_a_text_and_an_image_are_not_read_as_one() -> None:
    with pytest.raises(LabelConfigError, match=r'<Image name="i"> shows no text; .* With toName="i" it'):
        source_of(ASKED, list(tags_of(ONE, PICTURE).values()))


@pytest.mark.parametrize(
    ("objects", "says"),
    [
        ((ONE,), 'compares 1 tags; two are compared. Name two, as in toName="a,b"'),
        ((ONE, TWO, PAGE), "compares 3 tags"),
        ((ONE, PICTURE), 'compares <Image name="i"> with a text; two texts are learned, or two images'),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_to_change(objects: tuple[str, ...], says: str) -> None:
    with pytest.raises(LabelConfigError) as refused:
        compared(ASKED, list(tags_of(*objects).values()))
    assert says in str(refused.value)


def test_two_of_a_kind_are_compared_the_left_one_first() -> None:
    texts = compared(ASKED, list(tags_of(ONE, TWO).values()))
    assert type(texts) is Compared
    assert texts.content({"a": "x", "b": "y"}) == f"x{AND}y"
    assert texts.words_of([f"x{AND}y"]) == ["x\n|\ny"]
    assert texts.encoder("use+lsa") == "pairs:use+pairs:lsa"
    images = compared(ASKED, list(tags_of(PICTURE, OTHER).values()))
    assert type(images) is ComparedImages
    assert images.content({"i": "1.png"}) == ""
    assert images.is_fetched
    with pytest.raises(ValueError, match="a text and an image cannot be compared"):
        compared_of(Text("a"), Image("i"))


@pytest.mark.parametrize(
    ("tag", "says"),
    [
        ('<Text name="t" value="$t" valueType="url"/>', "Import the texts themselves, and remove valueType"),
        ('<Paragraphs name="t" value="$t" valueType="url"/>', "remove valueType"),
        ('<Table name="t" value="$t" valueType="url"/>', "remove valueType"),
        ('<Image name="t" valueList="$t"/>', "shows several images of a task, one is learned"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_change(tag: str, says: str) -> None:
    (found,) = tags_of(tag).values()
    with pytest.raises(LabelConfigError) as refused:
        SOURCES[found.kind].parse(found)
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("tag", "source"),
    [
        ('<Text name="t" value="$t" encoding="base64"/>', Text("t", "base64")),
        ('<Text name="t" value="$t" encoding="rot13"/>', Text("t")),
        ('<Paragraphs name="t" value="$t" textKey="said"/>', Paragraphs("t", "said")),
        ('<Paragraphs name="t" value="$t" textKey=""/>', Paragraphs("t")),
        ('<Chat name="t" value="$t"/>', Conversation("t")),
    ],
)
def test_how_a_tag_is_read(tag: str, source: Source) -> None:
    (found,) = tags_of(tag).values()
    assert SOURCES[found.kind].parse(found) == source


@pytest.mark.parametrize(
    ("tag", "source"),
    [
        ('<HyperText name="t" value="$t" inline="true"/>', PageText("t", inline=True)),
        ('<HyperText name="t" value="$t"/>', PageText("t")),
        ('<Paragraphs name="t" value="$t" contextScroll="true"/>', Utterances("t", by_time=True)),
    ],
)
def test_parts_of_texts_are_counted_in_a_source_of_their_own(tag: str, source: Source) -> None:
    (found,) = tags_of(tag).values()
    assert COUNTED[found.kind].parse(found) == source


def test_contents_are_found_again_by_words_or_by_a_digest() -> None:
    assert Text("t").words_of(["a", ""]) == ["a", ""]
    first, nothing, second = Image("t").words_of(["1.png", "", "2.png"])
    assert (len(first), nothing) == (32, "")
    assert first != second
    assert Unread("").words_of(["a"]) != ["a"]
    assert Unread("").encoder("lsa") == "lots"
