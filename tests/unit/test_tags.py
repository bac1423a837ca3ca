"""A label config's tags, as Label Studio's pages read them."""

from __future__ import annotations

import pytest

from backend.controls.tags import MAX_DEPTH, MAX_TAGS, Condition, Tag, read_tags, shortened
from backend.errors import LabelConfigError

CHOICES = '<Choices name="c" toName="t"><Choice value="a" alias="A"/><Choice value="$x"/></Choices>'
TEXT = '<Text name="t" value="$text"/>'


def control(inner: str) -> Tag:
    return read_tags(f"<View>{TEXT}{inner}</View>").controls[-1]


def test_what_is_looked_at_and_what_is_asked() -> None:
    tags = read_tags(f'<View>{TEXT}<Header value="x"/><Text name="u" value="$u"/>{CHOICES}</View>')
    assert list(tags.objects) == ["t", "u"]
    (asked,) = tags.controls
    assert (asked.name, asked.to_name, asked.to_names) == ("c", "t", ["t"])
    assert [choice.path for choice in asked.choices] == [("A",), ("",)]
    assert str(asked) == '<Choices name="c">'


@pytest.mark.parametrize(
    "tag",
    [
        '<Choices toName="t"/>',  # without a name
        '<Choices name="c"/>',  # about nothing
        '<Choices name="c" toName="c"/>',  # about itself
        '<Style name="s"/>',
        '<Text value="$u"/>',
        '<Image name="i"/>',  # shows nothing
    ],
)
def test_what_is_neither(tag: str) -> None:
    tags = read_tags(f"<View>{TEXT}{tag}</View>")
    assert (list(tags.objects), tags.controls) == (["t"], [])


def test_attributes_are_read_whatever_their_case() -> None:
    found = control('<Choices NAME="c" ToName="t" ChoiCe="multiple" REQUIRED="True" other="yes"/>')
    assert found.is_on("required")
    assert not found.is_on("other")
    assert not found.is_on("unheardOf")
    assert found.attributes["choice"] == "multiple"


def test_the_first_object_of_a_name_counts() -> None:
    assert read_tags(f'<View>{TEXT}<Text name="t" value="$other"/></View>').objects["t"].value == "$text"


def test_choices_know_what_they_stand_in_and_whether_anything_stands_in_them() -> None:
    tree = (
        '<Taxonomy name="c" toName="t"><Choice value="a"><Choice value="b"><Choice value="c"/></Choice>'
        '</Choice><Choice value="d"/></Taxonomy>'
    )
    found = [(choice.path, choice.is_leaf) for choice in control(tree).choices]
    assert found == [(("a",), False), (("a", "b"), False), (("a", "b", "c"), True), (("d",), True)]


def test_labels_belong_to_controls_of_labels_and_choices_to_the_others() -> None:
    both = '<Label value="l"/><Choice value="c"/>'
    assert [each.value for each in control(f'<Labels name="c" toName="t">{both}</Labels>').choices] == ["l"]
    assert [each.value for each in control(f'<Choices name="c" toName="t">{both}</Choices>').choices] == ["c"]
    marked = control(f'<RectangleLabels name="c" toName="t">{both}</RectangleLabels>')
    assert [each.value for each in marked.choices] == ["l"]


def test_what_stands_in_a_repeater_is_known_as_such() -> None:
    tags = read_tags(f'<View><Repeater on="$x"><View>{TEXT}{CHOICES}</View></Repeater>{CHOICES}</View>')
    assert tags.objects["t"].repeated
    assert [each.repeated for each in tags.controls] == [True, False]


