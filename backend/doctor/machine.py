"""Checks of the installation: settings, packages, Redis, web server."""

from __future__ import annotations

import os
import platform
import re
from importlib import metadata
from typing import Any

from packaging.requirements import Requirement
from pydantic import ValidationError
from redis import AuthenticationError, RedisError
from redis.exceptions import NoPermissionError

from backend import __version__
from backend.checked_settings import DEFAULT_REDIS_URL
from backend.doctor.bench import BACKEND_TIMEOUT, MAX_HEALTH, Bench
from backend.doctor.checks import check
from backend.doctor.finding import Finding, not_checked, note, ok, wrong
from backend.labelstudio.bounds import ask
from backend.near_misses import near_misses
from backend.wrong_settings import wrong_settings

TELLING = ("torch", "label-studio-ml", "label-studio-sdk", "rq")
"""The packages whose versions are shown; the demands of all are checked."""
LOCKED_NEWER = ("flask>=3", "werkzeug>=3", "jinja2>=3.1")
"""Of these a plain `pip install .` gets older releases, which label-studio-ml 1.0.9 pins (see scripts/lock).
They work, so they are no demands of ours."""
_INSTALL_THE_LOCK = "Install the locked set: `make setup`, or `pip install --no-deps -r requirements.lock`."
_ASK_THE_OPERATOR = (
    "Ask whoever runs it for persistence (an append-only file): without, waiting jobs are lost in a restart."
)


@check("settings")
def settings(bench: Bench) -> Finding:
    from backend.sampling.registry import check_name

    typed = near_misses(os.environ)
    mistyped = [f"{name} is none: {meant} is probably meant" for name, meant in typed.items()]
    try:
        check_name(bench.settings.strategy)
    except ValidationError as error:
        return wrong("; ".join([wrong_settings(error), *mistyped]), "Set them as docs/settings.md says.")
    except ValueError as error:
        return wrong(f"STRATEGY: {error}", "Set STRATEGY to one of these.")
    if mistyped:
        found = "; ".join(mistyped)
        return note(f"valid; but {found}", "Correct the name, and restart the backend with it.")
    return ok(f"valid; data in {bench.settings.data_dir}")


@check("versions")
def versions(bench: Bench) -> Finding:
    unmet = unmet_demands()
    if unmet:
        return wrong("; ".join(unmet), _INSTALL_THE_LOCK)
    old = unmet_demands(list(LOCKED_NEWER))
    if old:
        return note(f"releases with known vulnerabilities: {'; '.join(old)}", _INSTALL_THE_LOCK)
    found = ", ".join(f"{name} {metadata.version(name)}" for name in TELLING)
    return ok(f"Python {platform.python_version()}, {found}")


@check("backend", "settings")
def backend(bench: Bench) -> Finding:
    url, version = bench.backend_url, bench.backend_version()
    if version is None:
        return wrong(
            f"no label-studio-atlas answers at {url}",
            "Start `label-studio-atlas up`. If it runs, set HOST and PORT here as it has them, "
            "or tell its address with --backend.",
        )
    settings = bench.settings
    restart = "Restart the backend with the settings of this shell (or run the doctor with the backend's)."
    header = settings.basic_authorization
    if _asks(f"{url}/predict", header):
        return wrong(f"{url} wants other credentials than are set here", restart)
    if header and not _asks(f"{url}/predict", None):
        return wrong(f"{url} is open to anybody, though credentials are set here", restart)
    if version != __version__:
        return note(f"version {version} at {url}, this is {__version__}", "Restart the backend.")
    return ok(f"version {version} at {url}")


