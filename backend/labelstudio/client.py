"""Label Studio's API, as much of it as the loop needs.

The SDK does authentication (personal access tokens and legacy tokens) and retries; what it has no
method for goes through its HTTP client. Its errors become ours at this edge.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

import httpx
from label_studio_sdk import LabelStudio
from label_studio_sdk.core.api_error import ApiError

from backend.addresses import is_loopback
from backend.errors import AccessDenied, LabelStudioError, NotFound, Rejected, Unavailable, Unreachable
from backend.labelstudio.connection import Wishes, wishes_of
from backend.settings import Settings

MAX_REASON = 1000
"""Characters of an error of Label Studio's. Refusing a connection, it puts what the backend said (up to 300)
between some 200 of its own, and `refusals` looks for the end of that."""
PAGE_SIZE = 1000
"""Tasks per request: about 0.4 s of Label Studio's time."""
UNCERTAINTY_SAMPLING = "Uncertainty sampling"
COUNTERS = (
    "task_number",
    "total_annotations_number",
    "skipped_annotations_number",
    "ground_truth_number",
    "finished_task_number",
    "total_predictions_number",
)
_SETTINGS = (
    *("id", "label_config", "model_version", "show_collab_predictions"),
    *("maximum_annotations", "overlap_cohort_percentage", "show_overlap_first"),
)
FEW = 50
"""Tasks read whole in one request, half a second of Label Studio's time at most."""
_LIGHT = "id,data,updated_at,is_labeled,total_annotations,cancelled_annotations"
_ANNOTATED = ("total_annotations", "greater", "Number", 0)


@dataclass(frozen=True)
class Project:
    """What the loop needs to know of a project."""

    id: int
    label_config: str
    model_version: str | None
    task_count: int
    shows_predictions: bool
    overlap: tuple[int, float]
    """Annotations a task shall have, and the percentage of tasks that shall have more than one. A change
    finishes tasks, or reopens them, without moving their `updated_at`."""
    serves_overlap_first: bool
    counters: dict[str, int]
    """How many tasks, annotations, skips, predictions: with the newest change they tell of any change."""

    @property
    def is_finished(self) -> bool:
        """Whether no task waits for a label; so it is without tasks."""
        return self.counters["finished_task_number"] >= self.task_count


@dataclass(frozen=True)
class Stored:
    """A prediction as Label Studio has it. `cluster` is None where it was never set."""

    id: int
    task: int
    cluster: int | None