@pytest.mark.parametrize(
    ("attributes", "condition"),
    [
        ('visibleWhen="choice-selected"', Condition("choice-selected", "", ())),
        (
            'visibleWhen="choice-selected" whenTagName="d" whenChoiceValue="a,b,"',
            Condition("choice-selected", "d", ("a", "b")),
        ),
        ('whenChoiceValue="a,b"', Condition("", "", ("a,b",))),  # so does the editor
        (
            'visibleWhen="region-selected" whenLabelValue="PER,LOC"',
            Condition("region-selected", "", (), ("PER", "LOC")),
        ),
        ('whenTagName="d"', None),
    ],
)
def test_when_what_stands_in_a_tag_is_shown(attributes: str, condition: Condition | None) -> None:
    expected = () if condition is None else (condition,)
    assert control(f"<View {attributes}>{CHOICES}</View>").conditions == expected
    assert control(CHOICES.replace("<Choices", f"<Choices {attributes}")).conditions == expected


def test_conditions_of_all_tags_around_hold() -> None:
    inner = f'<View><View visibleWhen="choice-unselected">{CHOICES}</View></View>'
    expected = (Condition("", "", ("a",)), Condition("choice-unselected", "", ()))
    assert control(f'<View whenChoiceValue="a">{inner}</View>').conditions == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('<Text name="t">Says: $body</Text>', "Says: $body"),
        ('<Text name="t" value="$a"/>', "$a"),
        ('<Text name="t" value="$a">  </Text>', "$a"),
        ('<Text name="t" value="$a">$b</Text>', "$b"),
        ('<Text name="t" value="$a">$b<View/>$c</Text>', "$a"),  # a text with tags in it is its attribute's
        (
            '<HyperText name="t"><p class="x&quot;y">a &lt; $b</p></HyperText>',
            '<p class="x&quot;y">a &lt; $b</p>',
        ),
        ('<Image name="t" value="$a">$b</Image>', "$a"),
    ],
)
def test_a_texts_value_may_stand_between_its_begin_and_its_end(text: str, value: str) -> None:
    assert read_tags(f"<View>{text}</View>").objects["t"].value == value


def test_what_draws_is_known_to_the_labels_about_the_same_object() -> None:
    image = '<Image name="i" value="$i"/><Image name="j" value="$j"/>'
    shapes = '<Rectangle name="r" toName="i"/><Brush name="b" toName="i"/><Polygon name="p" toName="j"/>'
    labels = '<Labels name="l" toName="i"><Label value="x"/></Labels>'
    found = {each.name: each for each in read_tags(f"<View>{image}{shapes}{labels}</View>").controls}
    assert found["l"].shapes == {"Rectangle": "r", "Brush": "b"}
    assert found["r"].shapes == {}


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (None, "The project has no label config yet. Save one under Settings > Labeling Interface."),
        (" \n", "The project has no label config yet."),
        (b"<View/>", "The project has no label config yet."),
        ("<View>", "The label config is not valid XML: "),
        ("<View/><View/>", "The label config is not valid XML: "),
        ('<!DOCTYPE x [<!ENTITY e "e">]><View>&e;</View>', "The label config is not valid XML: "),
        ("<View>\ud800</View>", "The label config is not valid XML: "),
        ("<View>" * (MAX_DEPTH + 1), f"has more than {MAX_TAGS} tags, or more than {MAX_DEPTH} within each"),
    ],
    ids=["none", "blank", "bytes", "not closed", "two roots", "entities", "half a character", "deep"],
)
def test_what_is_no_label_config_is_refused_with_what_is_wrong(xml: object, says: str) -> None:
    with pytest.raises(LabelConfigError) as refused:
        read_tags(xml)
    assert says in str(refused.value)


def test_as_deep_as_allowed_is_read() -> None:
    assert read_tags("<View>" * MAX_DEPTH + "</View>" * MAX_DEPTH).controls == []


@pytest.mark.parametrize(("length", "shown"), [(80, 80), (81, 83), (10_000, 83), (0, 0)])
def test_messages_repeat_the_beginning_of_a_name(length: int, shown: int) -> None:
    assert len(shortened("n" * length)) == shown
    assert shortened("n" * length).endswith("...") == (length > 80)
