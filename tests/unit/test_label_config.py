"""Label configs met in the field, as kept in cases/configs.json, and label configs meant to hurt."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, tostring

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.controls.config import parse_label_config
from backend.controls.impossible import possible
from backend.controls.regions import RegionControl
from backend.controls.scheme import LabelScheme
from backend.controls.tags import MAX_DEPTH, MAX_TAGS
from backend.controls.unlearned import not_learned
from backend.errors import LabelConfigError
from tests.unit.test_first_order import UnlabelledProject, retrained
from tests.unit.test_hostile import JSON

CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in json.loads((Path(__file__).parent / "cases" / "configs.json").read_text())
}
TEXT = '<Text name="t" value="$text"/>'
CHOICES = '<Choices name="c" toName="t"><Choice value="a"/><Choice value="b"/></Choices>'


@pytest.mark.parametrize(
    "case", [case for case in CASES.values() if "text" in case], ids=lambda case: case["id"]
)
def test_a_text_is_what_label_studio_shows(case: dict[str, Any]) -> None:
    scheme = parse_label_config(case["config"])
    assert [scheme.text_of(data) for data in case["tasks"]] == case["text"]


@pytest.mark.parametrize(
    "name", [name for name, case in CASES.items() if "first order" in case.get("right", "")]
)
def test_a_config_without_any_label_gives_a_first_order(name: str, tmp_path: Path) -> None:
    server = UnlabelledProject(CASES[name]["config"], CASES[name]["tasks"])
    assert retrained(server, tmp_path)["published"]
    assert len(server.imported) == len(CASES[name]["tasks"])


def test_a_character_reference_of_thousands_of_digits_fails_nothing() -> None:
    case = CASES["long-character-reference"]
    scheme = parse_label_config(case["config"])
    for html in (case["tasks"][0]["html"], f"<p>x &#{'1' * 4400}; y</p>", f"<p>x &#x{'f' * 4400} y</p>"):
        assert scheme.text_of({"html": html}) == "x \N{REPLACEMENT CHARACTER} y"


def test_what_is_asked_in_a_repeater_is_refused_as_such() -> None:
    with pytest.raises(LabelConfigError, match=r"<Repeater>.*repeaters are not learned.*a task of its own"):
        parse_label_config(CASES["repeater"]["config"])
    beside = CASES["repeater"]["config"].replace("<View>", f"<View>{TEXT}{CHOICES}", 1)
    assert parse_label_config(beside).main.from_name == "c"


def test_a_config_that_shows_videos_alone_is_not_told_to_add_choices() -> None:
    with pytest.raises(LabelConfigError) as refusal:
        parse_label_config(CASES["image-only"]["config"].replace("Image", "Video"))
    assert '<Video name="i">; only texts and images of tasks are learned' in str(refusal.value)
    assert "Choices" not in str(refusal.value)


DEEP = {
    "visibleWhen": ('<a visibleWhen="x">', "</a>"),
    "choices": ('<Choices name="c" toName="t">', "</Choices>"),
    "choice": ('<Choice value="a">', "</Choice>"),
    "hypertext": ('<HyperText name="h" value="$h">', "</HyperText>"),
}


def nested(begin: str, end: str, depth: int) -> str:
    return f"<View>{TEXT}{begin * depth}{CHOICES}{end * depth}</View>"


@pytest.mark.parametrize("kind", DEEP)
def test_tags_are_read_to_a_bound_of_depth_and_number(kind: str) -> None:
    begin, end = DEEP[kind]
    with pytest.raises(LabelConfigError, match=f"more than {MAX_DEPTH} within each other"):
        parse_label_config(nested(begin, end, 20_000))
    with pytest.raises(LabelConfigError, match=f"more than {MAX_TAGS} tags"):
        parse_label_config(nested(begin, end, 1).replace("</View>", f"{begin}{end}" * MAX_TAGS + "</View>"))


@pytest.mark.parametrize("kind", ["visibleWhen", "choices", "choice"])
def test_a_config_is_read_in_one_pass(kind: str) -> None:
    begin, end = DEEP[kind]

    def seconds(times: int) -> float:
        many = f"<View>{TEXT}{CHOICES}{nested(begin, end, MAX_DEPTH - 5) * times}</View>"
        took = []
        for _ in range(3):  # of which none may meet a busy machine
            started = time.process_time()
            parse_label_config(many)
            took.append(time.process_time() - started)
        return min(took)

    seconds(1)
    assert seconds(80) < 32 * seconds(10)  # 8 times where it is linear, 64 where quadratic


def test_names_of_any_length_are_refused_in_a_line() -> None:
    long = f'<View>{TEXT}<Choices name="{"x" * 100_000}" toName="t"/></View>'
    with pytest.raises(LabelConfigError) as refusal:
        parse_label_config(long)
    assert len(str(refusal.value)) < 300


def grown(kind: str, attributes: dict[str, str], children: list[Element], text: str) -> Element:
    element = Element(kind, attributes)
    element.text = text
    element.extend(children)
    return element


NAMES = st.sampled_from(["", "t", "c", "d", "$t", "Text $t.a[0]", "t,d"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(
        [
            *("name", "toName", "value", "alias", "valueType", "encoding", "textKey", "choice", "maxUsages"),
            *(
                "perRegion",
                "required",
                "visibleWhen",
                "whenTagName",
                "whenChoiceValue",
                "apiUrl",
                "valueList",
            ),
        ]
    ),
    NAMES | st.sampled_from(["true", "url", "base64", "multiple", "1", "choice-selected"]),
    max_size=5,
)
KINDS = st.sampled_from(
    [
        "View",
        "Text",
        "HyperText",
        "Paragraphs",
        "Choices",
        "Taxonomy",
        "Choice",
        "Repeater",
        "Image",
        "Labels",
    ]
)
TREES = st.recursive(
    st.builds(Element, KINDS, ATTRIBUTES),
    lambda inside: st.builds(
        grown, KINDS, ATTRIBUTES, st.lists(inside, max_size=4), st.sampled_from(["", "$a b"])
    ),
    max_leaves=25,
)


@settings(max_examples=40, deadline=None)
@given(TREES)
def test_any_config_of_label_studios_tags_is_learned_or_refused(tree: Element) -> None:
    with suppress(LabelConfigError):
        parse_label_config(tostring(tree, encoding="unicode"))


@settings(max_examples=40, deadline=None)
@given(TREES, JSON, st.sampled_from(["", "d"]))
def test_whatever_stands_beside_choices_about_a_text_they_are_learned(
    tree: Element, data: Any, preferred: str
) -> None:
    xml = f"<View>{TEXT}{CHOICES}{tostring(tree, encoding='unicode')}</View>"
    scheme = parse_label_config(xml, preferred)
    assert all(not_learned(xml, preferred))
    assert LabelScheme.from_json(json.loads(json.dumps(scheme.as_json()))) == scheme
    scheme.text_of({"t": data})
    offered = scheme.offered({"t": data})
    for control in scheme.controls:
        for answer in () if isinstance(control, RegionControl) else control.classes[:1]:
            possible(scheme, control.regions(answer, 0.5), offered)
