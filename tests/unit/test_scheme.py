import json
from dataclasses import replace

import pytest

from backend.errors import LabelConfigError
from backend.labelstudio.label_config import parse_label_config
from backend.labelstudio.scheme import LabelScheme

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


def test_taxonomy_of_one_level_is_a_choice_by_another_shape() -> None:
    choices = '<Choice value="A"/><Choice value="B" alias="b"/>'
    xml = config(f'<Taxonomy name="c" toName="t" maxUsages="1">{choices}</Taxonomy>')
    scheme = parse_label_config(xml)
    region = scheme.region("b", 0.5)
    assert (scheme.labels, region["type"], region["value"]) == (("A", "b"), "taxonomy", {"taxonomy": [["b"]]})
    assert scheme.choice_of(region) == "b"
    for value in ([["A", "deeper"]], [["A"], ["b"]], ["A"], [[3]], "A", []):
        assert scheme.choice_of({"from_name": "c", "value": {"taxonomy": value}}) is None


def test_paragraphs_are_read_by_their_keys() -> None:
    text = '<Paragraphs name="t" value="$talk" textKey="said"/>'
    scheme = parse_label_config(
        config('<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>', text)
    )
    talk = [{"who": "x", "said": "hello"}, {"who": "y", "said": "bye"}, {"said": 3}, "plain"]
    assert scheme.text_of({"talk": talk}) == "hello\nbye\n\nplain"
    assert scheme.text_of({"talk": "flat"}) == "flat"


def test_dynamic_choices_are_learned_as_they_are_chosen() -> None:
    scheme = parse_label_config(config('<Choices name="c" toName="t" value="$options"/>'))
    assert scheme.choice_of(scheme.region("any", 1)) == "any"
    learned = scheme.with_labels({"c": ["b", "a", "b"]})
    assert learned.labels == ("a", "b")
    assert scheme.fits(learned)
    assert not parse_label_config(
        config('<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>')
    ).fits(learned)


def test_several_choices_are_a_class_of_their_own() -> None:
    xml = '<Choices name="c" toName="t" choice="multiple"><Choice value="a"/><Choice value="b"/></Choices>'
    scheme = parse_label_config(config(xml))
    assert scheme.choice_of(scheme.region('["a", "b"]', 1)) == '["a", "b"]'
    told = {"from_name": "c", "value": {"choices": ["b", "a", "gone", "a", 3]}}
    assert scheme.choice_of(told) == '["a", "b"]'
    assert scheme.choice_of({"from_name": "c", "value": {"choices": ["gone"]}}) is None
    learned = scheme.with_labels({"c": ['["a"]', '["a", "b"]']})
    assert scheme.fits(learned)
    renamed = parse_label_config(config(xml.replace('"b"', '"B"')))
    assert not renamed.fits(learned)


def test_a_taxonomy_takes_several_unless_told_otherwise() -> None:
    xml = config('<Taxonomy name="c" toName="t"><Choice value="A"/><Choice value="B"/></Taxonomy>')
    scheme = parse_label_config(xml)
    told = {"from_name": "c", "value": {"taxonomy": [["B"], ["A"]]}}
    assert scheme.choice_of(told) == '["A", "B"]'
    assert scheme.region('["A", "B"]', 1)["value"] == {"taxonomy": [["A"], ["B"]]}
    assert scheme.choice_of({"from_name": "c", "value": {"taxonomy": [["A", "deeper"], ["B"]]}}) == '["B"]'


A_OR_B = '<Choice value="a"/><Choice value="b"/>'
MULTIPLE = f'<Choices name="c" toName="t" choice="multiple">{A_OR_B}</Choices>'


@pytest.mark.parametrize(
    ("control", "blank"),
    [
        (MULTIPLE, "[]"),
        (f'<Taxonomy name="c" toName="t">{A_OR_B}</Taxonomy>', "[]"),
        (f'<Choices name="c" toName="t" choice="multiple" required="true">{A_OR_B}</Choices>', None),
        (f'<Choices name="c" toName="t">{A_OR_B}</Choices>', None),
        (
            f'<View visibleWhen="x"><Choices name="c" toName="t" choice="multiple">{A_OR_B}</Choices></View>',
            None,
        ),
    ],
)
def test_an_empty_answer_says_none_of_them_where_it_may(control: str, blank: str | None) -> None:
    scheme = parse_label_config(config(control))
    other = {"from_name": "other", "value": {"choices": ["a"]}}
    assert scheme.class_in([]) == scheme.class_in([other]) == blank
    kind = scheme.control.lower()
    gone = {"from_name": "c", "value": {kind: [["gone"]] if kind == "taxonomy" else ["gone"]}}
    assert scheme.class_in([gone]) is None  # a class that was renamed is no "none of them"
    assert scheme.class_in(None) is None


def test_what_can_be_chosen() -> None:
    multiple = parse_label_config(
        config(f'<Choices name="c" toName="t" choice="multiple">{A_OR_B}</Choices>')
    )
    assert multiple.with_labels({"c": ['["a"]']}).choices == ("a", "b")
    dynamic = parse_label_config(config('<Choices name="c" toName="t" choice="multiple" value="$o"/>'))
    assert dynamic.with_labels({"c": ['["z", "y"]', "[]"]}).choices == ("y", "z")


