"""An annotation with more spans than a person draws."""

from __future__ import annotations

import sys
from typing import Any

from backend.controls.span_answers import Span, answer_of, settled_spans, spans_in
from backend.controls.votes import Vote
from tests.unit.test_spans import spans


def test_spans_without_end_are_not_compared_each_with_each() -> None:
    n = 1_000
    ours = answer_of(Span(10 * i, 10 * i + 1, "PER") for i in range(n))
    theirs = answer_of(Span(10 * i + 5, 10 * i + 6, None if i % 2 else "LOC") for i in range(n))
    calls = 0

    def count(frame: Any, event: str, what: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        settled = settled_spans([Vote("1", ours), Vote("2", theirs)], {})
        agreement = spans().agreement(ours, theirs)
    finally:
        sys.setprofile(None)
    assert {span.label for span in spans_in(settled)} == {None}
    assert agreement == 0
    assert calls < 100 * n
