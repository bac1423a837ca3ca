"""Templates to pages: all that is put into them is text, whatever it holds, unless a template made it."""

from __future__ import annotations

from typing import Any

from flask import Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from backend.pages import words
from backend.printable import printable_lines

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def _shown(value: Any) -> Any:
    """Nothing in a text hides a part of it, or turns its direction."""
    return printable_lines(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("backend.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = (words.whole, words.percent, words.measure)
    times = (words.span, words.moment, words.stamp, words.ago, words.lasting)
    texts = (words.shortened, words.sentence, words.coded)
    made.filters |= {word.__name__: word for word in (*numbers, *times, *texts)}
    return made


TEMPLATES = _environment()


def fragment(template: str, **values: Any) -> Markup:
    return Markup(TEMPLATES.get_template(template).render(**values))


def page(template: str, status: int = 200, **values: Any) -> Response:
    """A whole page, with its policy. It may tell our own pages alone where somebody comes from: their forms
    would else be sent by "null"."""
    response = Response(fragment(template, **values), status, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    return response
