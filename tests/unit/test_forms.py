"""How choices stand in regions, and what can be chosen of them."""

from __future__ import annotations

from typing import Any

import pytest

from backend.controls.forms import FORMS, form_of
from backend.controls.options import Dynamic, Fixed, labels_of, options_from_json, options_of
from backend.controls.tags import Tag, read_tags
from backend.errors import LabelConfigError
from tests.unit.whatever import WHATEVER, in_places_of

TREE = (
    '<Choice value="food" alias="F"><Choice value="rice"/><Choice value="fish"/></Choice>'
    '<Choice value="tea"><Choice value="rice"/></Choice><Choice value="water"/>'
)


def tag_of(kind: str, inner: str = TREE, more: str = "") -> Tag:
    (tag,) = read_tags(
        f'<View><Text name="t" value="$t"/><{kind} name="c" toName="t" {more}>{inner}</{kind}></View>'
    ).controls
    return tag


def fixed(kind: str, more: str = "") -> Fixed:
    tag = tag_of(kind, more=more)
    found = options_of(tag, FORMS[form_of(tag)].choosable(tag))
    assert isinstance(found, Fixed)
    return found


@pytest.mark.parametrize(
    ("kind", "more", "form", "choices"),
    [
        ("Choices", "", "Choices", ("F", "tea", "water")),
        ("Choices", 'allowNested="true"', "Nested", ("F / rice", "F / fish", "tea / rice", "water")),
        (
            "Taxonomy",
            "",
            "Taxonomy",
            ("F", "F / rice", "F / fish", "tea", "tea / rice", "water"),
        ),
        ("Taxonomy", 'leafsOnly="true"', "Taxonomy", ("F / rice", "F / fish", "tea / rice", "water")),
    ],
)
def test_what_can_be_chosen_goes_by_the_tag(
    kind: str, more: str, form: str, choices: tuple[str, ...]
) -> None:
    assert form_of(tag_of(kind, more=more)) == form
    assert fixed(kind, more).choices == choices


@pytest.mark.parametrize(
    ("kind", "more", "several"),
    [
        ("Choices", "", False),
        ("Choices", 'choice="single"', False),
        ("Choices", 'choice="multiple"', True),
        ("Choices", 'choice="multiple" allowNested="true"', True),
        ("Taxonomy", "", True),
        ("Taxonomy", 'maxUsages="1"', False),
        ("Taxonomy", 'maxUsages="2"', True),
    ],
)
def test_whether_several_may_be_chosen(kind: str, more: str, several: bool) -> None:
    tag = tag_of(kind, more=more)
    assert FORMS[form_of(tag)].takes_several(tag) is several


@pytest.mark.parametrize(
    ("kind", "more", "value", "chosen"),
    [
        ("Choices", "", ["F", "tea"], ["F", "tea"]),
        ("Choices", "", ["food"], ["food"]),  # the alias is what counts
        ("Choices", 'allowNested="true"', [["F", "rice"]], ["F / rice"]),
        ("Choices", 'allowNested="true"', ["fish", "rice"], ["F / fish", "rice"]),  # two leaves are "rice"
        ("Choices", 'allowNested="true"', [["water"], "water"], ["water", "water"]),
        ("Taxonomy", "", [["F", "rice"], ["tea"]], ["F / rice", "tea"]),
        ("Taxonomy", "", ["tea"], [["tea"]]),  # no path
        ("Taxonomy", "", [["F", "tea"]], [["F", "tea"]]),  # a path that leads nowhere
        ("Taxonomy", "", "tea", []),
        ("Taxonomy", "", None, []),
    ],
)
def test_what_stands_in_a_region_is_read_as_the_choice_that_it_is(
    kind: str, more: str, value: Any, chosen: list[Any]
) -> None:
    form = FORMS[form_of(tag_of(kind, more=more))]
    region = {"value": {form.type: value}}
    assert form.chosen_in(region, fixed(kind, more)) == chosen


