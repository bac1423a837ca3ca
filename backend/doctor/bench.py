"""What the checks look at, each part fetched when first needed and then shared."""

from __future__ import annotations

import shlex
import time
from contextlib import ExitStack
from functools import cached_property
from typing import Any

import httpx
from redis import Redis, RedisError

from backend.controls.any_config import parse_config
from backend.controls.anything import Anything
from backend.controls.regions import RegionControl
from backend.controls.scheme import LabelScheme
from backend.errors import AnswerTooLarge
from backend.jobs.contact import Contact
from backend.jobs.dispatch import Dispatcher
from backend.jobs.installation import installation_id
from backend.jobs.state import known_projects
from backend.jobs.webhook_secrets import WebhookSecrets
from backend.labelstudio.administration import (
    Administration,
    Connection,
    Webhook,
    former_webhook_url,
    webhook_url,
)
from backend.labelstudio.bounds import ask
from backend.labelstudio.connection import TITLE
from backend.labelstudio.project import Project
from backend.labelstudio.survey import Survey, survey
from backend.running.embedded_redis import with_running_redis
from backend.settings import Settings
from backend.store.locations import stored_projects, version_store

TIMEOUT = 30
"""Seconds for one answer of Label Studio; asked for a connection, it waits up to 7 s for the backend."""
REDIS_TIMEOUT = 5
BACKEND_TIMEOUT = 5
"""Seconds for the whole answer of whatever is there."""
MAX_HEALTH = 65536
"""Bytes of it."""
INSTALLATION_TRIES = 5
INSTALLATION_PAUSE = 0.2
"""Seconds."""
SHOWN_CLASSES = 8


def classes_in_words(scheme: LabelScheme) -> str:
    """What is learned, in a line."""
    main = scheme.main
    if isinstance(main, Anything):
        asked = f'"{main.from_name}" on "{main.to_name}"'
        return f"{asked}: where the wrapped backend's answers are not those of annotators, as they stand"
    known = main.config_choices
    more = f" and {len(known) - SHOWN_CLASSES} more" if len(known) > SHOWN_CLASSES else ""
    shown = ", ".join(known[:SHOWN_CLASSES]) + more
    what = f"{main.kind} of " if isinstance(main, RegionControl) else ""
    beside = [f'"{each.from_name}"' for each in scheme.companions]
    also = f"; beside it {', '.join(beside)}" if beside else ""
    return f'"{main.from_name}" on "{main.to_name}": {what}{shown or "dynamic choices"}{also}'


def health_at(url: str) -> dict[str, Any] | None:
    """What the label-studio-atlas at `url` says of itself; None when none answers there."""
    try:
        health = ask("GET", f"{url}/health", BACKEND_TIMEOUT, MAX_HEALTH).json()
        return health if health["name"] == "label-studio-atlas" else None
    except (httpx.HTTPError, httpx.InvalidURL, AnswerTooLarge, ValueError, KeyError, TypeError):
        return None


class Bench:
    """One installation, by the settings of the environment. A context manager that closes what it opened.

    backend_url: where the web server answers, seen from here; None for HOST and PORT.
    """

    def __init__(self, backend_url: str | None = None):
        self._backend_url = backend_url and backend_url.rstrip("/")
        self._cleanup = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *error: object) -> None:
        self._cleanup.close()

    @cached_property
    def settings(self) -> Settings:
        """With the Redis of a running `up` where REDIS_URL is not set. Raises pydantic's ValidationError."""
        return with_running_redis(Settings())

    @cached_property
    def redis(self) -> Redis:
        redis = Redis.from_url(
            self.settings.redis_url, socket_timeout=REDIS_TIMEOUT, socket_connect_timeout=REDIS_TIMEOUT
        )
        return self._cleanup.enter_context(redis)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(self.redis, self.settings)

    @cached_property
    def label_studio(self) -> Administration:
        """Raises NotConfigured without an API key, AccessDenied when it has expired."""
        client = Administration(self.settings.label_studio_url, self.settings.api_key, TIMEOUT)
        self._cleanup.callback(client.close)
        return client

    @property
    def backend_url(self) -> str:
        if self._backend_url is not None:
            return self._backend_url
        return self.settings.own_url

    def backend_version(self) -> str | None:
        """What the web server says it is, None when it does not answer or is none of ours."""
        health = health_at(self.backend_url)
        return None if health is None else str(health.get("version"))

    def is_another(self, url: str) -> bool | None:
        """Whether the label-studio-atlas at `url` has another Redis than this one. Needs Redis.

        None where none can be reached from here, which proves nothing, or where it does not say.
        """
        another = None
        for attempt in range(INSTALLATION_TRIES):  # it answers with what it last read, and reads anew
            if attempt:
                time.sleep(INSTALLATION_PAUSE)
            health = health_at(url)
            if health is None:
                return None
            if health.get("installation") is not None:
                another = health["installation"] != installation_id(self.redis)
            if another is False:
                break
        return another

    def known_projects(self) -> list[int]:
        """Projects that this backend has had to do with. Needs Redis."""
        return sorted({*known_projects(self.redis), *stored_projects(self.settings)})


