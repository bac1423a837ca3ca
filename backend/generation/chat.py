"""A model behind an OpenAI-compatible address, asked within bounds on time, bytes and tries.

The key goes into one header, and is masked in what is shown of the server's answers. No redirect is
followed: the texts go where the operator said.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx

from backend.errors import AnswerTooLarge, GenerationError, NotWritten
from backend.generation.named import NamedModel
from backend.generation.prompt import messages
from backend.generation.written import LONGEST, Example, Written, sureness
from backend.labelstudio.bounds import BoundedTransport
from backend.wrapped.answers import finite_json

TRIES, FIRST_PAUSE, LONGEST_PAUSE = 4, 1.0, 20.0
"""For one text, and seconds between them: twice as long each time, or as long as the server says."""
AGAIN = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which it is asked once more."""
MOST_TOKENS = 1024
"""That it may write of one text."""
MAX_ANSWER = 4 * 2**20
"""Bytes of one answer."""
CHECK_SECONDS = 10.0
REST_AT_MOST = 3600.0
"""Seconds that are believed of a Retry-After."""
ABOUT_THE_ACCOUNT = frozenset({401, 402, 403, 429})
"""Statuses of which no word of the server's is shown: providers repeat a key's end or the account there."""
SHOWN = 200
"""Characters of an answer that an error shows."""
NEWER = {"max_tokens": "max_completion_tokens"}
"""Another name of what is asked for, where a server does not know the first."""
MAY_LACK = ("logprobs", "temperature", "max_completion_tokens")
"""What is left out where a server does not know it."""
TOO_LONG = ("context length", "context window", "too large", "too long")
"""What servers say where a text and what may be written of it do not fit."""
LOOK_AT_ADDRESS = "Is GENERATION_URL the address of an OpenAI-compatible API, such as https://HOST/v1?"