@check("Redis", "settings")
def redis(bench: Bench) -> Finding:
    address = _without_password(bench.settings.redis_url)
    try:
        bench.redis.ping()
    except (AuthenticationError, NoPermissionError) as error:
        return wrong(
            f"{address} does not let us in: {error}",
            "Put its user into REDIS_URL, redis://USER@HOST:PORT/0, and its password into REDIS_PASSWORD.",
        )
    except RedisError as error:
        if bench.settings.redis_url == DEFAULT_REDIS_URL:
            if bench.backend_version() is None:  # `up` would bring its own
                return not_checked('"backend" comes first')
            return wrong(
                f"no `up` runs on {bench.settings.data_dir}, and nothing answers at {address}",
                "Start `label-studio-atlas up`, or set REDIS_URL to the Redis that the backend uses.",
            )
        return wrong(f"{address} does not answer: {error}", "Start Redis, or correct REDIS_URL.")
    return ok(f"{_info(bench, 'server').get('redis_version', 'of unknown version')} at {address}")


@check("Redis on disk", "Redis")
def redis_on_disk(bench: Bench) -> Finding:
    status = _info(bench, "persistence")
    if not status:
        return note("this Redis does not let us see whether it keeps anything", _ASK_THE_OPERATOR)
    writes = ("aof_last_write_status", "rdb_last_bgsave_status")
    failed = [name for name in writes if status.get(name, "ok") != "ok"]
    if failed:
        return wrong(f"its last write failed ({', '.join(failed)})", "Make room on its disk; see its log.")
    if status.get("aof_enabled"):
        return ok("keeps an append-only file")
    try:
        config = bench.redis.config_get("save")
    except RedisError:
        config = {}
    if "save" not in config:
        return note("this Redis does not let us see whether it writes snapshots", _ASK_THE_OPERATOR)
    if config["save"]:
        return ok(f"writes snapshots (save {config['save']})")
    return wrong(
        "keeps nothing: waiting jobs are lost when it restarts",
        "Start Redis with `--appendonly yes`, or run `redis-cli config set appendonly yes` for now.",
    )


@check("Redis memory", "Redis")
def redis_memory(bench: Bench) -> Finding:
    status = _info(bench, "memory")
    policy, limit = status.get("maxmemory_policy"), status.get("maxmemory")
    if policy is None:
        return note(
            "this Redis does not let us see what it does when it is full",
            "Ask whoever runs it for the policy `noeviction`: with another, waiting jobs may be dropped.",
        )
    if policy == "noeviction":
        return ok("drops nothing when it is full")
    if not limit:
        return ok(f"has no limit, so its policy {policy} drops nothing")
    return wrong(
        f"drops what it likes, waiting jobs too, when it is full ({policy}, at {limit / 2**20:.0f} MB)",
        "Give it the policy `noeviction` (`redis-cli config set maxmemory-policy noeviction` for now).",
    )


def _info(bench: Bench, section: str) -> dict[str, Any]:
    """What Redis tells of itself: {} where it does not, as managed ones may not."""
    try:
        found = bench.redis.info(section)
    except RedisError:
        return {}
    return found if isinstance(found, dict) else {}


def unmet_demands(demands: list[str] | None = None) -> list[str]:
    """Demands of this package (or the given ones) on others that the installed versions do not meet."""
    if demands is None:
        demands = metadata.requires("label-studio-atlas") or []
    unmet = []
    for demand in map(Requirement, demands):
        if demand.marker is not None and not demand.marker.evaluate({"extra": ""}):
            continue
        try:
            installed = metadata.version(demand.name)
        except metadata.PackageNotFoundError:
            unmet.append(f"{demand} is not installed")
            continue
        if not demand.specifier.contains(installed, prereleases=True):
            unmet.append(f"{demand} is needed, {installed} is installed")
    return unmet


def _asks(url: str, authorization: str | None) -> bool:
    """Whether it answers 401. OPTIONS passes the door and does nothing behind it."""
    headers = {"Authorization": authorization} if authorization else {}
    answer = ask("OPTIONS", url, BACKEND_TIMEOUT, MAX_HEALTH, headers=headers)
    return answer.status_code == 401


def _without_password(url: str) -> str:
    return re.sub(r"://[^/@]*@", "://***@", url)