def test_each_class_is_taken_apart_once_whatever_the_choices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sets = [["a"], ["b", "a"], []]
    scheme = parse_label_config(config(MULTIPLE)).with_labels({"c": [json.dumps(each) for each in sets]})
    taken_apart: list[str] = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda text: taken_apart.append(text) or loads(text))
    held = scheme.membership()
    assert len(taken_apart) <= len(scheme.labels)
    assert {label: row.tolist() for label, row in zip(scheme.labels, held, strict=True)} == {
        '["a"]': [True, False],
        '["b", "a"]': [True, True],
        "[]": [False, False],
    }


def test_a_setting_says_which_of_several_controls_is_learned() -> None:
    one, two = (
        f'<Choices name="{name}" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'
        for name in ("one", "two")
    )
    scheme = parse_label_config(config(one + two))
    assert (scheme.from_name, [other.from_name for other in scheme.companions]) == ("one", ["two"])
    assert not scheme.fits(parse_label_config(config(one + two.replace('"b"', '"B"'))))
    assert parse_label_config(config(one + two), "two").from_name == "two"
    assert parse_label_config(config(one + two), "three").from_name == "one"


BOMB = '<!DOCTYPE v [<!ENTITY a "aaaa">]><View>&a;</View>'


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("", "no label config"),
        (None, "no label config"),
        ("<View", "not valid XML"),
        (BOMB, "not valid XML"),
        ("<View></View>", "shows nothing of a task; only texts of tasks"),
        (config("", '<Text name="t" value="Instructions"/>'), 'the same in every task.*value="\\$text"'),
        (config(""), 'asks nothing about <Text name="t">.*Add <Choices name="class" toName="t">'),
        (
            config('<Choices name="c" toName="i"><Choice value="a"/></Choices>'),
            'is to be about "i", which is the name of no tag.*With toName="t"',
        ),
        (
            config('<Choices name="c" toName="i"><Choice value="a"/></Choices><Image name="i" value="$i"/>'),
            'is about <Image name="i">, not about a text.*Add <Choices name="class" toName="t">',
        ),
        (config('<Choices name="c" toName="t"><Choice value="a"/></Choices>'), "fewer than two"),
        (
            config('<Taxonomy name="c" toName="t"><Choice value="a"><Choice value="b"/></Choice></Taxonomy>'),
            "one level",
        ),
        (config(f'<Choices name="c" toName="t" perRegion="true">{A_OR_B}</Choices>'), "perRegion.*Remove"),
        (config(f'<Choices name="c" toName="t" perItem="true">{A_OR_B}</Choices>'), "perItem"),
        (config(f'<Taxonomy name="c" toName="t" labeling="true">{A_OR_B}</Taxonomy>'), "labeling"),
        (config(f'<Choices name="c" toName="t" allownested="true">{A_OR_B}</Choices>'), "allowNested"),
        (config('<Choices name="c" toName="t" value="$o" allowNested="true"/>'), "allowNested"),
        (
            config(
                f'<Choices name="c" toName="t">{A_OR_B}</Choices>',
                '<Text name="t" value="$address" valueType="url"/>',
            ),
            "Import the texts",
        ),
    ],
)
def test_what_cannot_be_learned_is_refused_with_what_to_change(xml: str, says: str) -> None:
    with pytest.raises(LabelConfigError, match=says):
        parse_label_config(xml)


KNOWN_BEFORE = {
    *("from_name", "to_name", "field", "labels", "control", "source", "text_key"),
    *("dynamic", "several", "options", "blank", "companions"),
}
"""Keys of a scheme in the manifests of the release before, which can read no other."""


def test_a_manifest_can_be_read_by_the_release_before_unless_the_text_is_encoded() -> None:
    hidden = f'<Choices name="d" toName="t" value="$o" visibleWhen="choice-selected">{A_OR_B}</Choices>'
    scheme = parse_label_config(config(f'<Choices name="c" toName="t">{A_OR_B}</Choices>{hidden}'))
    stored = json.loads(json.dumps(scheme.as_json()))
    for each in (stored, *stored["companions"]):
        assert each.keys() == KNOWN_BEFORE
    assert LabelScheme.from_json(stored) == scheme
    encoded = replace(scheme, encoding="base64")
    assert LabelScheme.from_json(json.loads(json.dumps(encoded.as_json()))) == encoded


def test_choices_whose_text_stands_in_the_task_are_learned_by_their_alias() -> None:
    named = '<Choice value="$first" alias="first"/><Choice value="$second" alias="second"/>'
    assert parse_label_config(config(f'<Choices name="c" toName="t">{named}</Choices>')).labels == (
        "first",
        "second",
    )
    bare = '<Choices name="c" toName="t"><Choice value="$first"/><Choice value="$second"/></Choices>'
    with pytest.raises(LabelConfigError, match=r'"\$first", another text in each task.*Give it an alias'):
        parse_label_config(config(bare))
    mixed = parse_label_config(config(bare.replace("<Choice ", f"{A_OR_B}<Choice ", 1)))
    assert mixed.labels == ("a", "b")


def test_a_taxonomy_from_an_address_is_refused_as_such() -> None:
    with pytest.raises(LabelConfigError, match=r"apiUrl.*Write its choices into the config"):
        parse_label_config(config('<Taxonomy name="c" toName="t" apiUrl="http://x/y"/>'))
