"""Addresses that people type: what is wrong with one, in words that say how it must be."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_PAGE = re.compile(r"/(projects|user|organization|people|tasks|data|api|docs)(/.*)?$")
"""What the address of one of Label Studio's own pages goes on with."""


def label_studio_address(typed: str) -> str:
    """Without blanks around it and slashes at its end. Raises ValueError for what can only answer 404."""
    url = typed.strip()
    if not url.startswith(("http://", "https://")):
        raise ValueError("must start with http:// or https://, as in http://localhost:8080")
    _check_characters(url)
    parts = urlsplit(url)
    if "@" in parts.netloc:  # error messages tell the address
        raise ValueError("must hold no user and password: LABEL_STUDIO_API_KEY is what counts")
    if not parts.hostname:
        raise ValueError("must name a host, as http://localhost:8080 does")
    _check_port(parts)
    page = _PAGE.search(parts.path)
    if page:
        rest = f"{parts.scheme}://{parts.netloc}{parts.path[: page.start()]}"
        raise ValueError(f"leave out {page.group()}: Label Studio's own address is wanted, such as {rest}")
    if parts.query or parts.fragment:
        raise ValueError("must hold no ? and no #: Label Studio's own address is wanted")
    return url.rstrip("/")


def _check_characters(url: str) -> None:
    """Raises ValueError for what no client accepts in an address."""
    if re.search(r"\s", url):
        raise ValueError("must hold no spaces")
    if not url.isprintable():
        raise ValueError("must hold no control characters: type it anew")


def _check_port(parts: SplitResult) -> None:
    try:
        parts.port  # noqa: B018  raises ValueError for what is no port
    except ValueError as error:
        raise ValueError("must have a port between 0 and 65535, as in http://localhost:8080") from error


def host_in_url(host: str) -> str:
    """As it stands in a URL: an IPv6 address in brackets."""
    bare = host.strip("[]")
    return f"[{bare}]" if ":" in bare else bare


def address_of_backend(typed: str) -> str:
    """Without blanks around it and a slash at its end. Raises ValueError for what is none of a backend."""
    url = typed.strip().rstrip("/")
    _check_characters(url)
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        likely = f"http://{url.split('://')[-1]}"
        raise ValueError(f"{url!r} is no address of a backend: it begins with http://, as in {likely}")
    _check_port(parts)
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("give the backend's address without user, password, ? and #: http://HOST:PORT")
    return url


def is_loopback(url: str) -> bool:
    """Whether it leads to this machine: then no proxy is to be asked, whatever HTTP_PROXY says."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
