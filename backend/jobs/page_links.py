"""Links into the pages that are good for one use, within a day: in Redis, by a digest of their code."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from redis import Redis

from backend.jobs.state import digest
from backend.settings import Settings
from backend.store.kept_json import MALFORMED

LINK_SECONDS = 24 * 3600
PATH = "/projects/enter"
LONGEST_NAME = 80
"""Characters of a visitor's name."""


@dataclass(frozen=True)
class Invited:
    """who: the name under which changes are logged; may_change: else the visitor may only look; project:
    whose page is opened, None for the list."""

    who: str
    may_change: bool
    project: int | None = None

    @property
    def address(self) -> str:
        """Of the page that is opened, a path."""
        return "/projects" if self.project is None else f"/projects/{self.project}"


def make_link(redis: Redis, settings: Settings, invited: Invited, address: str | None = None) -> str:
    """The link, as it is opened in a browser. address: of this backend there, else as this machine has it."""
    code = secrets.token_urlsafe(24)
    redis.set(_key(code), json.dumps(asdict(invited)), ex=LINK_SECONDS)
    return f"{(address or page_address(settings)).rstrip('/')}{PATH}?code={code}"


def is_good(redis: Redis, code: str) -> bool:
    """Whether a link's code still lets somebody in. Spends nothing."""
    return bool(redis.exists(_key(code)))


def spend_link(redis: Redis, code: str) -> Invited | None:
    """Whom it invites, and nobody after that; None where it is spent, too old, or was never made."""
    key = _key(code)
    with redis.pipeline(transaction=True) as pipeline:
        pipeline.get(key)
        pipeline.delete(key)
        held, _ = pipeline.execute()
    try:
        found = json.loads(held)
        project = found["project"]
        who, may_change = str(found["who"])[:LONGEST_NAME], found["may_change"] is True
        return Invited(who, may_change, None if project is None else int(project))
    except MALFORMED:
        return None


def page_address(settings: Settings) -> str:
    """Where a browser on this machine finds the pages: by another name of this machine than Label Studio
    goes by, since a browser sends a host's cookies to each of its ports."""
    used = urlsplit(settings.label_studio_host or settings.label_studio_url).hostname
    name = "127.0.0.1" if used == "localhost" else "localhost"
    return settings.own_url.replace("//127.0.0.1:", f"//{name}:")


def _key(code: str) -> str:
    return f"atlas:page-link:{digest(code)}"
