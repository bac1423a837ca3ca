"""Numbers, times and names on a page read as people say them, whatever they are."""

from __future__ import annotations

from typing import Any

import pytest
from markupsafe import Markup

from backend.pages import words
from backend.pages.rendering import TEMPLATES, fragment

NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567.4, "1,234,567"), (0.4, "0"), (-5, "-5")],
)
def test_whole_numbers_have_commas(number: float, said: str) -> None:
    assert words.whole(number) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [(None, "–"), (0, "0 %"), (1, "100 %"), (0.004, "0 %"), (0.996, "100 %"), (0.333, "33 %"), (0.5, "50 %")],
)
def test_a_share_is_told_in_percent_that_stay_beside_their_number(share: float | None, said: str) -> None:
    assert words.percent(share) == said.replace(" ", NBSP)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 seconds"),
        (0.4, "0 seconds"),
        (1, "1 second"),
        (59, "59 seconds"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (60 * 60, "60 minutes"),
        (90 * 60, "2 hours"),
        (35 * 3_600, "35 hours"),
        (36 * 3_600, "2 days"),
        (400 * 86_400, "400 days"),
    ],
)
def test_a_time_is_told_by_the_unit_that_people_would_use(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


@pytest.mark.parametrize(
    ("iso", "said"),
    [
        ("2026-11-27T20:00:00+00:00", "2026-11-27 20:00 UTC"),
        ("2026-11-27T20:00:00+02:00", "2026-11-27 18:00 UTC"),
        (None, "–"),
        ("", "–"),
        ("yesterday", "–"),
        ("<script>", "–"),
        ("9999-12-31T23:59:59-23:00", "–"),
        ("0001-01-01T00:00:00+23:00", "–"),
        ("2026-13-01T00:00:00", "–"),
        ("9" * 5_000, "–"),
        ("\ud800", "–"),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_moment_that_is_none_is_a_dash(iso: str | None, said: str) -> None:
    assert words.stamp(iso) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("f1", "F1"),
        ("iou", "IoU"),
        ("mean_iou", "IoU"),
        ("map50", "mAP@0.5"),
        ("mean_absolute_error", "Mean absolute error"),
        ("precision", "Precision"),
        ("", ""),
    ],
)
def test_a_measure_has_a_name(name: str, said: str) -> None:
    assert words.measure(name) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("a worker is down", "A worker is down."),
        ("Done.", "Done."),
        ("really?", "Really?"),
        ("stop!", "Stop!"),
        ("50% of it", f"50{NBSP}% of it."),
        ("100 % of 5%", f"100 % of 5{NBSP}%."),
        ("%s", "%s."),
        ("éa", "Éa."),
    ],
)
def test_a_sentence_begins_and_ends_as_one(text: str, said: str) -> None:
    assert words.sentence(text) == said


@pytest.mark.parametrize(
    ("text", "most", "said"),
    [
        ("a b", 3, "a b"),
        ("a b c", 4, "a b…"),
        ("  a \n\t b  ", 160, "a b"),
        ("", 160, ""),
        ("x" * 160, 160, "x" * 160),
        ("x" * 161, 160, "x" * 159 + "…"),
    ],
)
def test_a_text_is_cut_to_a_line(text: str, most: int, said: str) -> None:
    assert words.shortened(text, most) == said


@pytest.mark.parametrize(
    ("text", "markup"),
    [
        ("run `up` again", "run <code>up</code> again"),
        ("`a` and `b`", "<code>a</code> and <code>b</code>"),
        ("no code", "no code"),
        ("half `open", "half <code>open</code>"),
        ("`<b>` & <i>", "<code>&lt;b&gt;</code> &amp; &lt;i&gt;"),
        ("a\x1b[2J`\u202eb`", "a\\x1b[2J<code>\\u202eb</code>"),
        ("one\ntwo", "one\ntwo"),
        ("", ""),
    ],
)
def test_what_stands_between_backticks_is_code_and_all_else_text(text: str, markup: str) -> None:
    assert words.coded(text) == Markup(markup)


HOSTILE: list[tuple[Any, str]] = [
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ('"><img src=x onerror=y>', "&#34;&gt;&lt;img src=x onerror=y&gt;"),
    ("{{7*7}}{% raw %}", "{{7*7}}{% raw %}"),
    ("\u202eabc\u2066", "\\u202eabc\\u2066"),
    ("a\x1b[2J\x00", "a\\x1b[2J\\x00"),
    ("\ud800", "\\ud800"),
    ("one\ntwo", "one\ntwo"),
    (Markup("<b>ours</b>"), "<b>ours</b>"),
    (5, "5"),
    (None, "None"),
]


@pytest.mark.parametrize(("value", "shown"), HOSTILE, ids=lambda value: ascii(value)[:30])
def test_whatever_a_template_shows_is_text(value: Any, shown: str) -> None:
    assert TEMPLATES.from_string("{{ value }}").render(value=value) == shown


def test_a_name_that_a_template_does_not_know_is_a_fault_and_not_nothing() -> None:
    with pytest.raises(Exception, match="'gone' is undefined"):
        TEMPLATES.from_string("{{ gone }}").render()
    with pytest.raises(Exception, match="is undefined"):
        fragment("sections/who.html")
