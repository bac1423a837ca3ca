"""Tables, conversations and several images, as what is asked about."""

from __future__ import annotations

import pytest
import torch

from backend.combining import combining, each_of, left_less_right, mean_and_spread
from backend.controls.config import parse_label_config
from backend.controls.scheme import LabelScheme
from backend.controls.source import Source

CHOICES = '<Choices name="c" toName="{}"><Choice value="a"/><Choice value="b"/></Choices>'
IMAGES = '<Image name="i" value="$i"/><Image name="j" value="$j"/>'


def source(tags: str, about: str) -> Source:
    scheme = parse_label_config(f"<View>{tags}{CHOICES.format(about)}</View>")
    assert LabelScheme.from_json(scheme.as_json()).source == scheme.source
    return scheme.source


@pytest.mark.parametrize(
    ("value", "content"),
    [
        ({"Name": "Anna", "Age": 7, "more": {"x": 1}}, "Name: Anna\nAge: 7\nmore: "),
        ([{"a": 1, "b": 2}, {"a": 3}], "a: 1, b: 2\na: 3"),
        ("plain", "plain"),
        (None, ""),
    ],
)
def test_a_table_is_read_by_its_keys(value: object, content: str) -> None:
    assert source('<Table name="t" value="$t"/>', "t").content({"t": value}) == content


def test_what_is_about_a_table_too_leaves_the_order_as_it_was() -> None:
    tags = '<Text name="t" value="$t"/><Table name="tb" value="$tb"/>'
    stars = '<Rating name="stars" toName="t"/>'
    scheme = parse_label_config(f"<View>{tags}{CHOICES.format('t,tb')}{stars}</View>")
    assert scheme.main.from_name == "stars"


def test_a_conversation_is_read_as_it_stands_in_a_task() -> None:
    chat = source('<Chat name="t" value="$t"/>', "t")
    assert chat.content({"t": [{"role": "user", "content": "Hi"}, {"content": "Hello"}, 3]}) == "Hi\nHello\n"
    assert chat.content({}) == ""


def test_several_images_are_one_content_of_which_none_may_lack() -> None:
    both = source(IMAGES, "i,j")
    content = both.content({"i": "/1.png", "j": "/2.png"})
    assert list(each_of(content, 2)) == ["/1.png", "/2.png"]
    assert both.content({"i": "/1.png"}) == ""
    assert list(each_of("", 2)) == ["", ""]
    assert combining(both) == (2, mean_and_spread)
    assert combining(source(IMAGES, "i")) is None
    pair = parse_label_config(f'<View>{IMAGES}<Pairwise name="p" toName="i,j"/></View>').source
    assert combining(pair) == (2, left_less_right)


def test_what_several_images_have_in_common_does_not_depend_on_their_order() -> None:
    images = torch.randn(5, 3, 4)
    assert torch.allclose(mean_and_spread(images), mean_and_spread(images.flip(1)), atol=1e-6)
    same = mean_and_spread(images[:, :1].repeat(1, 2, 1))
    assert torch.equal(same, torch.cat([images[:, 0], torch.zeros(5, 4)], 1))


@pytest.mark.parametrize(
    "new",
    [
        '<Table name="t" value="$t"/>' + CHOICES.format("t"),
        CHOICES.format("i,j"),
    ],
)
def test_what_ordered_a_queue_before_goes_on(new: str) -> None:
    before = '<Text name="x" value="$x"/><Number name="n" toName="x"/>'
    assert parse_label_config(f"<View>{IMAGES}{new}{before}</View>").main.from_name == "n"
