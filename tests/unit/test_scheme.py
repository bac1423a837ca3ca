import json

import pytest

from backend.controls.base import Control
from backend.controls.config import parse_label_config
from backend.controls.scheme import LabelScheme
from backend.controls.sources import Text
from backend.controls.unlearned import not_learned
from backend.errors import LabelConfigError
from tests.unit.schemes import several

TEXT = '<Text name="t" value="$text"/>'


def config(choices: str, text: str = TEXT) -> str:
    return f"<View>{text}{choices}</View>"


def main(control: str) -> Control:
    return parse_label_config(config(control)).main


def test_single_choice_on_text_is_learned_with_aliases() -> None:
    xml = config('<Choices name="c" toName="t"><Choice value="Yes" alias="y"/><Choice value="No"/></Choices>')

    scheme = parse_label_config(xml)

    assert (scheme.main.from_name, scheme.main.to_name, scheme.source) == ("c", "t", Text("text"))
    assert scheme.main.classes == ("y", "No")  # annotations store the alias


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
    control = main(f'<Taxonomy name="c" toName="t" maxUsages="1">{choices}</Taxonomy>')
    (region,) = control.regions("b", 0.5)
    assert (control.classes, region["type"], region["value"]) == (
        ("A", "b"),
        "taxonomy",
        {"taxonomy": [["b"]]},
    )
    assert control.read([region]) == "b"
    for value in ([["A", "deeper"]], [["A"], ["b"]], ["A"], [[3]], "A", []):
        assert control.read([{"from_name": "c", "value": {"taxonomy": value}}]) is None


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
    assert scheme.main.read(scheme.main.regions("any", 1)) == "any"
    learned = scheme.with_classes({"c": ["b", "a", "b"]})
    assert learned.main.classes == ("a", "b")
    assert scheme.fits(learned)
    assert not parse_label_config(config(f'<Choices name="c" toName="t">{A_OR_B}</Choices>')).fits(learned)


def test_several_choices_are_a_class_of_their_own() -> None:
    scheme = parse_label_config(config(MULTIPLE))
    assert scheme.main.read(scheme.main.regions('["a", "b"]', 1)) == '["a", "b"]'
    told = {"from_name": "c", "value": {"choices": ["b", "a", "gone", "a", 3]}}
    assert scheme.main.read([told]) == '["a", "b"]'
    assert scheme.main.read([{"from_name": "c", "value": {"choices": ["gone"]}}]) is None
    learned = scheme.with_classes({"c": ['["a"]', '["a", "b"]']})
    assert scheme.fits(learned)
    renamed = parse_label_config(config(MULTIPLE.replace('"b"', '"B"')))
    assert not renamed.fits(learned)


def test_a_taxonomy_takes_several_unless_told_otherwise() -> None:
    control = main('<Taxonomy name="c" toName="t"><Choice value="A"/><Choice value="B"/></Taxonomy>')
    told = {"from_name": "c", "value": {"taxonomy": [["B"], ["A"]]}}
    assert control.read([told]) == '["A", "B"]'
    assert control.regions('["A", "B"]', 1)[0]["value"] == {"taxonomy": [["A"], ["B"]]}
    deeper = {"from_name": "c", "value": {"taxonomy": [["A", "deeper"], ["B"]]}}
    assert control.read([deeper]) == '["B"]'


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
    asked = main(control)
    other = {"from_name": "other", "value": {"choices": ["a"]}}
    assert asked.read([]) == asked.read([other]) == blank
    kind = "taxonomy" if "Taxonomy" in control else "choices"
    gone = {"from_name": "c", "value": {kind: [["gone"]] if kind == "taxonomy" else ["gone"]}}
    assert asked.read([gone]) is None  # a class that was renamed is no "none of them"
    assert asked.read(None) is None


def test_what_can_be_chosen() -> None:
    assert main(MULTIPLE).with_classes(['["a"]']).choices == ("a", "b")
    dynamic = main('<Choices name="c" toName="t" choice="multiple" value="$o"/>')
    assert dynamic.with_classes(['["z", "y"]', "[]"]).choices == ("y", "z")


