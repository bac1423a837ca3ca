"""Requests to a wrapped ML backend, as Label Studio would send them, within bounds on time and bytes.

Its address was allowed by whoever runs this backend (`backend.wrapped.address`); no redirect is followed, so
that it stays the one that is asked. Connections are kept between calls.
"""

from __future__ import annotations

import copy
import json
import logging
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import httpx

from backend.errors import (
    AnswerTooLarge,
    WrappedAway,
    WrappedFails,
    WrappedGarbage,
    WrappedRefuses,
    WrappedSlow,
)
from backend.labelstudio.bounds import BoundedTransport
from backend.page_title import MAX_CHARS, page_in_words
from backend.wrapped.answers import Answer, read_answer, version_in
from backend.wrapped.prediction import digest_of
from backend.wrapped.target import Target

logger = logging.getLogger(__name__)

HEALTH_SECONDS, SETUP_SECONDS, PREDICT_SECONDS, EVENT_SECONDS = 5.0, 30.0, 90.0, 100.0
"""That each may take; Label Studio would wait 1, 3, 100 and 100, with an annotator at its other end."""
MAX_ANSWER = 64 * 2**20
"""Bytes of one answer."""
SHOWN = 200
"""Characters of an error that its own error shows."""


class WrappedBackend:
    """Somebody else's ML backend, asked for one project. Safe to share between threads. A context manager
    that closes its connections. Raises WrappedBackendError's kinds.

    target: where it is, and by which credentials it answers; project: as Label Studio names it to backends,
    "7.1795472207"; label_config: the project's.
    """

    def __init__(self, target: Target, project: str, label_config: str):
        self.target = target
        self._project = project
        self.label_config = label_config
        self._transport = BoundedTransport(target.url, MAX_ANSWER)
        self._headers = {"User-Agent": "label-studio-atlas", "Accept": "*/*", "Accept-Encoding": "identity"}
        if target.basic_auth is not None:
            known = ":".join(target.basic_auth).encode()
            self._headers["Authorization"] = f"Basic {b64encode(known).decode()}"

    def __enter__(self) -> WrappedBackend:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def about(self, project: str, label_config: str) -> WrappedBackend:
        """The same over the same connections, as Label Studio names the project, and asks, just now."""
        other = copy.copy(self)
        other._project, other.label_config = project, label_config
        return other

    def health(self, seconds: float = HEALTH_SECONDS) -> None:
        """Whether it answers as an ML backend does."""
        _json(self._ask("GET", "health", None, seconds))

    def setup(self, *, hostname: str = "", seconds: float = SETUP_SECONDS) -> str | None:
        """Tell it the label config. Returns its model's version, None where it tells none.

        hostname: Label Studio's address. It is given no token of ours: what it needs of Label Studio it has
        from its own settings.
        """
        body = {
            "project": self._project,
            "schema": self.label_config,
            "hostname": hostname,
            "access_token": "",
            "extra_params": self.target.extra_params,
        }
        said = _json(self._ask("POST", "setup", body, seconds))
        return version_in(said.get("model_version")) if isinstance(said, dict) else None

    def predict(
        self,
        tasks: Sequence[Mapping[str, Any]],
        context: Any = None,
        *,
        seconds: float = PREDICT_SECONDS,
        version: str | None = None,
    ) -> Answer:
        """tasks: as Label Studio has them, with `id` and `data`; context: of an interactive request; version:
        of its model as it last said, for answers that name none."""
        body = {
            "tasks": tasks,
            "project": self._project,
            "label_config": self.label_config,
            "params": {"login": None, "password": None, "context": context},
        }
        made = time.time()
        content = self._ask("POST", "predict", body, seconds)
        answer = read_answer(content, [int(task["id"]) for task in tasks], version, made)
        about = [digest_of(task.get("data")) for task in tasks]
        said = zip(answer.predictions, about, strict=True)
        return replace(answer, predictions=[each and replace(each, about=what) for each, what in said])

    def forward(self, event: Mapping[str, Any], *, seconds: float = EVENT_SECONDS) -> Any:
        """A webhook's event, START_TRAINING among them. Returns what it answers, None where that is no JSON:
        of that nothing depends. Never repeated here: who must not lose one asks again."""
        content = self._ask("POST", "webhook", event, seconds)
        try:
            return _json(content)
        except WrappedGarbage:
            return None

    def _ask(self, method: str, path: str, body: Any, seconds: float) -> bytes:
        """The answer's body."""
        url = f"{self.target.url}/{path}"
        try:
            request = self._request(method, url, body, seconds)
            with self._transport.deadline.within(seconds):  # by itself: no cookies, no redirects
                answer = self._transport.handle_request(request)
        except httpx.TimeoutException as error:
            raise WrappedSlow(f"{url} does not answer within {seconds:.3g} s") from error
        except httpx.InvalidURL as error:
            raise WrappedAway(f"{url} is no address that can be called ({error})") from error
        except httpx.HTTPError as error:
            raise WrappedAway(f"{url} does not answer ({error or type(error).__name__})") from error
        except AnswerTooLarge as error:
            raise WrappedGarbage(f"{url}: {error}") from error
        self._check(answer, url)
        return answer.content

    def _request(self, method: str, url: str, body: Any, seconds: float) -> httpx.Request:
        timeout = {"timeout": httpx.Timeout(seconds).as_dict()}
        if body is None:
            return httpx.Request(method, url, headers=self._headers, extensions=timeout)
        headers = {**self._headers, "Content-Type": "application/json"}
        content = json.dumps(body).encode()
        return httpx.Request(method, url, headers=headers, content=content, extensions=timeout)

    def _check(self, answer: httpx.Response, url: str) -> None:
        status = answer.status_code
        if status < 300:
            return
        text = answer.content[:MAX_CHARS].decode("utf-8", "replace")
        said = (page_in_words(text) or " ".join(text.split()))[:SHOWN]
        shown = f": {said}" if said else ""
        if status in (401, 403):
            raise WrappedRefuses(f"{url} answers {status}, it wants other credentials{shown}")
        if status < 400:
            raise WrappedGarbage(f"{url} sends us on (status {status}), which is not followed")
        raise WrappedFails(f"{url} answers {status}{shown}")


def _json(content: bytes) -> Any:
    """Raises WrappedGarbage."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        shown = " ".join(content[:SHOWN].decode("utf-8", "replace").split()) or "nothing"
        raise WrappedGarbage(f"JSON was expected, and it answers {shown}") from error
