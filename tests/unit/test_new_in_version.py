"""What the list of versions says that a version has and the one before it had not."""

from __future__ import annotations

from typing import Any

import pytest

from backend.pages.new_in_version import AGAIN, new_in

BEFORE = {
    "trained_on": 137,
    "tasks": 640,
    "strategy": "auto",
    "encoder": "lsa",
    "settings": {"folds": 5},
    "fingerprint": "a",
}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, AGAIN),
        ({"fingerprint": "b"}, "labels or texts changed"),
        ({"trained_on": 142, "fingerprint": "b"}, "+5 labels"),
        ({"trained_on": 136, "fingerprint": "b"}, "−1 label"),
        ({"tasks": 1_641, "fingerprint": "b"}, "+1,001 tasks"),
        ({"strategy": "margin"}, "strategy margin"),
        ({"trained_on": 138, "encoder": "use", "fingerprint": "b"}, "+1 label, encoder use"),
        ({"settings": {"folds": 4}}, "other settings"),
    ],
)
def test_versions_of_as_many_labels_say_how_they_differ(changed: dict[str, Any], said: str) -> None:
    assert new_in({**BEFORE, **changed}, BEFORE) == said


def test_nothing_is_said_where_it_is_not_known() -> None:
    older = {name: value for name, value in BEFORE.items() if name != "fingerprint"}
    assert new_in(BEFORE, None) == new_in(older, BEFORE) == new_in(BEFORE, older) == ""