@pytest.mark.parametrize(
    ("kind", "more"), [("Choices", ""), ("Choices", 'allowNested="true"'), ("Taxonomy", "")]
)
def test_what_is_written_is_read_again(kind: str, more: str) -> None:
    form, options = FORMS[form_of(tag_of(kind, more=more))], fixed(kind, more)
    for choice in options.choices:
        written = form.write(options.path_of(choice))
        is_ambiguous = form is FORMS["Nested"] and choice.endswith("rice")  # two leaves have that name
        assert form.choice_of(written, options) == ("rice" if is_ambiguous else choice)
        assert options.knows(choice)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@pytest.mark.parametrize("options", [fixed("Taxonomy"), Dynamic()], ids=["fixed", "dynamic"])
def test_whatever_stands_in_a_region_is_known_or_not(form: Any, options: Any) -> None:
    right = {"value": {form.type: [["F", "rice"], "tea"]}}
    for region in in_places_of(right):
        for choice in form.chosen_in(region, options):
            assert isinstance(options.knows(choice), bool)


def test_choices_of_the_same_words_are_one() -> None:
    options = Fixed((("a", "b"), ("a / b",), ("c",)))
    assert options.choices == ("a / b", "c")
    assert options.path_of("a / b") == ("a", "b")  # the first
    assert options.path_of("unheard of") == ("unheard of",)


@pytest.mark.parametrize("options", [Fixed((("a",), ("b", "c"))), Fixed(()), Dynamic()])
def test_options_come_back_from_json(options: Any) -> None:
    again = options_from_json(options.as_json())
    assert again == options
    assert again.as_json() == options.as_json()


@pytest.mark.parametrize(
    ("data", "offered"),
    [
        ({"o": [{"value": "a"}, {"value": "b", "alias": "B"}]}, ["x", "a", "B"]),
        ({"o": [{"alias": ""}, {"value": 3}, "c", None]}, ["x"]),
        ({"o": "a,b"}, ["x"]),
        ({}, ["x"]),
        (None, ["x"]),
    ],
)
def test_a_task_offers_what_stands_in_it_beside_what_all_offer(data: Any, offered: list[str]) -> None:
    assert Dynamic("$o", ("x",)).offered(data) == offered
    assert Dynamic().offered(data) is None
    assert Fixed((("a",),)).offered(data) is None


def test_of_a_task_whatever_stands_in_it_is_offered_or_not() -> None:
    for value in WHATEVER:
        assert all(isinstance(each, str) for each in Dynamic("$o").offered({"o": value}) or ())


def test_choices_of_the_tasks_are_those_that_somebody_chose() -> None:
    assert Dynamic("$o").among(["b", "a", "b"]) == ("a", "b")
    assert Fixed((("b",), ("a",))).among(["z"]) == ("b", "a")


@pytest.mark.parametrize(
    ("kind", "inner", "more", "says"),
    [
        ("Choices", '<Choice value="a"/>', "", '<Choices name="c"> has fewer than two choices'),
        ("Choices", "", 'apiUrl="http://x.example"', '<Choices name="c"> has an apiUrl, from where nothing'),
        ("Choices", '<Choice value="$a"/><Choice value="b"/>', "", 'the choice "$a", another text in each'),
        ("Taxonomy", '<Choice value="a"/><Choice value="a"/>', "", "has fewer than two choices"),
    ],
)
def test_too_few_choices_are_refused_with_what_to_change(kind: str, inner: str, more: str, says: str) -> None:
    tag = tag_of(kind, inner, more)
    with pytest.raises(LabelConfigError) as refused:
        options_of(tag, FORMS[form_of(tag)].choosable(tag))
    assert says in str(refused.value)


def test_one_label_is_enough_to_mark_parts_by_and_none_is_refused() -> None:
    assert labels_of(tag_of("Labels", '<Label value="a"/>')).among(()) == ("a",)
    with pytest.raises(LabelConfigError, match=r"has no label to learn\. Add a <Label>"):
        labels_of(tag_of("Labels", ""))
    with pytest.raises(LabelConfigError, match=r'no label to learn: "\$a" is another text in each task'):
        labels_of(tag_of("Labels", '<Label value="$a"/>'))


def test_a_choice_without_a_text_of_its_own_is_told_beside_the_others() -> None:
    tag = tag_of("Choices", '<Choice value="a"/><Choice value="b"/><Choice value="$c"/>')
    found = options_of(tag, FORMS[form_of(tag)].choosable(tag))
    assert list(found.caveats("c")) == [
        '"c" has a choice that is not learned: "$c" is another text in each task; give it an alias'
    ]
    assert list(fixed("Choices").caveats("c")) == []
