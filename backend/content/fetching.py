"""One file, whole, within bounds on bytes, seconds and redirects, and from where it may come alone."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes, urlsplit

import httpx

from backend.content.addresses import Address, Place, origin
from backend.content.hosts import Hosts, Reach
from backend.content.transports import Roads
from backend.errors import NoContent, NoContentNow
from backend.unpacking import unpacked

MAX_REDIRECTS = 5
_MOVED = {301, 302, 303, 307, 308}
_PASSING = {408, 425, 429}
Turn = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True)
class Bounds:
    """Of one file: bytes, and seconds from the first byte asked to the last one read, redirects included."""

    bytes: int = 32 * 2**20
    seconds: float = 30


@dataclass(frozen=True)
class Fetched:
    """content: None where it is still what the ETag asked with stands for."""

    content: bytes | None
    etag: str = ""


class Fetcher:
    """Safe to share between threads.

    authorization: the header that Label Studio wants, a new one where told that the last was refused.
    turn: held while Label Studio is asked, which serves everybody from one process.
    """

    def __init__(
        self,
        place: Place,
        hosts: Hosts,
        authorization: Callable[[bool], str],
        *,
        bounds: Bounds | None = None,
        turn: Turn = nullcontext,
    ):
        self._place = place
        self._hosts = hosts
        self._authorization = authorization
        self._bounds = bounds or Bounds()
        self._turn = turn
        self._roads = Roads(place.url)

    def close(self) -> None:
        self._roads.close()

    def fetch(self, address: Address, etag: str = "") -> Fetched:
        """Raises NoContent with the reason; NoContentNow where another try may help."""
        if address.url[:5].lower() == "data:":
            return Fetched(inline(address.url, self._bounds.bytes))
        with (
            self._turn() if address.at_label_studio else nullcontext(),
            self._roads.within(self._bounds.seconds),
        ):
            try:
                return self._follow(address, etag)
            except httpx.TimeoutException as error:
                raise NoContentNow(f"{_host(address.url)} does not answer in time") from error
            except httpx.HTTPError as error:
                raise NoContentNow(f"{_host(address.url)} does not answer ({error})") from error
            except httpx.InvalidURL as error:
                raise NoContent(f"its address is none: {error}") from error

    def _follow(self, address: Address, etag: str) -> Fetched:
        url, behind_label_studio = httpx.URL(address.url), address.at_label_studio
        for _ in range(MAX_REDIRECTS + 1):
            reach = self._reach(url, behind_label_studio)
            with closing(self._ask(url, reach, etag)) as answer:
                if answer.status_code not in _MOVED or "location" not in answer.headers:
                    return self._read(answer, url)
                url = url.join(answer.headers["location"])
            if url.scheme not in ("http", "https"):
                raise NoContent(f"it is redirected to an address of {url.scheme[:20] or 'no kind'}")
        raise NoContent(f"it is redirected more than {MAX_REDIRECTS} times")

    def _reach(self, url: httpx.URL, behind_label_studio: bool) -> Reach:
        """Raises NoContent for a server that may not be asked."""
        if self._is_label_studio(url):
            return Reach.ANYWHERE
        named = self._hosts.reach(url.raw_host.decode("ascii"), url.port)
        if named is Reach.NOWHERE and behind_label_studio:  # a bucket's signed address
            return Reach.PUBLIC
        if named is Reach.NOWHERE:
            raise NoContent(f"{_netloc(url)} is not among CONTENT_HOSTS")
        return named

    def _ask(self, url: httpx.URL, reach: Reach, etag: str) -> httpx.Response:
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "label-studio-atlas"}
        if etag:
            headers["If-None-Match"] = etag
        if not self._place.serves(str(url)):
            return self._roads.ask(url, headers, None if self._is_label_studio(url) else reach)
        answer = self._roads.ask(url, {**headers, "Authorization": self._authorization(False)}, None)
        if answer.status_code != 401:
            return answer
        answer.close()
        return self._roads.ask(url, {**headers, "Authorization": self._authorization(True)}, None)

    def _is_label_studio(self, url: httpx.URL) -> bool:
        return origin(str(url)) == origin(self._place.url)

    def _read(self, answer: httpx.Response, url: httpx.URL) -> Fetched:
        status, etag = answer.status_code, answer.headers.get("etag", "")
        if status == 304:
            return Fetched(None, etag)
        if status in _PASSING or status >= 500:
            raise NoContentNow(f"{_netloc(url)} answers {status}")
        if status != 200:
            raise NoContent(f"{_netloc(url)} answers {status}")
        most = self._bounds.bytes
        length = answer.headers.get("content-length", "")
        if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > most):
            raise NoContent(_too_large(most))
        content = bytearray()
        for part in unpacked(answer):
            content += part
            if len(content) > most:
                raise NoContent(_too_large(most))
        return Fetched(bytes(content), etag)


def inline(url: str, most: int) -> bytes:
    """The content of a data URI (RFC 2397). Raises NoContent."""
    head, comma, body = url[5:].partition(",")
    if not comma:
        raise NoContent("its data: address holds no data")
    if len(body) > 4 * most:
        raise NoContent(_too_large(most))
    content = unquote_to_bytes(body)
    if head.lower().rstrip().endswith(";base64"):
        try:
            content = base64.b64decode(b"".join(content.split()), validate=True)
        except binascii.Error as error:
            raise NoContent(f"its data: address is not in base64 ({error})") from error
    if len(content) > most:
        raise NoContent(_too_large(most))
    return content


def _too_large(most: int) -> str:
    return f"it has more than {most / 2**20:.4g} MB, CONTENT_MAX_MB"


def _host(url: str) -> str:
    return urlsplit(url).netloc.rsplit("@", 1)[-1][:100]


def _netloc(url: httpx.URL) -> str:
    return url.netloc.decode("ascii", "replace")[:100]
