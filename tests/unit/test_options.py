"""Options as users write them behind a strategy's name."""

from __future__ import annotations

from typing import Any

import pytest

from backend.sampling.options import written


@pytest.mark.parametrize(
    ("words", "read"),
    [
        ([], {}),
        (["round=2"], {"round": 2}),
        (["round=-2", "a=0"], {"round": -2, "a": 0}),
        (["within=10%"], {"within": 0.1}),
        (["within=0.5%"], {"within": 0.005}),
        (["share=.25"], {"share": 0.25}),
        (["share=1e-3"], {"share": 0.001}),
        (["head=article"], {"head": "article"}),
        (["head=x%"], {"head": "x%"}),
        (["a=--2"], {"a": "--2"}),
        (["a=-"], {"a": "-"}),
        (["a=\N{SUPERSCRIPT TWO}"], {"a": "\N{SUPERSCRIPT TWO}"}),
        (["a=b=c"], {"a": "b=c"}),
    ],
)
def test_what_is_written_is_read(words: list[str], read: dict[str, Any]) -> None:
    found = written("s", words)
    assert found == pytest.approx(read) if read and "within" in read else found == read
    assert [type(each) for each in found.values()] == [type(each) for each in read.values()]


@pytest.mark.parametrize("word", ["round", "=2", "round=", "=", ""])
def test_what_is_no_option_is_refused_with_what_to_write(word: str) -> None:
    with pytest.raises(ValueError, match=f"^strategy 'atlas': write options as name=value, not {word!r}$"):
        written("atlas", ["a=1", word])


def test_what_is_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^strategy 'atlas': round is given twice$"):
        written("atlas", ["round=1", "round=1"])
