"""What a person would set up in Label Studio by hand: connections, webhooks, sampling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from backend.labelstudio.answers import Kind, ignored, record, records
from backend.labelstudio.client import UNCERTAINTY_SAMPLING, LabelStudioClient
from backend.labelstudio.connection import TITLE, strategy_in, weights_in, wraps_in

WEBHOOK_ACTIONS = frozenset(
    {
        "ANNOTATION_CREATED",
        "ANNOTATIONS_CREATED",
        "ANNOTATION_UPDATED",
        "ANNOTATIONS_DELETED",
        "TASKS_CREATED",
        "TASKS_DELETED",
        "PROJECT_UPDATED",
    }
)
"""The events we act on."""
CONNECTION_SETTINGS = ("title", "description", "is_interactive", "auto_update", "extra_params")
_CONNECTION: dict[str, Kind] = {"id": int, "url": str}
_WEBHOOK: dict[str, Kind] = {
    "id": int,
    "url": str,
    "headers": (dict, type(None)),
    "actions": (list, type(None)),
}


@dataclass(frozen=True)
class Connection:
    """A project's connection to an ML backend, as Label Studio found it just now.

    state: "CO" connected, "DI" nothing answers, "ER" it answers with an error, told in `error`;
    strategy, weights, wraps: the query strategy, the controls' weights and the ML backend to be wrapped that
    its extra params name, None where they name none; settings: all that a person may have set of it.
    """

    id: int
    url: str
    title: str
    state: str
    error: str
    strategy: str | None = None
    weights: str | None = None
    wraps: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Webhook:
    """A webhook of a project. `actions` are empty where it is sent all of them."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    actions: frozenset[str] = WEBHOOK_ACTIONS
    all_actions: bool = False
    is_active: bool = True
    with_payload: bool = False
    id: int | None = None

    @property
    def missing_actions(self) -> frozenset[str]:
        return frozenset() if self.all_actions else WEBHOOK_ACTIONS - self.actions


def webhook_url(backend_url: str, project_id: int) -> str:
    """Where a project's webhook goes: without payload, which grows with the project, only this names it."""
    return f"{former_webhook_url(backend_url)}?project={project_id}"


def former_webhook_url(backend_url: str) -> str:
    """Where Label Studio sends the webhook that it makes by itself, and where `connect` of releases before
    had it sent."""
    return backend_url.rstrip("/") + "/webhook"


class Administration(LabelStudioClient):
    """One Label Studio, with the calls that set up a project. Errors are LabelStudioClient's."""

    def user(self) -> str:
        """The email address of the API key's user."""
        return str(self._request("GET", "api/current-user/whoami", record("a user", email=str))["email"])

    def connections(self, project_id: int) -> list[Connection]:
        """The first is the one Label Studio asks for predictions. It tries each of them for this answer."""
        listed = records("a connection", **_CONNECTION)
        raw = self._request("GET", "api/ml", listed, params={"project": project_id})
        return [_connection(item) for item in sorted(raw, key=lambda item: item["id"])]

    def save_connection(
        self,
        project_id: int,
        url: str,
        basic_auth: tuple[str, str] | None,
        connection_id: int | None = None,
        more: Mapping[str, Any] = MappingProxyType({}),
    ) -> Connection:
        """Make a connection, or update the one of that id. more: of CONNECTION_SETTINGS what is to be set.

        Raises Rejected or AccessDenied, with Label Studio's reason, when it cannot reach the backend.
        """
        body: dict[str, Any] = {**more, "url": url, "project": project_id}
        if basic_auth is not None:
            user, password = basic_auth
            body |= {"auth_method": "BASIC_AUTH", "basic_auth_user": user, "basic_auth_pass": password}
        else:
            body |= {"auth_method": "NONE", "basic_auth_user": ""}  # a password alone is not sent
        saved = record("a connection", **_CONNECTION)
        if connection_id is None:
            return _connection(self._request("POST", "api/ml", saved, json={"title": TITLE, **body}))
        return _connection(self._request("PATCH", f"api/ml/{connection_id}", saved, json=body))

    def delete_connection(self, connection: Connection) -> None:
        """Its webhook stays."""
        self._request("DELETE", f"api/ml/{connection.id}", ignored)

    def webhooks(self, project_id: int) -> list[Webhook]:
        """The project's own; those of the whole organization are not listed."""
        listed = records("a webhook", **_WEBHOOK)
        raw = self._request("GET", "api/webhooks/", listed, params={"project": project_id})
        return [_webhook(item) for item in raw if item.get("project") == project_id]

    def save_webhook(self, project_id: int, webhook: Webhook) -> Webhook:
        """Make it, or change the one of its id, in every part: what a change leaves out is emptied."""
        body = {
            "url": webhook.url,
            "project": project_id,
            "send_payload": webhook.with_payload,
            "send_for_all_actions": webhook.all_actions,
            "headers": dict(webhook.headers),
            "actions": sorted(webhook.actions),
            "is_active": webhook.is_active,
        }
        saved = record("a webhook", **_WEBHOOK)
        if webhook.id is None:
            return _webhook(self._request("POST", "api/webhooks/", saved, json=body))
        return _webhook(self._request("PATCH", f"api/webhooks/{webhook.id}/", saved, json=body))

    def delete_webhook(self, webhook: Webhook) -> None:
        self._request("DELETE", f"api/webhooks/{webhook.id}/", ignored)

    def sampling(self, project_id: int) -> str:
        project = self._request("GET", f"api/projects/{project_id}/", record("a project", id=int))
        return str(project.get("sampling") or "")

    def found(self, project_id: int) -> tuple[str, str, bool]:
        """The project's sampling, its model version ("" for none), and whether predictions are shown."""
        found = self._request("GET", f"api/projects/{project_id}/", record("a project", id=int))
        prelabels = bool(found.get("show_collab_predictions", True))
        return str(found.get("sampling") or ""), str(found.get("model_version") or ""), prelabels

    def restore(self, project_id: int, sampling: str, model_version: str, prelabels: bool) -> None:
        """What `found` told. Raises Rejected where nothing has that model version any more."""
        project, path = record("a project", id=int), f"api/projects/{project_id}/"
        shown = {"sampling": sampling, "show_collab_predictions": prelabels}
        self._request("PATCH", path, project, json=shown)
        # Alone and last: where predictions are hidden, Label Studio empties it beside the other two.
        self._request("PATCH", path, project, json={"model_version": model_version})

    def set_sampling(self, project_id: int, sampling: str = UNCERTAINTY_SAMPLING) -> None:
        """Also with the sampling it has: Label Studio then sends the webhook PROJECT_UPDATED and no more."""
        project = record("a project", id=int)
        self._request("PATCH", f"api/projects/{project_id}/", project, json={"sampling": sampling})


def _connection(raw: dict[str, Any]) -> Connection:
    return Connection(
        id=raw["id"],
        url=raw["url"],
        title=raw.get("title") or "",
        state=raw.get("state") or "",
        error=raw.get("error_message") or "",
        strategy=strategy_in(raw.get("extra_params")),
        weights=weights_in(raw.get("extra_params")),
        wraps=wraps_in(raw.get("extra_params")),
        settings={name: raw[name] for name in CONNECTION_SETTINGS if name in raw},
    )


def _webhook(raw: dict[str, Any]) -> Webhook:
    return Webhook(
        url=raw["url"],
        headers=raw.get("headers") or {},
        actions=frozenset(raw.get("actions") or ()),
        all_actions=bool(raw.get("send_for_all_actions")),
        is_active=bool(raw.get("is_active")),
        with_payload=bool(raw.get("send_payload")),
        id=raw["id"],
    )
