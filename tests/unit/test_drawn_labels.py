"""What is marked on images, in label configs: what it must be about, and what draws it."""

from __future__ import annotations

import pytest

from backend.controls.config import parse_label_config
from backend.controls.impossible import possible
from backend.controls.unknown import unknown_answers
from backend.controls.unlearned import not_learned
from backend.errors import LabelConfigError

LABELS = '<Label value="red"/><Label value="blue"/>'
IMAGE = '<Image name="i" value="$image"/>'
BOTH = [
    {"id": "1", "from_name": "d", "value": {"points": []}},
    {"id": "1", "from_name": "m", "value": {"labels": ["red"]}, "type": "labels"},
]
"""A region that is drawn by d and labelled by m."""


@pytest.mark.parametrize("tag", ["RectangleLabels", "BrushLabels", "BitmaskLabels", "PolygonLabels"])
def test_what_is_marked_on_images_is_refused_on_texts(tag: str) -> None:
    xml = f'<View><Text name="t" value="$text"/><{tag} name="m" toName="t">{LABELS}</{tag}></View>'
    with pytest.raises(LabelConfigError, match=f'<{tag} name="m"> is about <Text name="t">.*<Image>'):
        parse_label_config(xml)


@pytest.mark.parametrize("shape", ["Rectangle", "Polygon", "Brush", "Bitmask"])
def test_what_draws_for_labels_is_not_called_unlearned(shape: str) -> None:
    drawn = f'<{shape} name="d" toName="i"/><Labels name="m" toName="i">{LABELS}</Labels>'
    assert not_learned(f"<View>{IMAGE}{drawn}</View>") == []
    (unused,) = not_learned(f'<View>{IMAGE}{drawn}<{shape} name="other" toName="i"/></View>')
    assert unused.startswith(f"<{shape} name=")


def test_labels_need_something_that_draws_on_an_image() -> None:
    with pytest.raises(LabelConfigError, match="or about an <Image> with <Rectangle>"):
        parse_label_config(f'<View>{IMAGE}<Labels name="m" toName="i">{LABELS}</Labels></View>')


def test_what_draws_is_known_and_hidden_with_what_it_draws_for() -> None:
    choices = '<Choices name="c" toName="i"><Choice value="x"/><Choice value="y"/></Choices>'
    hidden = '<View visibleWhen="choice-selected" whenTagName="c" whenChoiceValue="x">'
    drawn = f'<Polygon name="d" toName="i"/><Labels name="m" toName="i">{LABELS}</Labels>'
    scheme = parse_label_config(f"<View>{IMAGE}{choices}{hidden}{drawn}</View></View>")
    assert unknown_answers([{"result": BOTH}], scheme) == ()
    chosen = {"id": "2", "from_name": "c", "type": "choices"}
    for choice, shown in (("x", BOTH), ("y", [])):
        region = {**chosen, "value": {"choices": [choice]}}
        assert possible(scheme, [region, *BOTH], {}) == [region, *shown]