def test_each_class_is_taken_apart_once_whatever_the_choices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sets = [["a"], ["b", "a"], []]
    control = several("c", ("a", "b"), *(json.dumps(each) for each in sets))
    taken_apart: list[str] = []
    loads = json.loads
    monkeypatch.setattr(json, "loads", lambda text: taken_apart.append(text) or loads(text))
    held = control.membership()
    assert len(taken_apart) <= len(control.classes)
    assert {answer: row.tolist() for answer, row in zip(control.classes, held, strict=True)} == {
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
    assert [control.from_name for control in scheme.controls] == ["one", "two"]
    assert not scheme.fits(parse_label_config(config(one + two.replace('"b"', '"B"'))))
    assert parse_label_config(config(one + two), "two").main.from_name == "two"
    assert parse_label_config(config(one + two), "three").main.from_name == "one"


BOMB = '<!DOCTYPE v [<!ENTITY a "aaaa">]><View>&a;</View>'


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        ("", "no label config"),
        (None, "no label config"),
        ("<View", "not valid XML"),
        (BOMB, "not valid XML"),
        ("<View></View>", "shows nothing of a task; only texts and images of tasks"),
        (config("", '<Text name="t" value="Instructions"/>'), 'the same in every task.*value="\\$text"'),
        (config(""), 'asks nothing about <Text name="t">.*Add <Choices name="class" toName="t">'),
        (
            config('<Choices name="c" toName="i"><Choice value="a"/></Choices>'),
            'is to be about "i", which is the name of no tag.*With toName="t"',
        ),
        (
            config('<Choices name="c" toName="i"><Choice value="a"/></Choices><Video name="i" value="$i"/>'),
            'is about <Video name="i">, not about a text or an image.*Add <Choices name="class" toName="t">',
        ),
        (
            config(
                f'<Choices name="c" toName="i">{A_OR_B}</Choices>',
                '<Image name="i" value="$i" valueList="$i"/>',
            ),
            "several images of a task.*remove valueList",
        ),
        (config('<Choices name="c" toName="t"><Choice value="a"/></Choices>'), "fewer than two"),
        (
            config('<Choices name="c" toName="t"><Choice value="a"><Choice value="b"/></Choice></Choices>'),
            "fewer than two",  # the editor shows no choice within a choice without allowNested
        ),
        (
            config(
                '<Taxonomy name="c" toName="t" leafsOnly="true">'
                '<Choice value="a"><Choice value="b"/></Choice></Taxonomy>'
            ),
            "fewer than two",
        ),
        (config(f'<Choices name="c" toName="t" perRegion="true">{A_OR_B}</Choices>'), "perRegion.*Remove"),
        (config(f'<Choices name="c" toName="t" perItem="true">{A_OR_B}</Choices>'), "perItem"),
        (config(f'<Taxonomy name="c" toName="t" labeling="true">{A_OR_B}</Taxonomy>'), "labeling"),
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


def test_choices_whose_text_stands_in_the_task_are_learned_by_their_alias() -> None:
    named = '<Choice value="$first" alias="first"/><Choice value="$second" alias="second"/>'
    assert parse_label_config(config(f'<Choices name="c" toName="t">{named}</Choices>')).main.classes == (
        "first",
        "second",
    )
    bare = '<Choices name="c" toName="t"><Choice value="$first"/><Choice value="$second"/></Choices>'
    with pytest.raises(LabelConfigError, match=r'"\$first", another text in each task.*Give it an alias'):
        parse_label_config(config(bare))
    mixed = parse_label_config(config(bare.replace("<Choice ", f"{A_OR_B}<Choice ", 1)))
    assert mixed.main.classes == ("a", "b")


def test_a_taxonomy_from_an_address_is_refused_as_such() -> None:
    with pytest.raises(LabelConfigError, match=r"apiUrl.*Write its choices into the config"):
        parse_label_config(config('<Taxonomy name="c" toName="t" apiUrl="http://x/y"/>'))


IMAGE = '<Image name="i" value="$image"/>'


def test_choices_about_an_image_are_learned_and_its_content_is_its_address() -> None:
    scheme = parse_label_config(config(f'<Choices name="c" toName="i">{A_OR_B}</Choices>', IMAGE))
    assert (scheme.main.from_name, scheme.source.tag, scheme.source.is_fetched) == ("c", "Image", True)
    assert scheme.text_of({"image": " /data/upload/1/a.png\n"}) == "/data/upload/1/a.png"
    assert [scheme.text_of(data) for data in ({}, {"image": None}, {"image": {}}, None)] == [""] * 4
    assert LabelScheme.from_json(json.loads(json.dumps(scheme.as_json()))).fits(scheme)


def test_where_texts_and_images_are_asked_about_the_texts_are_learned_as_before() -> None:
    about = [f'<Choices name="{name}" toName="{name[0]}">{A_OR_B}</Choices>' for name in ("it", "tt")]
    both = config("".join(about), f'{IMAGE}<Text name="t" value="$text"/>')
    assert parse_label_config(both).main.from_name == "tt"
    assert parse_label_config(both, "it").main.from_name == "it"


TWO = TEXT + '<HyperText name="h" value="$html"/>'
ABOUT_BOTH = f'<Choices name="c" toName="t,h">{A_OR_B}</Choices>'


def test_a_control_that_names_several_texts_is_about_all_of_them() -> None:
    scheme = parse_label_config(config(ABOUT_BOTH, TWO))
    assert scheme.text_of({"text": "low tide", "html": "<p>at <b>noon</b></p>"}) == "low tide\nat noon"
    assert scheme.text_of({"html": "<p>at noon</p>"}) == "at noon"
    assert scheme.text_of(None) == ""
    assert scheme.main.regions("a", 1)[0]["to_name"] == "t"  # so Label Studio takes it
    again = LabelScheme.from_json(json.loads(json.dumps(scheme.as_json())))
    assert again.main.source == scheme.source
    assert scheme.fits(again)
    other_order = parse_label_config(config(ABOUT_BOTH.replace("t,h", "h,t"), TWO))
    assert not other_order.fits(scheme)
    assert other_order.source.about != scheme.source.about
    assert not_learned(config(ABOUT_BOTH, TWO)) == []


def test_who_is_about_the_same_texts_is_a_companion() -> None:
    second = ABOUT_BOTH.replace('"c"', '"d"')
    alone = ABOUT_BOTH.replace('"c"', '"e"').replace("t,h", "t")
    scheme = parse_label_config(config(ABOUT_BOTH + second + alone, TWO))
    assert [control.from_name for control in scheme.controls] == ["c", "d"]
    assert not_learned(config(ABOUT_BOTH + second + alone, TWO))[-1].startswith('<Choices name="e">')


@pytest.mark.parametrize(
    ("to_name", "says"),
    [
        ("t,gone", 'is to be about "t,gone", which is the name of no tag. With toName="t"'),
        ("t,i", 'of which <Image name="i"> shows no text.*With toName="i" it would be about'),
        ("i,t", 'of which <Image name="i"> shows no text.*With toName="i" it would be about'),
    ],
)
def test_what_cannot_be_read_together_is_refused(to_name: str, says: str) -> None:
    with pytest.raises(LabelConfigError, match=says):
        parse_label_config(config(ABOUT_BOTH.replace("t,h", to_name), TEXT + IMAGE))
