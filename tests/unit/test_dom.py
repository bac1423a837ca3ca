"""The text of a page in which Label Studio's editor counts characters."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backend.controls.dom import dom_text
from tests.unit.test_content import PIECES

PAGES: list[tuple[str, str, str | None]] = [
    ("<p>a &amp; b<br>c</p>\r\n<p>d\r\r\ne</p> ", "a & b\nc\nd\n\ne ", None),
    (" \n<style>x{}</style> hi <style>y &amp; z</style>q", " \nx{} hi y &amp; zq", "hi y &amp; zq"),
    ("<html><head><title>T</title> </head> <body> x</body> \n</html> \n", "T   x \n \n", " x \n \n"),
    ("<pre>\n\na</pre>b<pre>\n<b>\nx</b></pre>", "\nab\nx", None),
    ("a<!-- b -->c<script>if(1<2)x()</script>d<!doctype html>e", "acde", None),
    ("x<template>t</template>y<iframe src='q'>q</iframe>z</br>w</p>v", "xyz\nwv", None),
    ("<textarea>\nq &amp; r</textarea>s<select><option>o</option></select>t", "q & rsot", None),
    ("a<noscript><p>hi</p></noscript>b<svg><text>t</text></svg>", "a<p>hi</p>bt", None),
    ("<table>\n<tr>\n<td>a</td>\n</tr> </table>\nb", "\n\na\n \nb", None),
    (
        "1 < 2 &lt; 3 &nbsp;4 &#13;5 &#x1F600; &copy 6 &amp;amp;",
        "1 < 2 < 3 \xa04 \n5 \U0001f600 \xa9 6 &amp;",
        None,
    ),
    ("<ul><li>a<li>b</ul><p>c<p>d", "abcd", None),
    ("\U0001f468\u200d\U0001f469 fam\u0301<b>bo</b>ld", "\U0001f468\u200d\U0001f469 fam\u0301bold", None),
    ("a<title>t &amp; u</title>b<xmp><i>x</i></xmp>c", "at & ub<i>x</i>c", None),
    ("<div>a</div><p>b <!-- c > d --> e</p><![CDATA[x]]>y<?php z ?>w", "ab  eyw", None),
    ("plain\n\n text  with   spaces\t\ttab", "plain\n\n text  with   spaces\t\ttab", None),
    ("<a href='x>y' title=\"<br>\">z</a><img src=x>w<hr>v", "zwv", None),
]
"""HTML, its text within the editor's page, and its text in a page of its own where that is another."""


@pytest.mark.parametrize(("html", "inline", "alone"), PAGES)
def test_a_page_has_the_text_that_a_browser_gives_it(html: str, inline: str, alone: str | None) -> None:
    """As tests/e2e/test_spans.py sees it in one."""
    assert dom_text(html, True) == inline
    assert dom_text(html, False) == (inline if alone is None else alone)


@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
@example("<![")
@example("&#" + "9" * 5000 + ";")
def test_whatever_is_no_html_has_a_text_too(html: str) -> None:
    assert dom_text(html, True).endswith(dom_text(html, False))


@pytest.mark.parametrize("piece", [*PIECES, "<pre>", "<br>", "<noscript>", "</title>"])
def test_broken_html_takes_no_more_than_its_lengths_time(piece: str) -> None:
    def seconds(length: int) -> float:
        html = piece * (length // len(piece))
        started = time.process_time()
        dom_text(html, False)
        return time.process_time() - started

    assert seconds(160_000) < 32 * max(seconds(20_000), 2e-3)