class ChatModel:
    """A `Writer`. sleep: waits so many seconds."""

    def __init__(self, named: NamedModel, sleep: Callable[[float], object] = time.sleep):
        self._named = named
        self._sleep = sleep
        self._transport = BoundedTransport(named.url, MAX_ANSWER)
        self._http = httpx.Client(
            transport=self._transport,
            headers={
                "Authorization": f"Bearer {named.key}",
                "User-Agent": "label-studio-atlas",
                "Accept-Encoding": "identity",
            },
            follow_redirects=False,
        )
        self._options: dict[str, Any] = {"max_tokens": MOST_TOKENS, "temperature": 0, "logprobs": True}

    def close(self) -> None:
        self._http.close()

    def check(self) -> None:
        """By its list of models, which costs nothing; a server that has none is there, too."""
        answer = self._once("GET", "models", None, CHECK_SECONDS)
        if answer.status_code not in (404, 405, 501):
            self._raise_for(answer)

    def write_each(
        self, instruction: str, examples: Sequence[Example], texts: Iterator[str], seconds: float
    ) -> Iterator[Written | None]:
        """One by one. No text is an example of itself."""
        for text in texts:
            others = [each for each in examples if each.text != text]
            yield self.write(instruction, others, text, seconds)

    def write(self, instruction: str, examples: Sequence[Example], text: str, seconds: float) -> Written:
        body = {"model": self._named.name, "messages": messages(instruction, examples, text)}
        until, options = time.monotonic() + seconds, self._options
        answer = self._answer(body | options, until)
        while answer.status_code in (400, 422) and (fewer := _fewer(options, answer)) is not None:
            options = fewer
            answer = self._answer(body | options, until)
        self._raise_for(answer)
        self._options = options  # it knows no others
        return self._read(answer.content)

    def _answer(self, body: dict[str, Any], until: float) -> httpx.Response:
        """The first that is final, or the last of TRIES within the time."""
        pause = FIRST_PAUSE
        for left in reversed(range(TRIES)):
            answer = self._once("POST", "chat/completions", body, until - time.monotonic())
            wait = max(pause, _retry_after(answer))
            is_last = not left or wait > min(LONGEST_PAUSE, until - time.monotonic())
            if answer.status_code not in AGAIN or is_last:
                return answer
            self._sleep(wait)
            pause *= 2
        raise AssertionError("unreachable")

    def _once(self, method: str, path: str, body: Any, seconds: float) -> httpx.Response:
        url, content = f"{self._named.url}/{path}", None if body is None else json.dumps(body).encode()
        headers = {} if content is None else {"Content-Type": "application/json"}
        try:
            with self._transport.deadline.within(seconds):
                return self._http.request(method, url, content=content, headers=headers, timeout=seconds)
        except httpx.TimeoutException as error:
            raise NotWritten(
                f"{url} does not answer within {seconds:.3g} s",
                "Raise WRAPPED_TIMEOUT, or name a quicker model.",
                failure="slow",
            ) from error
        except AnswerTooLarge as error:
            raise NotWritten(f"{url}: {error}", LOOK_AT_ADDRESS, failure="garbage") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise GenerationError(
                f"{url} does not answer ({self._masked(str(error)) or type(error).__name__})",
                "Start it, or correct GENERATION_URL.",
                failure="away",
            ) from error

    def _raise_for(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status < 300:
            return
        shown = "" if status in ABOUT_THE_ACCOUNT else self._shown(answer.content)
        said = f"{self._named.url} answers {status}{shown}"
        if status < 400:
            raise GenerationError(f"{said}, and sends us on, which is not followed", LOOK_AT_ADDRESS)
        if status in (401, 403):
            raise GenerationError(said, "Set GENERATION_KEY to a key that it lets in.", failure="refuses")
        if status in (402, 429):
            rest = _retry_after(answer)
            remedy = "It has too much to do, or your account has used up what it may: see there."
            raise GenerationError(said, remedy, rest=rest, failure="busy")
        if status == 404:
            raise GenerationError(said, f"Does it have the model {self._named.name}? {LOOK_AT_ADDRESS}")
        raise NotWritten(said, "Look into its own log, or its provider's page of faults.")

    def _read(self, content: bytes) -> Written:
        """Raises NotWritten for what is no such answer."""
        try:
            choice = finite_json(content)["choices"][0]
            text = choice["message"]["content"]
            if not isinstance(text, str) and text is not None:
                raise TypeError("no text")
        except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
            raise NotWritten(
                f"{self._named.url} answers what no chat API answers{self._shown(content)}",
                LOOK_AT_ADDRESS,
                failure="garbage",
            ) from error
        clean = (text or "").replace("\0", "").encode("utf-8", "replace").decode()
        return Written(clean.strip()[:LONGEST], sureness(_log_probabilities(choice)))

    def _shown(self, content: bytes) -> str:
        text = " ".join(self._masked(content[: 8 * SHOWN].decode("utf-8", "replace")).split())
        return f": {text[:SHOWN]}" if text else ""

    def _masked(self, text: str) -> str:
        """Some servers say in their error which key was wrong, or its end."""
        return text.replace(self._named.key, "***")


def _fewer(options: dict[str, Any], answer: httpx.Response) -> dict[str, Any] | None:
    """The options but for one that the server says it does not know, or under the name that it knows; None
    where it names none, and where the text is too long for it: the bound on what it writes stays."""
    said = answer.content.decode("utf-8", "replace")  # in no charset that the server names
    if any(word in said.casefold() for word in TOO_LONG):
        return None
    for name, newer in NEWER.items():
        if name in options and name in said:
            return {**{n: value for n, value in options.items() if n != name}, newer: options[name]}
    unknown = next((name for name in MAY_LACK if name in options and name in said), None)
    return None if unknown is None else {n: value for n, value in options.items() if n != unknown}


def _log_probabilities(choice: dict[str, Any]) -> Any:
    """Of the tokens that it wrote, None where it does not tell."""
    told = choice.get("logprobs")
    tokens = told.get("content") if isinstance(told, dict) else None
    if not isinstance(tokens, list):
        return None
    return [each.get("logprob") if isinstance(each, dict) else None for each in tokens]


def _retry_after(answer: httpx.Response) -> float:
    """Seconds that it asks to be left alone; 0 where it says none, or a date."""
    try:
        seconds = float(answer.headers.get("Retry-After", "0"))
    except ValueError:
        return 0.0
    return min(seconds, REST_AT_MOST) if seconds > 0 else 0.0
