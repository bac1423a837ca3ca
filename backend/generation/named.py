"""The model that the operator has named, if any: behind an address, or one that is run here. Nothing is sent
anywhere before that."""

from __future__ import annotations

import logging
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from backend.controls.scheme import LabelScheme
from backend.controls.text_area import TextArea
from backend.errors import LabelConfigError, NotConfigured
from backend.settings import Settings
from backend.wrapped.target import address_in, check_allowed

if TYPE_CHECKING:
    from backend.generation.own import OwnModel

logger = logging.getLogger(__name__)

GENERATION = "generation"
"""What the extra params of a connection name as wrapped where the named model is to write."""
MISSING = (
    "no model is named that writes texts: set GENERATION_MODEL, GENERATION_URL and GENERATION_KEY where the "
    "backend runs; or, without an address, GENERATION_MODEL alone, to a hub's such as google/flan-t5-small"
)

NO_KEY = (
    "the named model's key is not here: set GENERATION_KEY or GENERATION_KEY_FILE where workers run. In "
    "Docker they alone have it: run this command there, `docker compose exec upkeep label-studio-atlas ...`"
)
NOT_HERE = f'"{GENERATION}" is not ready here; the backend\'s log says why'
"""All that Label Studio is told, or whoever has its credentials."""


@dataclass(frozen=True)
class NamedModel:
    """name: as its API knows it; url: of that API; key: that it lets in by."""

    name: str
    url: str
    key: str = field(repr=False)


def named_model(settings: Settings) -> NamedModel | OwnModel:
    """Raises NotConfigured, with what to set, or to run."""
    if not _is_named(settings):
        raise NotConfigured(MISSING)
    if is_run_here(settings):
        from backend.generation.own import own_model

        return own_model(settings.generation_model.strip())
    key = _key(settings)
    if not key:
        raise NotConfigured(NO_KEY)
    return NamedModel(settings.generation_model.strip(), settings.generation_url, key)


def wrapped_place(wraps: str, settings: Settings, *, knows_who_asks: bool) -> str:
    """What a connection names as wrapped, if it may be: GENERATION, or the address of an ML backend. The
    model's key is looked at by workers, who alone need it.

    knows_who_asks: whether credentials were asked for. A stranger is not to learn what the operator has set:
    whether a model is named, or which backends may be wrapped; the log alone tells that, and `doctor`.
    Raises ValueError with what to change.
    """
    place = wraps if wraps == GENERATION else address_in(wraps)
    try:
        _check_set(place, settings)
    except ValueError:
        if knows_who_asks:
            raise
    return place


def _check_set(place: str, settings: Settings) -> None:
    """Raises ValueError where the operator has not set that it may be, and tells the log what to set: a web
    server's, that anybody may ask, seldom (`backend.seldom`)."""
    if place == GENERATION:
        if not _is_named(settings):
            logger.warning("%s", MISSING)
            raise ValueError(NOT_HERE)
        return
    try:
        check_allowed(place, settings.wrapped_backends)
    except ValueError as error:
        logger.warning("a connection is to wrap what it may not: %s", error)
        raise


def check_wrapped(wraps: str, scheme: LabelScheme, settings: Settings) -> None:
    """As a web server that checks BASIC_AUTH_USER, where that is set. Raises ValueError or LabelConfigError
    where it may not be, or cannot answer such a label config."""
    knows_who_asks = settings.basic_authorization is not None
    if wrapped_place(wraps, settings, knows_who_asks=knows_who_asks) == GENERATION:
        text_area_of(scheme)


def text_area_of(scheme: LabelScheme) -> TextArea:
    """The control that a model can write for.

    Raises LabelConfigError, with what to change.
    """
    if not isinstance(scheme.main, TextArea):
        raise LabelConfigError(
            "a model writes for a <TextArea>, and another control orders this project's queue: set "
            "QUEUE_CONTROL to the <TextArea>'s name"
        )
    if scheme.source.is_fetched or not scheme.source.is_read:
        raise LabelConfigError(
            "a model writes of texts, and this <TextArea> is about something else: what transcribes images "
            "or sounds is an ML backend of its own, see connect --wraps URL"
        )
    return scheme.main


def is_run_here(settings: Settings) -> bool:
    """Whether a model of a hub, or of a folder, is named, by the form of its name, and no address."""
    return "/" in settings.generation_model and not settings.generation_url


def _is_named(settings: Settings) -> bool:
    return bool(settings.generation_model.strip() and settings.generation_url) or is_run_here(settings)


def _key(settings: Settings) -> str:
    """ "" for none. Raises NotConfigured for a file that others may read, or nobody can."""
    if settings.generation_key is not None:
        return settings.generation_key.get_secret_value()
    return "" if settings.generation_key_file is None else _key_in(settings.generation_key_file.expanduser())


def _key_in(path: Path) -> str:
    try:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise NotConfigured(f"others may read {path}, GENERATION_KEY_FILE: chmod 600 {path}")
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise NotConfigured(f"GENERATION_KEY_FILE cannot be read: {type(error).__name__}, {path}") from error
    if not key or " " in key or not key.isprintable():
        raise NotConfigured(f"{path}, GENERATION_KEY_FILE, holds no key: one line with one word is expected")
    return key
