import pytest

from backend.errors import LabelConfigError
from backend.labelstudio.scheme import parse_label_config

TEXT = '<Text name="t" value="$text"/>'


def config(choices: str, text: str = TEXT) -> str:
    return f"<View>{text}{choices}</View>"


def test_single_choice_on_text_is_learned_with_aliases() -> None:
    xml = config('<Choices name="c" toName="t"><Choice value="Yes" alias="y"/><Choice value="No"/></Choices>')

    scheme = parse_label_config(xml)

    assert (scheme.from_name, scheme.to_name, scheme.field) == ("c", "t", "text")
    assert scheme.labels == ("y", "No")  # annotations store the alias


def test_nested_field_and_missing_field() -> None:
    xml = config(
        '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>',
        '<Text name="t" value="$item.title"/>',
    )
    scheme = parse_label_config(xml)

    assert scheme.text_of({"item": {"title": "found"}}) == "found"
    assert scheme.text_of({"item": "flat"}) == ""
    assert scheme.text_of(None) == ""
    assert scheme.text_of({"item": {"title": 7}}) == "7"


BOMB = '<!DOCTYPE v [<!ENTITY a "aaaa">]><View>&a;</View>'


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("", "no label config"),
        (None, "no label config"),
        ("<View", "not valid XML"),
        (BOMB, "not valid XML"),
        ("<View></View>", "no <Choices>"),
        (config('<Choices name="c" toName="i"><Choice value="a"/></Choices>'), "<Text>"),
        (config('<Choices name="c" toName="t"><Choice value="a"/></Choices>'), "fewer than two"),
        (
            config(
                '<Choices name="c" toName="t" choice="multiple">'
                '<Choice value="a"/><Choice value="b"/></Choices>'
            ),
            'choice="single"',
        ),
    ],
)
def test_what_cannot_be_learned_is_refused_with_what_to_change(xml: str, says: str) -> None:
    with pytest.raises(LabelConfigError, match=says):
        parse_label_config(xml)
