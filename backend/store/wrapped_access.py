"""What `connect --wraps` keeps of a wrapped backend, readable by its owner alone: what it wants to be asked
with, and how it was connected to Label Studio before, so that it can be given back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from backend.errors import DamagedFile, NotConfigured
from backend.settings import Settings
from backend.store.files import Files
from backend.store.kept_json import UNREADABLE
from backend.store.locations import project_files
from backend.store.paths import PRIVATE
from backend.wrapped.target import Target, allowed_url

FILE = f"wrapped{PRIVATE}"


@dataclass(frozen=True)
class WrappedAccess:
    """user, password: of its basic auth, None where it wants none; connection, webhook: as Label Studio had
    them before, None where it had none."""

    url: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    connection: Mapping[str, Any] | None = None
    webhook: Mapping[str, Any] | None = None
    since: str | None = None
    """When it was wrapped, ISO 8601: what was annotated before is no news to it."""

    @property
    def basic_auth(self) -> tuple[str, str] | None:
        return None if self.user is None else (self.user, self.password or "")

    @property
    def extra_params(self) -> Mapping[str, Any]:
        """Those that its own connection had."""
        found = (self.connection or {}).get("extra_params")
        return found if isinstance(found, dict) else {}


def read_access(files: Files) -> WrappedAccess | None:
    """None where nothing is kept. Raises ModelStoreError or DamagedFile."""
    try:
        return WrappedAccess(**json.loads(files.read_at_once(FILE)))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UNREADABLE as error:
        raise DamagedFile(
            f"{FILE}, by which a wrapped backend is asked, cannot be read ({type(error).__name__}): "
            "`label-studio-atlas connect --wraps` writes it anew"
        ) from error


def keep_access(files: Files, access: WrappedAccess) -> None:
    files.write(FILE, json.dumps(asdict(access)).encode())


def forget_access(files: Files) -> None:
    files.delete(FILE)


def target_of(settings: Settings, project_id: int, wraps: str) -> Target:
    """How to ask the backend at this address, which a connection's extra params name.

    Raises NotConfigured where WRAPPED_BACKENDS does not allow it; ModelStoreError, DamagedFile.
    """
    try:
        url = allowed_url(wraps, settings.wrapped_backends)
    except ValueError as error:
        raise NotConfigured(f"project {project_id} is to wrap what it may not: {error}") from error
    access = read_access(project_files(settings, project_id))
    if access is None or access.url != url:  # its credentials are for nobody else
        return Target(url)
    return Target(url, access.basic_auth, access.extra_params)