class ProjectBench:
    """One project of an installation."""

    def __init__(self, bench: Bench, project_id: int):
        self.bench = bench
        self.id = project_id

    @cached_property
    def contact(self) -> Contact:
        return Contact(self.bench.redis, self.id)

    @cached_property
    def project(self) -> Project:
        return self.bench.label_studio.project(self.id)

    @cached_property
    def scheme(self) -> LabelScheme:
        """What is learned, or what another ML backend's answers are compared by. Raises LabelConfigError."""
        config, controls = self.project.label_config, self.bench.settings.queue_controls
        return parse_config(config, controls, wraps=self.wraps)

    @property
    def wraps(self) -> bool:
        """Whether another ML backend answers for it; False where Redis, which knows, does not tell."""
        try:
            return self.bench.dispatcher.state(self.id).wraps is not None
        except RedisError:
            return False

    @cached_property
    def survey(self) -> Survey:
        return survey(self.bench.label_studio, self.id, self.scheme)

    @cached_property
    def sampling(self) -> str:
        return self.bench.label_studio.sampling(self.id)

    @cached_property
    def connections(self) -> list[Connection]:
        """Label Studio tries each of them (/health, /setup) before it answers."""
        return self.bench.label_studio.connections(self.id)

    @cached_property
    def connection(self) -> Connection | None:
        """The one to this backend: made by `connect`, or to its port, or the first."""
        port = f":{self.bench.settings.port}"
        ranked = sorted(
            self.connections,
            key=lambda each: (
                each.title != TITLE,
                each.state != "CO",
                not each.url.rstrip("/").endswith(port),
                each.id,
            ),
        )
        return ranked[0] if ranked else None

    @cached_property
    def webhooks(self) -> list[Webhook]:
        """Those to this backend as `connect` registers them."""
        wanted = webhook_url(self.connection.url, self.id) if self.connection else None
        return [hook for hook in self.all_webhooks if hook.url == wanted]

    @cached_property
    def former_webhooks(self) -> list[Webhook]:
        """Those to this backend that Label Studio made by itself, or releases before registered."""
        wanted = former_webhook_url(self.connection.url) if self.connection else None
        return [hook for hook in self.all_webhooks if hook.url == wanted]

    @cached_property
    def all_webhooks(self) -> list[Webhook]:
        return self.bench.label_studio.webhooks(self.id)

    @cached_property
    def webhook_digest(self) -> str | None:
        """Of the secret that the project's webhook must carry. Raises ModelStoreError, DamagedFile."""
        return WebhookSecrets(self.bench.redis, self.bench.settings).digest(self.id)

    @cached_property
    def published(self) -> str | None:
        """The version last published, by this machine's DATA_DIR or the model store."""
        return version_store(self.bench.settings, self.id).published()

    def look_again(self) -> None:
        """Read the project, and what is published, anew when next asked."""
        for read in ("project", "published"):
            vars(self).pop(read, None)

    @property
    def connect_again(self) -> str:
        """The remedy of most faults of a project."""
        return f"Run `{self.connect_command}`."

    @property
    def connect_command(self) -> str:
        """What mends most faults of a project, to be copied into a shell."""
        known, port = self.connection, f":{self.bench.settings.port}"
        is_ours = known is not None and (known.title == TITLE or known.url.rstrip("/").endswith(port))
        url = known.url if known is not None and is_ours else "URL"
        return f"label-studio-atlas connect {shlex.quote(url)} --project {self.id}"
