"""CONTENT_HOSTS: which servers tasks may name, and where these may be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from fnmatch import fnmatchcase
from ipaddress import ip_address


class Reach(Enum):
    """Where the server that is asked may be."""

    ANYWHERE = auto()
    PUBLIC = auto()
    NOWHERE = auto()


@dataclass(frozen=True)
class Hosts:
    """names: `host` or `host:port`, wherever they are; with a `*` in it, for public ones alone."""

    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Hosts:
        """Names separated by commas. Raises ValueError for what is none."""
        names = tuple(name.strip().lower().rstrip(".") for name in text.split(",") if name.strip())
        for name in names:
            host, _, port = name.rpartition(":") if _has_port(name) else (name, "", "443")
            if "/" in name or "@" in name or not host or not (port.isdecimal() or port == "*"):
                raise ValueError(
                    f"{name!r} must be a host such as images.example.org, or with a port: host:9000"
                )
        return cls(names)

    def reach(self, host: str, port: int | None) -> Reach:
        """port: None for the scheme's own, which is what a name without one means."""
        host = host.strip("[]").lower().rstrip(".")
        asked = [f"{_bracketed(host)}:{port}"] if port else [host, _bracketed(host)]
        if any(name in asked for name in self.names):
            return Reach.ANYWHERE
        patterns = (name for name in self.names if "*" in name)
        return Reach.PUBLIC if any(fnmatchcase(asked[0], each) for each in patterns) else Reach.NOWHERE


def _has_port(name: str) -> bool:
    return ":" in name and not _is_address(name) and not name.endswith("]")


def _is_address(name: str) -> bool:
    try:
        return bool(ip_address(name.strip("[]")))
    except ValueError:
        return False


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