class LabelStudioClient:
    """One Label Studio, as one user."""

    def __init__(self, url: str, api_key: str, timeout: float = 300):
        self._url = url
        self._timeout = timeout
        with _translated(url):
            http = httpx.Client(
                timeout=timeout,
                follow_redirects=True,
                event_hooks={"response": [_stay_with_label_studio]},
                verify=_tls_context(),
                trust_env=not is_loopback(url),  # the key is not for a proxy that HTTP_PROXY names
            )
            self._sdk = LabelStudio(base_url=url, api_key=api_key, timeout=timeout, httpx_client=http)
            # Without the slash the SDK leaves a path at its end out, and posts the key to the server's root.
            self._sdk._client_wrapper._tokens_client._base_url = f"{url}/"

    @classmethod
    def from_settings(cls, settings: Settings) -> LabelStudioClient:
        """Raises NotConfigured without an API key."""
        return cls(settings.label_studio_url, settings.api_key, settings.label_studio_timeout)

    def project(self, project_id: int, *, counted: bool = True) -> Project:
        """counted: with all counters, each of which costs Label Studio a look at every task; else only the
        number of tasks."""
        include = ",".join(_SETTINGS + (COUNTERS if counted else COUNTERS[:1]))
        raw = self._request("GET", f"api/projects/{project_id}/", params={"include": include})
        return Project(
            id=raw["id"],
            label_config=raw.get("label_config") or "",
            model_version=raw.get("model_version") or None,
            task_count=raw.get("task_number") or 0,
            shows_predictions=bool(raw.get("show_collab_predictions", True)),
            overlap=(raw.get("maximum_annotations") or 1, raw.get("overlap_cohort_percentage") or 0),
            serves_overlap_first=bool(raw.get("show_overlap_first")),
            counters={key: raw.get(key) or 0 for key in COUNTERS},
        )

    def all_tasks(self, project_id: int) -> Iterator[dict[str, Any]]:
        """Every task with its id, data, `updated_at`, state and counts, without annotations."""
        return self._tasks(project_id, fields="task_only", include=_LIGHT)

    def annotated_tasks(self, project_id: int) -> Iterator[dict[str, Any]]:
        """The tasks that have annotations, whole."""
        return self._tasks(project_id, fields="all", query=_where(_ANNOTATED))

    def tasks_changed_since(self, project_id: int, when: str) -> Iterator[dict[str, Any]]:
        """The tasks whose data or annotations changed after `when` (ISO 8601, UTC), the annotated ones whole.

        Few come in one request. Of many, such as those just imported, all come without annotations, which
        is ten times faster, and then the annotated ones again. Then none is told to have changed later than
        the reading began, so that the next one, from there on, finds what changed on pages already read.
        """
        changed = ("updated_at", "greater", "Datetime", when)
        few = self._page(project_id, 1, FEW, fields="all", query=_where(changed))
        if few["total"] <= FEW:
            yield from few["tasks"]
            return
        newest = self.newest_change(project_id)
        light = self._tasks(project_id, fields="task_only", include=_LIGHT, query=_where(changed))
        whole = self._tasks(project_id, fields="all", query=_where(changed, _ANNOTATED))
        for task in chain(light, whole):
            yield {**task, "updated_at": min(task["updated_at"], newest)}

    def scored_tasks(self, project_id: int, model_version: str) -> dict[int, bool]:
        """Tasks that have a prediction of this version; true for those nobody has annotated or skipped."""
        found = self._tasks(
            project_id,
            fields="task_only",
            include="id,total_annotations,cancelled_annotations",
            query=_where(("predictions_model_versions", "contains", "List", [model_version])),
        )
        return {
            task["id"]: not task["total_annotations"] and not task["cancelled_annotations"] for task in found
        }

    def served_first(self, project: Project) -> set[int]:
        """The unfinished tasks that Label Studio serves before any other, whatever their score."""
        if not project.serves_overlap_first:
            return set()
        several = ("overlap", "greater", "Number", 1)
        unfinished = ("is_labeled", "equal", "Boolean", False)
        query = _where(several, unfinished)
        return {task["id"] for task in self._tasks(project.id, fields="task_only", include="id", query=query)}

    def newest_change(self, project_id: int) -> str:
        """When a task of the project, or one of its annotations, last changed; "" without tasks."""
        newest_first = json.dumps({"ordering": ["-tasks:updated_at"]})
        page = self._page(project_id, 1, 1, fields="task_only", include="updated_at", query=newest_first)
        found = page["tasks"]
        return found[0]["updated_at"] if found else ""

    def wishes(self, project_id: int) -> Wishes:
        """What the project's connections ask for.

        Label Studio calls each connected backend's /health and /setup before it answers.
        """
        return wishes_of(self._request("GET", "api/ml", params={"project": project_id}))

    def webhook_authorizations(self, project_id: int) -> list[str]:
        """The Authorization headers of the project's webhooks, "" of one that has none."""
        raw = self._request("GET", "api/webhooks/", params={"project": project_id})
        return [(item.get("headers") or {}).get("Authorization", "") for item in raw]

    def task_ids(self, project_id: int) -> set[int]:
        return {task["id"] for task in self._tasks(project_id, fields="task_only", include="id")}

    def import_predictions(self, project_id: int, predictions: list[dict[str, Any]]) -> int:
        """Import all of them in one call; the answer is how many Label Studio kept.

        It drops what it does not like without a word, and refuses the whole call when one task is gone.
        Never retried: a repeated import would leave two predictions per task.
        """
        answer = self._request(
            "POST",
            f"api/projects/{project_id}/import/predictions",
            content=json.dumps(predictions, allow_nan=False).encode(),  # the SDK looks at every item for long
            headers={"Content-Type": "application/json"},
            request_options={"max_retries": 0},
        )
        return int((answer or {}).get("created") or 0)

    def predictions(self, project_id: int, model_version: str) -> list[Stored]:
        """Those of a version, lowest score first. Label Studio answers with those of all versions."""
        raw = self._request("GET", "api/predictions/", params={"project": project_id})
        ours = [item for item in raw if item["model_version"] == model_version]
        ours.sort(key=lambda item: (item["score"] is None, item["score"]))
        return [Stored(item["id"], item["task"], item["cluster"]) for item in ours]

    def set_cluster(self, prediction_id: int, cluster: int) -> None:
        """Of one stored prediction. It counts as a change of its task, but sends no webhook."""
        self._request("PATCH", f"api/predictions/{prediction_id}/", json={"cluster": cluster})

    def publish(
        self, project_id: int, model_version: str, *, set_sampling: bool = False, blind: bool = False
    ) -> None:
        """Make `model_version` the one Label Studio orders by, and shows unless `blind`."""
        changes: dict[str, Any] = {"model_version": model_version}
        if set_sampling:
            changes["sampling"] = UNCERTAINTY_SAMPLING
        if blind:
            changes["show_collab_predictions"] = False
        with _translated(self._url):
            self._sdk.projects.update(id=project_id, **changes)

    def version_sizes(self, project_id: int) -> dict[str, int]:
        """How many predictions each model version has."""
        sizes: dict[str, int] = self._request("GET", f"api/projects/{project_id}/model-versions/")
        return sizes

    def delete_version(self, project_id: int, model_version: str) -> None:
        """Delete all predictions of a version. Never the current one: that would empty the queue."""
        self._request(
            "DELETE", f"api/projects/{project_id}/model-versions/", json={"model_version": model_version}
        )

    def some_predictions(self, project_id: int, model_version: str, count: int) -> list[int]:
        """Ids of predictions of this version, about so many of them."""
        query = _where(("predictions_model_versions", "contains", "List", [model_version]))
        page = self._page(project_id, 1, count, fields="all", query=query)
        predictions = [item for task in page["tasks"] for item in task["predictions"]]
        return [item["id"] for item in predictions if item["model_version"] == model_version]

    def delete_prediction(self, prediction_id: int) -> None:
        self._request("DELETE", f"api/predictions/{prediction_id}/")

    def _tasks(self, project_id: int, **params: str) -> Iterator[dict[str, Any]]:
        page, seen, total = 1, 0, 1
        while seen < total:
            answer = self._page(project_id, page, PAGE_SIZE, **params)
            tasks, total = answer["tasks"], answer["total"]
            if not tasks:
                return
            yield from tasks
            page, seen = page + 1, seen + len(tasks)

    def _page(self, project_id: int, page: int, page_size: int, **params: str) -> dict[str, Any]:
        where: dict[str, Any] = {"project": project_id, "page": page, "page_size": page_size}
        answer: dict[str, Any] = self._request("GET", "api/tasks", params={**where, **params})
        return answer

    def _request(self, method: str, path: str, **options: Any) -> Any:
        with _translated(self._url):
            response = self._sdk._client_wrapper.httpx_client.request(path, method=method, **options)
            if response.status_code >= 400:
                raise ApiError(
                    headers=dict(response.headers), status_code=response.status_code, body=response.text
                )
            return response.json() if response.content else None


