"""Which controls order the queue, and how much each has a say."""

from __future__ import annotations

import pytest

from backend.controls.config import parse_label_config
from backend.controls.weights import own_weights, parse_weights, shares_of, unknown_weights
from tests.unit.schemes import scheme, single

THREE = scheme(single("a", "x", "y"), single("b", "x", "y"), single("c", "x", "y"))


@pytest.mark.parametrize(
    ("text", "weights"),
    [
        ("", {}),
        (" , ,", {}),
        ("a=1", {"a": 1.0}),
        (" a = 2 , b=0.5 ", {"a": 2.0, "b": 0.5}),
        ("b=1e-3,a=1", {"b": 0.001, "a": 1.0}),
        ("x=y=2", {"x=y": 2.0}),
    ],
)
def test_weights_are_read_in_their_order(text: str, weights: dict[str, float]) -> None:
    assert list(parse_weights(text).items()) == list(weights.items())


@pytest.mark.parametrize("part", ["a", "=1", "a=", "a=x", "a=0", "a=-1", "a=inf", "a=nan", "a=1=", "a 2"])
def test_what_is_no_weight_is_refused_with_what_to_write(part: str) -> None:
    with pytest.raises(ValueError, match=r"is no weight: write names of controls and numbers above 0, as in"):
        parse_weights(f"b=1,{part}")


def test_a_control_is_named_once() -> None:
    with pytest.raises(ValueError, match=r"^the control a is named twice$"):
        parse_weights("a=1,b=2,a=1")


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        ({}, {"a": 1.0}),
        ({"a": 2.0}, {"a": 1.0}),
        ({"a": 1.0, "b": 3.0}, {"a": 0.25, "b": 0.75}),
        ({"b": 3.0, "a": 1.0, "z": 9.0}, {"a": 0.25, "b": 0.75}),
        ({"b": 1.0, "c": 1.0}, {"a": 1.0}),  # without the one that orders the queue
    ],
)
def test_shares_add_up_to_one_the_first_controls_first(
    weights: dict[str, float], shares: dict[str, float]
) -> None:
    assert list(shares_of(THREE, weights).items()) == list(shares.items())


def test_a_projects_own_weights_name_its_own_controls() -> None:
    assert own_weights(THREE, "a=1,c=2") == {"a": 1.0, "c": 2.0}
    assert own_weights(THREE, "") == {}
    with pytest.raises(ValueError, match=r"^control_weights names z, y; .* of this project: a, b, c$"):
        own_weights(THREE, "z=1,a=1,y=2")
    with pytest.raises(ValueError, match="must name a too, the control that orders the queue"):
        own_weights(THREE, "b=1")


@pytest.mark.parametrize(
    ("weights", "named"),
    [({}, None), ({"a": 1.0}, None), ({"z": 1.0, "y": 1.0}, None), ({"a": 1.0, "z": 1.0}, "z")],
)
def test_weights_that_miss_a_control_are_told_unless_they_are_anothers(
    weights: dict[str, float], named: str | None
) -> None:
    told = unknown_weights(THREE, weights)
    assert (told is None) == (named is None)
    if told is not None:
        assert told.startswith(f"CONTROL_WEIGHTS names {named}: ")
        assert told.endswith("there are: a, b, c")


def test_what_is_asked_of_regions_has_no_say() -> None:
    labels = '<Labels name="l" toName="t"><Label value="x"/></Labels>'
    kind = '<Choices name="k" toName="t" perRegion="true"><Choice value="a"/><Choice value="b"/></Choices>'
    found = parse_label_config(f'<View><Text name="t" value="$t"/>{labels}{kind}</View>')
    assert [each.from_name for each in found.controls] == ["l", "k"]
    with pytest.raises(ValueError, match=r"names k; .*: l$"):
        own_weights(found, "l=1,k=1")
