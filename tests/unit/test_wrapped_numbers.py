"""What a wrapped backend's answers say of themselves, and whether they agree with annotators'."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from backend.controls.any_config import parse_any_config
from backend.controls.anything import LONGEST, Anything
from backend.controls.scheme import LabelScheme
from backend.controls.sources import Unread
from backend.encoders.registry import find_encoder
from backend.errors import LabelConfigError
from backend.wrapped.heard import Heard, agreement
from backend.wrapped.numbers import WIDTH, numbers_of
from backend.wrapped.prediction import WrappedPrediction

BOXES = (
    '<View><Image name="i" value="$image"/><RectangleLabels name="b" toName="i">'
    '<Label value="red"/><Label value="blue"/></RectangleLabels></View>'
)
SOUND = (
    '<View><Audio name="a" value="$sound"/><Choices name="c" toName="a"><Choice value="x"/></Choices></View>'
)


def box(x: float, label: str, score: Any = None) -> dict[str, Any]:
    value = {"x": x, "y": 10, "width": 20, "height": 20, "rotation": 0, "rectanglelabels": [label]}
    told = {} if score is None else {"score": score}
    return {"from_name": "b", "to_name": "i", "type": "rectanglelabels", "value": value, **told}


def said(task: int, *regions: dict[str, Any], score: float | None = None, **more: Any) -> WrappedPrediction:
    made: dict[str, Any] = {"version": "v1", "made": 0.0, **more}
    return WrappedPrediction(task, result=regions, score=score, **made)


def test_its_regions_and_scores_are_told_in_numbers() -> None:
    found = numbers_of([3, 5, 9], [said(9), said(3, box(0, "red", 0.9), box(50, "blue", 0.5))])
    assert found.has.tolist() == [True, False, True]
    assert found.sure[0] == pytest.approx(0.7)
    assert math.isnan(found.sure[2])
    two = found.said[0]
    assert two[:8].tolist() == pytest.approx([math.log(3), math.log(3), 0.7, 0.5, 0.4, 1, 0, 0], abs=1e-6)
    assert sorted(two[8:][two[8:] > 0].tolist()) in ([0.5, 0.5], [1.0])
    assert found.said[2].tolist() == [0, 0, 0, 0, 0, 0, 1, 0, *[0] * (WIDTH - 8)]


def test_the_score_of_the_whole_counts_where_regions_have_none() -> None:
    found = numbers_of([1, 2], [said(1, box(0, "red"), score=0.25), said(2, box(0, "red", "?"), score=0.75)])
    assert found.sure.tolist() == [0.25, 0.75]


def test_a_verdict_is_what_the_control_says_of_agreement() -> None:
    control = parse_any_config(BOXES).main
    given = control.read([box(0, "red"), box(50, "blue")], "")
    assert given is not None
    right, half = said(1, box(1, "red", 0.3), box(50, "blue")), said(1, box(0, "red"))
    assert agreement(control, right, given, "") == 1
    assert agreement(control, half, given, "") == pytest.approx(2 / 3)
    assert agreement(control, said(1), given, "") == 0
    assert agreement(control, said(1), "[]", "") == 1


def unknown() -> LabelScheme:
    return parse_any_config(SOUND)


def test_what_nobody_knows_is_compared_by_what_the_regions_hold() -> None:
    control = unknown().main
    assert isinstance(control, Anything)
    one = {"id": "a", "from_name": "c", "type": "choices", "value": {"choices": ["x", "y"]}, "score": 0.5}
    other = {
        "id": "b",
        "from_name": "c",
        "type": "choices",
        "value": {"choices": ["y", "x"]},
        "origin": "manual",
    }
    assert control.read([one]) == control.read([other]) != control.read([])
    assert control.read(None) is None
    long = {**one, "value": {"rle": list(range(LONGEST))}}
    assert len(control.read([long]) or "") < 100
    assert control.read([long]) != control.read([one])


def test_a_scheme_of_anything_is_kept() -> None:
    scheme = unknown()
    assert LabelScheme.from_json(scheme.as_json()) == scheme
    assert isinstance(scheme.source, Unread)
    assert not scheme.source.is_read
    one, other = scheme.text_of({"sound": "a.wav"}), scheme.text_of({"sound": "b.wav"})
    assert one != other
    assert len(set(scheme.source.words_of([one, other]))) == 2


def test_content_of_a_kind_that_is_read_is_read_whatever_is_asked_of_it() -> None:
    config = '<View><Text name="t" value="$text"/><Ranker name="r" toName="t"/></View>'
    assert parse_any_config(config).text_of({"text": "so"}) == "so"


def test_a_config_that_asks_nothing_is_refused() -> None:
    with pytest.raises(LabelConfigError):
        parse_any_config('<View><Audio name="a" value="$sound"/></View>')


def test_lots_are_the_same_for_the_same_content_and_look_nowhere() -> None:
    encoder = find_encoder("lots").fit([""], seed=0)
    one, other = encoder.encode(["a", "b"]), encoder.encode(["b"])
    assert one[1].tolist() == other[0].tolist()
    many = encoder.encode([str(i) for i in range(500)])
    assert float(many.mean(0).norm()) < 0.2
    assert np.allclose(many.norm(dim=1), 1)


def test_versions_are_numbered_by_age() -> None:
    judged = {
        1: said(1, version="b", made=5.0),
        2: said(2, version="a", made=9.0),
        3: said(3, version="a", made=1.0),
    }
    assert Heard(numbers_of([], []), judged).ages() == {3: 0, 2: 0, 1: 1}
    assert Heard(numbers_of([], []), judged, since=8.0).ages() == {3: 0, 1: 1, 2: 2}
