"""A page of HTML in the place of an answer is told by its title, whatever stands in it."""

from __future__ import annotations

import pytest

from backend.page_title import page_in_words


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("<html><title> Bad\n gateway </title>", 'a web page, "Bad gateway"'),
        ("<html><body><h1>Oh &amp; no</h1>", 'a web page, "Oh & no"'),
        ("<html>", "a web page"),
        ('{"title": "<title>"}', None),
    ],
)
def test_by_its_title(page: str, told: str | None) -> None:
    assert page_in_words(page) == told


def test_a_number_without_end_in_a_title_is_no_error() -> None:
    told = page_in_words("<html><title>&#" + "9" * 5_000 + ";</title>")
    assert told is not None
    assert len(told) < 600
