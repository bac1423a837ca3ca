"""Label Studio as `connect` uses it: one project, its webhooks and its connections, without HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from types import MappingProxyType
from typing import Any, cast

from backend.errors import Rejected
from backend.labelstudio.administration import Connection, Webhook
from backend.labelstudio.connection import wraps_in
from backend.labelstudio.project import Project

URL = "http://backend.internal:9090"
CONFIG = """<View><Text name="text" value="$text"/><Choices name="label" toName="text">
<Choice value="a"/><Choice value="b"/></Choices></View>"""


@dataclass
class InMemory:
    """Label Studio with one project, as `connect` uses it. It reaches only the backends in `reachable`."""

    reachable: set[str] = field(default_factory=lambda: {URL})
    hooks: dict[int, Webhook] = field(default_factory=dict)
    made: dict[int, Connection] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=lambda: count(1))
    predictions: list[dict[str, Any]] = field(default_factory=list)
    label_config: str = CONFIG

    def project(self, project_id: int) -> Project:
        return Project(project_id, self.label_config, None, 3, True, (1, 0), False, dict.fromkeys(("x",), 0))

    def all_tasks(self, project_id: int) -> list[dict[str, Any]]:
        return []

    def annotated_tasks(self, project_id: int) -> list[dict[str, Any]]:
        return []

    def version_sizes(self, project_id: int) -> dict[str, int]:
        return {}

    def webhooks(self, project_id: int) -> list[Webhook]:
        return list(self.hooks.values())

    def save_webhook(self, project_id: int, webhook: Webhook) -> Webhook:
        number = webhook.id or next(self.ids)
        self.hooks[number] = replace(webhook, id=number)
        return self.hooks[number]

    def delete_webhook(self, webhook: Webhook) -> None:
        del self.hooks[cast(int, webhook.id)]

    def connections(self, project_id: int) -> list[Connection]:
        return list(self.made.values())

    def save_connection(
        self,
        project_id: int,
        url: str,
        auth: object,
        known: int | None = None,
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> Connection:
        if url not in self.reachable:
            raise Rejected("Connection refused")
        number = known or next(self.ids)
        before = self.made[number].settings if number in self.made else {}
        settings = {"title": "label-studio-atlas", **before, **more}
        wraps = wraps_in(settings.get("extra_params"))
        self.made[number] = Connection(
            number, url, settings["title"], "CO", "", wraps=wraps, settings=settings
        )
        if known is None and not any(hook.url == f"{url}/webhook" for hook in self.hooks.values()):
            self.save_webhook(project_id, Webhook(f"{url}/webhook", all_actions=True))  # as the real one does
        return self.made[number]

    def delete_connection(self, connection: Connection) -> None:
        del self.made[connection.id]

    def others_predictions(self, project_id: int) -> list[dict[str, Any]]:
        return self.predictions

    def found(self, project_id: int) -> tuple[str, str, bool]:
        return "Sequential sampling", "", True

    def set_sampling(self, project_id: int) -> None:
        pass

    def carried(self) -> dict[str, str]:
        return {hook.url: hook.headers.get("Authorization", "") for hook in self.hooks.values()}
