"""Requests to Label Studio's API: authentication, retries, bounds, and errors as ours.

The SDK does authentication (personal access tokens and legacy tokens) and retries; requests go through its
HTTP client. Its errors become ours at this edge. `LabelStudioBase` is all of that: what `LabelStudio` adds
imports much (a fifth of a process that talks to Label Studio), and nothing here asks it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx
from label_studio_sdk.base_client import LabelStudioBase
from label_studio_sdk.core.api_error import ApiError

from backend.errors import (
    AccessDenied,
    AnswerTooLarge,
    LabelStudioError,
    NotFound,
    Rejected,
    Unavailable,
    Unreachable,
)
from backend.labelstudio.answers import is_label_studios_own, parsed
from backend.labelstudio.bounds import BoundedTransport
from backend.labelstudio.reasons import reason_of
from backend.settings import Settings

MAX_REASON = 1000
"""Characters of an error of Label Studio's. Refusing a connection, it puts what the backend said (up to 300)
between some 200 of its own, and `refusals` looks for the end of that."""
Answer = TypeVar("Answer")
Client = TypeVar("Client", bound="Api")


class Api:
    """One Label Studio, as one user. A context manager that closes its connections.

    timeout: seconds for each call, from its first byte to its last.
    """

    def __init__(self, url: str, api_key: str, timeout: float = 300):
        self._url = url
        self._timeout = timeout
        with _translated(url):
            self._transport = BoundedTransport(url)
            self._http = httpx.Client(
                timeout=timeout,
                follow_redirects=True,
                event_hooks={"response": [_stay_with_label_studio]},
                transport=self._transport,
            )
            # The slash: without it the SDK would send the token beside a path that the URL has.
            self._sdk = LabelStudioBase(
                base_url=f"{url}/", api_key=api_key, timeout=timeout, httpx_client=self._http
            )

    @classmethod
    def from_settings(cls: type[Client], settings: Settings) -> Client:
        """Raises NotConfigured without an API key."""
        return cls(settings.label_studio_url, settings.api_key, settings.label_studio_timeout)

    def __enter__(self: Client) -> Client:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def authorization(self, renew: bool = False) -> str:
        """The header that Label Studio's own addresses want. renew: the last one was refused."""
        with _translated(self._url), self._transport.deadline.within(self._timeout):
            if renew:
                self._sdk._client_wrapper._tokens_client._access_token = None
            return str(self._sdk._client_wrapper.get_headers()["Authorization"])

    def _request(self, method: str, path: str, shape: Callable[[Any], Answer], **options: Any) -> Answer:
        """shape: makes of the answer's JSON what is wanted, and raises ValueError for what it cannot be.

        Raises Unavailable for such an answer, and LabelStudioError's other kinds for an error.
        """
        with _translated(self._url), self._transport.deadline.within(self._timeout):
            response = self._send(method, path, options)
            if response.status_code >= 400:
                raise ApiError(
                    headers=dict(response.headers), status_code=response.status_code, body=response.text
                )
            return shape(parsed(response.content))

    def _send(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        """Once more, with a new access token, where one is refused: Label Studio's clock may be ahead."""
        wrapper = self._sdk._client_wrapper
        response: httpx.Response = wrapper.httpx_client.request(path, method=method, **options)
        tokens = wrapper._tokens_client
        if response.status_code != 401 or tokens._use_legacy_token:
            return response
        tokens._access_token = None
        again: httpx.Response = wrapper.httpx_client.request(path, method=method, **options)
        return again


def _stay_with_label_studio(response: httpx.Response) -> None:
    """The key is for one server: a redirect elsewhere would take it along. Raises LabelStudioError."""
    if not response.has_redirect_location:
        return
    asked = response.request.url
    there = asked.join(response.headers["location"])
    same = (there.scheme, there.host, there.port) == (asked.scheme, asked.host, asked.port)
    if not same and (there.scheme, there.host, there.port, asked.port) != ("https", asked.host, None, None):
        raise LabelStudioError(
            f"Label Studio at {asked.scheme}://{asked.netloc.decode()} sends us on to {there.scheme}://"
            f"{there.host}, which is not followed. If that is right, set LABEL_STUDIO_URL to it."
        )


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """The SDK's and the HTTP client's errors as ours, in the words of the person who runs the backend."""
    try:
        yield
    except ApiError as error:
        raise _refusal(url, error) from error
    except httpx.TimeoutException as error:
        raise Unreachable(
            f"Label Studio at {url} does not answer in time ({type(error).__name__}: {error}). Check "
            "LABEL_STUDIO_URL, and LABEL_STUDIO_TIMEOUT: the seconds that a whole answer may take."
        ) from error
    except httpx.HTTPError as error:
        raise Unreachable(
            f"Label Studio at {url} does not answer ({type(error).__name__}: {error}). "
            "Check LABEL_STUDIO_URL."
        ) from error
    except AnswerTooLarge as error:
        raise AnswerTooLarge(f"Label Studio at {url} answers too much: {error}") from error
    except ValueError as error:  # an HTML page where JSON was expected, or other JSON
        raise Unavailable(
            f"{url} does not answer like Label Studio: {_short(error)}. "
            "Check LABEL_STUDIO_URL, and what stands between it and this backend."
        ) from error


def _refusal(url: str, error: ApiError) -> LabelStudioError:
    retry_after = _retry_after(error.headers)
    error.headers = None  # a session's cookie is among them, and tracebacks show them
    status = error.status_code or 0
    answered = f"Label Studio at {url} answered {error.status_code}: {_short(error.body)}"
    if status in (401, 403):
        return AccessDenied(
            f"Label Studio at {url} refused the API key ({error.status_code}): {_short(error.body)} "
            "Check LABEL_STUDIO_API_KEY; a legacy token works only where legacy tokens are enabled."
        )
    if status < 400 or status in (408, 429) or status >= 500:  # below 400: not the JSON it should be
        return Unavailable(answered, retry_after)
    if not is_label_studios_own(error.body, status):
        return Unavailable(
            f"{url} answered {error.status_code}, which is none of Label Studio's own answers: "
            f"{_short(error.body)} Check LABEL_STUDIO_URL, and what stands between it and this backend.",
            retry_after,
        )
    kind = {404: NotFound, 400: Rejected}.get(status, LabelStudioError)
    return kind(answered)


def _retry_after(headers: dict[str, str] | None) -> float:
    """Seconds, 0 where the header is missing. (It may be a date instead: then our own waits must do.)"""
    seconds = {key.lower(): value for key, value in (headers or {}).items()}.get("retry-after", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 10 else 0


def _short(body: object) -> str:
    return reason_of(body)[:MAX_REASON]
