"""What the demo draws and asks: outlines within their circle, answers that its own controls read again."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from backend.controls.config import parse_label_config
from backend.demo.asked import BOXES, CLASSES, SPANS
from backend.demo.data import DemoData
from backend.demo.shapes import SHAPES


@pytest.mark.parametrize("name", SHAPES)
def test_an_outline_stays_within_its_circle_and_encloses_something(name: str) -> None:
    drawn = [SHAPES[name](np.random.default_rng(seed)) for seed in range(6)]
    for outline in drawn:
        assert outline.shape[1] == 2
        assert outline.dtype == np.float64
        assert np.isfinite(outline).all()
        assert np.hypot(*outline.T).max() <= 1.35
        x, y = outline.T
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        assert 0.1 < area < 4
    assert np.array_equal(drawn[0], SHAPES[name](np.random.default_rng(0)))


LABELS = ["a", '<"b">', "c & d", "\u202ex", "'"]


@pytest.mark.parametrize("asked", [CLASSES, SPANS, BOXES], ids=["classes", "spans", "boxes"])
def test_labels_of_any_characters_are_asked_for(asked: Any) -> None:
    about = "Text" if asked is not BOXES else "Image"
    tag = f'<{about} name="item" value="$item"/>'
    scheme = parse_label_config(f"<View>{tag}{asked.controls('item', LABELS)}</View>")
    assert sorted(scheme.main.classes) == sorted(LABELS)


def test_a_class_is_submitted_as_a_choice() -> None:
    assert CLASSES.found_in("a") == ["a"]
    assert CLASSES.regions("item", "a", "text") == [
        {"from_name": "label", "to_name": "item", "type": "choices", "value": {"choices": ["a"]}}
    ]


def test_spans_are_submitted_without_a_score() -> None:
    answer = '[[0, 3, "PER"], [4, 7, "LOC"]]'
    assert sorted(SPANS.found_in(answer)) == ["LOC", "PER"]
    regions = SPANS.regions("item", answer, "Ann Ulm")
    assert [each["value"]["labels"] for each in regions] == [["PER"], ["LOC"]]
    assert [each["value"]["text"] for each in regions] == ["Ann", "Ulm"]
    assert not any("score" in each for each in regions)
    assert SPANS.found_in("[]") == []


@pytest.mark.parametrize(
    ("pool", "rare", "share"),
    [
        (["a", "a", "b"], "b", 1 / 3),
        (["a", "b"], "a", 1 / 2),
        (["x"] * 9 + ["y"], "y", 1 / 10),
    ],
)
def test_the_rare_label_is_the_one_that_is_found_least(pool: list[str], rare: str, share: float) -> None:
    data = DemoData([(f"t{i}", label) for i, label in enumerate(pool)], [("h", "a")])
    assert data.labels == sorted({*pool, "a"})
    pooled = DemoData([(f"t{i}", label) for i, label in enumerate(pool)], [])
    assert pooled.rare == rare
    assert pooled.rare_share == pytest.approx(share)
    assert pooled.rare_in(pool) == Counter(pool)[rare]
