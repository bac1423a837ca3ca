"""The token by which the pages know who may look: made at the first start, in DATA_DIR, for its owner alone.

Cookies are signed by it, so a new one ends all of them.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from backend.errors import NotConfigured
from backend.store.paths import make_data_dir

FILE = "pages-token"
SHORTEST = 32
"""Characters: one that is shorter could be guessed."""


def page_token(data_dir: Path) -> str:
    """Made where there is none yet. Safe to call from several processes: all get the same.

    Raises NotConfigured where it cannot be kept, or is too short.
    """
    file = data_dir / FILE
    if not file.exists():
        make_data_dir(data_dir)
        _make(file)
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise NotConfigured(f"{file}, the token of the pages, cannot be read: {error}") from error
    if len(token) < SHORTEST:
        raise NotConfigured(f"{file} must hold at least {SHORTEST} characters; delete it to have one made")
    return token


def new_page_token(data_dir: Path) -> str:
    """In place of the one before: whoever came in by that must come in anew."""
    (data_dir / FILE).unlink(missing_ok=True)
    return page_token(data_dir)


def _make(file: Path) -> None:
    """Whole or not at all; of two who make it at once one is first."""
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as made:
            made.write(secrets.token_urlsafe(32) + "\n")
        with suppress(FileExistsError):
            os.link(draft, file)
    except OSError as error:
        raise NotConfigured(f"{file}, the token of the pages, cannot be written: {error}") from error
    finally:
        draft.unlink(missing_ok=True)
