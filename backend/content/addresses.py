"""Where the content is that a task's data names: at Label Studio, in a storage behind it, elsewhere."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from backend.errors import NoContent

STORAGES = ("s3", "gs", "azure-blob", "azure_spi")
"""Schemes that Label Studio's source storages write into tasks."""
_SERVED = re.compile(r"/(data/(upload/|local-files/)|storage-data/)")
"""Paths below which Label Studio serves content. The API key goes along to these alone: a task may name any
of its pages."""
_RESOLVED = re.compile(r"/(tasks|projects)/\d+/(resolve|presign)/?\?")
_SIGNATURES = {
    "x-amz-signature": re.compile(r"(?i)x-amz-.*"),
    "x-goog-signature": re.compile(r"(?i)x-goog-.*"),
    "signature": re.compile(r"(?i)awsaccesskeyid|googleaccessid|signature|expires|policy|key-pair-id"),
    "sig": re.compile(r"(?i)s(v|e|p|r|t|s|ip|pr|rt|ig)|sk(oid|tid|t|e|s|v)"),
}
"""By the parameter that tells of a signature, all that belong to it: they change, the content does not."""


@dataclass(frozen=True)
class Address:
    """url: of http or https, or a data URI. name: the same for the same content, however it is signed; "" of
    a data URI. at_label_studio: it is content that Label Studio serves, to those with an API key."""

    url: str
    name: str
    at_label_studio: bool = False


@dataclass(frozen=True)
class Place:
    """Label Studio as a project's tasks see it. url: LABEL_STUDIO_URL, where it answers us; host: what it
    calls itself, LABEL_STUDIO_HOST, "" where it does not say; project_id: whose storages are asked."""

    url: str
    host: str
    project_id: int

    def address(self, value: str) -> Address:
        """Of what stands in a task. Raises NoContent, with the reason, for what leads nowhere."""
        value = value.strip()
        if not value:
            raise NoContent("the task holds no address")
        try:
            return self._found(value)
        except ValueError as error:  # no port, half an IPv6 address
            raise NoContent("it is no address that can be read") from error

    def _found(self, value: str) -> Address:
        scheme = value.split(":", 1)[0].lower() if ":" in value else ""
        if scheme == "data":
            return Address(value, "")
        if scheme in STORAGES:
            return self._in_storage(value)
        path = self._path(value)
        if path is not None:
            return self._at_label_studio(path)
        if scheme in ("http", "https"):
            return Address(value, unsigned(value))
        if re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme):
            raise NoContent(f"addresses that begin with {scheme[:20]}: are not fetched")
        raise NoContent("it is no address: it begins with neither http:// nor https:// nor /")

    def name(self, value: str) -> str:
        """Of the content that a value leads to, the same however it is signed; the value itself where it
        leads nowhere, or holds the content."""
        try:
            return self.address(value).name or value
        except NoContent:
            return value

    def _path(self, value: str) -> str | None:
        """Of an address at Label Studio what comes behind its own; None of another."""
        for own in dict.fromkeys((self.url, self.host)):
            if own and (path := _behind(own, value)) is not None:
                return path
        return value if value.startswith("/") and not value.startswith(("//", "/\\")) else None

    def serves(self, url: str) -> bool:
        """Whether it is content that Label Studio serves, to those with an API key."""
        path = _behind(self.url, url)
        return path is not None and (_SERVED.match(path) or _RESOLVED.match(path)) is not None

    def _at_label_studio(self, path: str) -> Address:
        if _RESOLVED.match(path):
            return self._in_storage(_file_uri(path))
        if ".." in unquote(unquote(path)).split("?")[0].split("/"):
            raise NoContent("its path goes up")
        url = self.url + path.split("#")[0]
        return Address(url, path.split("#")[0], self.serves(url))

    def _in_storage(self, uri: str) -> Address:
        """By the project's own resolver, whichever project a task names."""
        encoded = urlsafe_b64encode(uri.encode()).decode()
        return Address(f"{self.url}/projects/{self.project_id}/resolve/?fileuri={encoded}", uri, True)


def shown(value: str) -> str:
    """An address for a log: without what signs it, and without a user and a password."""
    if value[:5].lower() == "data:":
        return "a data: address"
    try:
        parts = urlsplit(value)
        return unsigned(parts._replace(netloc=parts.netloc.rsplit("@", 1)[-1]).geturl()) or "no address"
    except ValueError:
        return "an address that cannot be read"


def unsigned(url: str) -> str:
    """Without the parameters that sign it, and without its fragment. Raises ValueError."""
    parts = urlsplit(url)
    given = parse_qsl(parts.query, keep_blank_values=True)
    signed = {key.lower() for key, _ in given}
    of_signature = [pattern for mark, pattern in _SIGNATURES.items() if mark in signed]
    kept = [(key, value) for key, value in given if not any(p.fullmatch(key) for p in of_signature)]
    if len(kept) == len(given):
        return parts._replace(fragment="").geturl()
    return parts._replace(query=urlencode(kept, quote_via=quote), fragment="").geturl()


def _behind(own: str, value: str) -> str | None:
    """own: an address, or the beginning of paths. What comes behind it, None where it is not that."""
    base, parts = urlsplit(own), urlsplit(value)
    if parts.scheme:
        if origin(value) is None or origin(value) != origin(own):
            return None
        path = value[len(f"{parts.scheme}://{parts.netloc}") :] or "/"
    elif base.path.strip("/") and not value.startswith("//"):
        path = value
    else:
        return None
    prefix = base.path.rstrip("/")
    rest = path[len(prefix) :] or "/"
    return rest if path.startswith(prefix) and rest[0] in "/?" else None


def origin(url: str) -> str | None:
    """Scheme, host and port; None of what is no address of a server."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
        return f"{parts.scheme.lower()}://{parts.hostname}:{port}" if parts.hostname else None
    except ValueError:  # no port, or half an IPv6 address
        return None


def _file_uri(path: str) -> str:
    uri = dict(parse_qsl(urlsplit(path).query)).get("fileuri", "")
    if "://" not in uri:
        try:
            uri = urlsafe_b64decode(uri + "=" * (-len(uri) % 4)).decode()
        except ValueError as error:
            raise NoContent("it names no file of a storage") from error
    if uri.split(":", 1)[0].lower() not in STORAGES:
        raise NoContent("it names no file of a storage")
    return uri
