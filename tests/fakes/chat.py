"""A server that speaks the OpenAI-compatible protocol, and writes what a test tells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import log
from typing import Any

from tests.fakes.wrapped import FakeBackend, served

KEY = "sk-open-sesame"
Writes = Callable[[str], tuple[str, float | None]]
"""Of a text: what is written, and the probability of each of its two tokens, None for none told."""


class FakeChat(FakeBackend):
    """writes: see above. A test may replace the answer of `/v1/chat/completions`, as of any path."""

    def __init__(self, writes: Writes) -> None:
        super().__init__()
        self.writes = writes

    @property
    def texts(self) -> list[str]:
        """That it was asked to write of, in order."""
        return [text_in(body["messages"][-1]["content"]) for body in self.bodies("/v1/chat/completions")]

    def _usual(self, path: str) -> Callable[[Any], Any]:
        known: dict[str, Callable[[Any], Any]] = {
            "/v1/models": lambda body: {"data": [{"id": "tiny"}]},
            "/v1/chat/completions": self.completion,
        }
        return known.get(path, lambda body: (404, b"no such page"))

    def completion(self, body: Any) -> dict[str, Any]:
        text, sure = self.writes(text_in(body["messages"][-1]["content"]))
        choice: dict[str, Any] = {"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        if sure is not None and body.get("logprobs"):
            choice["logprobs"] = {"content": [{"token": "t", "logprob": log(sure)} for _ in range(2)]}
        return {"choices": [choice]}


def text_in(content: str) -> str:
    found = re.fullmatch(r"<text (\w+)>\n(.*)\n</text \1>", content, re.S)
    assert found is not None, content
    return found[2]


@contextmanager
def chat_served(writes: Writes) -> Iterator[FakeChat]:
    chat = FakeChat(writes)
    with served(chat):
        yield chat