@cache
def _tls_context() -> ssl.SSLContext:
    """The certificates to trust, which take a while to read: once per process, or before it forks."""
    return httpx.create_ssl_context()


def _stay_with_label_studio(response: httpx.Response) -> None:
    """The key is for one server: a redirect elsewhere would take it along. Raises LabelStudioError."""
    if not response.has_redirect_location:
        return
    asked = response.request.url
    told = asked.join(response.headers["location"])
    same = (told.scheme, told.host, told.port) == (asked.scheme, asked.host, asked.port)
    if not same and (told.scheme, told.host, told.port, asked.port) != ("https", asked.host, None, None):
        raise LabelStudioError(
            f"Label Studio at {asked.scheme}://{asked.netloc.decode()} sends us on to {told.scheme}://"
            f"{told.host}, which is not followed. If that is right, set LABEL_STUDIO_URL to it."
        )


def _where(*conditions: tuple[str, str, str, Any]) -> str:
    """A Data Manager query: (column, operator, kind, value) each, all of which must hold."""
    items = [
        {"filter": f"filter:tasks:{column}", "operator": operator, "type": kind, "value": value}
        for column, operator, kind, value in conditions
    ]
    return json.dumps({"filters": {"conjunction": "and", "items": items}})


@contextmanager
def _translated(url: str) -> Iterator[None]:
    """The SDK's and the HTTP client's errors as ours, in the words of the person who runs the backend."""
    try:
        yield
    except ApiError as error:
        retry_after = _retry_after(error.headers)
        error.headers = None  # a session's cookie is among them, and tracebacks show them
        if error.status_code in (401, 403):
            raise AccessDenied(
                f"Label Studio at {url} refused the API key ({error.status_code}): {_short(error.body)} "
                "Check LABEL_STUDIO_API_KEY; a legacy token works only where legacy tokens are enabled."
            ) from error
        if error.status_code == 404:
            raise NotFound(f"Label Studio at {url} answered 404: {_short(error.body)}") from error
        status = error.status_code or 0
        if status < 400 or status == 429 or status >= 500:  # below 400: not the JSON it should be
            raise Unavailable(
                f"Label Studio at {url} answered {error.status_code}: {_short(error.body)}",
                retry_after,
            ) from error
        kind = Rejected if error.status_code == 400 else LabelStudioError
        raise kind(f"Label Studio at {url} answered {error.status_code}: {_short(error.body)}") from error
    except httpx.HTTPError as error:
        raise Unreachable(
            f"Label Studio at {url} does not answer ({type(error).__name__}: {error}). "
            "Check LABEL_STUDIO_URL."
        ) from error
    except ValueError as error:  # an HTML page where JSON was expected
        raise Unavailable(f"{url} does not answer like Label Studio: {error}") from error


def _retry_after(headers: dict[str, str] | None) -> float:
    """Seconds, 0 when none are told. (A date may be told instead: then our own waits must do.)"""
    told = {key.lower(): value for key, value in (headers or {}).items()}.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() else 0


def _short(body: object) -> str:
    return " ".join(str(body).split())[:MAX_REASON]
