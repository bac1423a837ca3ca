"""What the doctor finds of a project's links, each fault with the one thing to do: by stand-ins for what
Label Studio, Redis and the disk would say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

import backend.doctor.examine  # noqa: F401  registers the checks in their order
from backend.doctor import order, other_backends, project, webhook
from backend.doctor.finding import Finding, State
from backend.errors import LabelConfigError, NotFound
from backend.jobs.state import digest
from backend.labelstudio.administration import Webhook, former_webhook_url, webhook_url
from backend.labelstudio.client import UNCERTAINTY_SAMPLING
from backend.labelstudio.connection import TITLE
from backend.settings import Settings

URL = "http://us:9090"
OK, NOTE, WRONG, NOT = State.OK, State.NOTE, State.WRONG, State.NOT_CHECKED
Check = Callable[[Any], Finding]


def connection(number: int = 1, url: str = URL, **more: Any) -> Any:
    given = {"title": TITLE, "state": "CO", "strategy": None, "weights": None, "error": "", **more}
    return SimpleNamespace(id=number, url=url, **given)


def bench(settings: Mapping[str, Any] | None = None, **given: Any) -> Any:
    """Of project 3: connected, with a secret, nothing published."""
    dispatcher = SimpleNamespace(
        state=lambda number: SimpleNamespace(aside=given.get("aside")),
        is_retraining=lambda number: given.get("busy", False),
    )
    of_all = SimpleNamespace(settings=Settings(**settings or {}), redis=None, dispatcher=dispatcher)
    of_all.is_another = lambda url: given.get("others", {}).get(url)
    found = SimpleNamespace(
        bench=of_all,
        id=3,
        connections=[connection()],
        connection=connection(),
        webhooks=[],
        former_webhooks=[],
        all_webhooks=[],
        webhook_digest=digest("Bearer s"),
        published=None,
        connect_again="Run `connect`.",
        connect_command="connect",
        look_again=lambda: None,
    )
    vars(found).update(given)
    return found


def told(check: Check, subject: Any) -> tuple[State, str]:
    found = check(subject)
    assert (found.state is WRONG) <= bool(found.remedy)
    return found.state, f"{found.found} {found.remedy}"


OURS = webhook_url(URL, 3)
THEIRS = former_webhook_url(URL)
RIGHT, OTHER = {"Authorization": "Bearer s"}, {"Authorization": "Bearer x"}
OLD = {"webhook_secret": "w"}
AUTH = {"basic_auth_user": "ann", "basic_auth_pass": "pw"}
PASSWORD = {"Authorization": "Basic YW5uOnB3"}

WEBHOOKS: list[tuple[str, dict[str, Any], dict[str, Any], State, str]] = [
    # what, settings, bench, state, what is said
    ("right", {}, {"webhooks": [Webhook(OURS, RIGHT)]}, OK, "with a secret of its own"),
    ("off", {}, {"webhooks": [Webhook(OURS, RIGHT, is_active=False)]}, WRONG, "is switched off"),
    ("one of two is on", {}, {"webhooks": [Webhook(OURS, RIGHT, is_active=False), Webhook(OURS, RIGHT)]},
     OK, "active"),
    ("too few events", {}, {"webhooks": [Webhook(OURS, RIGHT, frozenset())]}, WRONG, "lacks ANNOTATION"),
    ("all events", {}, {"webhooks": [Webhook(OURS, RIGHT, frozenset(), all_actions=True)]}, OK, "active"),
    ("another secret", {}, {"webhooks": [Webhook(OURS, OTHER)]}, WRONG, "carries another secret"),
    ("no secret", {}, {"webhooks": [Webhook(OURS)]}, WRONG, "carries no secret"),
    ("a lost secret", {}, {"webhooks": [Webhook(OURS, RIGHT)], "webhook_digest": None}, WRONG,
     "has a secret that this backend has lost: anybody may send one in its name"),
    ("a former one beside", {}, {"webhooks": [Webhook(OURS, RIGHT)], "former_webhooks": [Webhook(THEIRS)]},
     NOTE, "of no use"),
    ("none", {}, {}, WRONG, "there is none to this backend"),
    ("not connected", {}, {"connection": None}, NOT, '"connection" comes first'),
    ("a former one off", {}, {"former_webhooks": [Webhook(THEIRS, is_active=False)]}, WRONG, "switched off"),
    ("the password", AUTH, {"former_webhooks": [Webhook(THEIRS, PASSWORD)]}, WRONG,
     "carries the backend's password, which Label Studio shows its users"),
    ("WEBHOOK_SECRET", OLD, {"former_webhooks": [Webhook(THEIRS, {"Authorization": "Bearer w"})],
     "webhook_digest": None}, NOTE, "carries WEBHOOK_SECRET; it is let in until it is replaced"),
    ("no WEBHOOK_SECRET", OLD, {"former_webhooks": [Webhook(THEIRS)], "webhook_digest": None}, WRONG,
     "carries no secret"),
    ("a former one with its secret", {}, {"former_webhooks": [Webhook(THEIRS, RIGHT)]}, NOTE,
     "as the release before registered it"),
    ("a former one with another", {}, {"former_webhooks": [Webhook(THEIRS, OTHER)]}, WRONG,
     "carries another secret"),
    ("ours without any", {}, {"former_webhooks": [Webhook(THEIRS)], "webhook_digest": None}, WRONG,
     "is lost: anybody may send one in its name"),
    ("Label Studio's own", {}, {"former_webhooks": [Webhook(THEIRS)], "webhook_digest": None,
     "connection": connection(title="mine")}, OK, "with no secret that is asked for: `connect` makes one"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "given", "state", "said"), [row[1:] for row in WEBHOOKS], ids=[row[0] for row in WEBHOOKS]
)
def test_a_webhook(settings: dict[str, Any], given: dict[str, Any], state: State, said: str) -> None:
    found = told(webhook.webhook, bench(settings, **given))
    assert found[0] is state
    assert said in found[1]


def tasks(count: int = 9, version: str | None = None, is_finished: bool = False) -> Any:
    return SimpleNamespace(task_count=count, model_version=version, is_finished=is_finished)


SAMPLED: list[tuple[Check, dict[str, Any], State, str]] = [
    (order.sampling, {"sampling": UNCERTAINTY_SAMPLING}, OK, "follows the order of predictions"),
    (order.sampling, {"sampling": "Uniform sampling"}, WRONG, "Label Studio does not follow our order"),
    (order.sampling, {"sampling": ""}, WRONG, "Label Studio does not follow our order"),
    (order.strategy, {"connections": [connection(strategy="margin")]}, OK, "margin, as the connection asks"),
    (order.strategy, {"connections": [connection(1, strategy="margin"), connection(2, strategy="atlas")]},
     NOTE, "the connections do not agree (connection 1 margin; connection 2 atlas): margin, of the oldest"),
    (order.strategy, {"connections": [connection(1), connection(2, strategy="atlas")]}, NOTE,
     "connection 1 names none; connection 2 atlas): atlas"),
    (order.strategy, {}, OK, "auto, by STRATEGY"),
    (order.model_version, {"project": tasks(0)}, NOT, "the project has no tasks"),
    (order.model_version, {"project": tasks(is_finished=True)}, OK, "all tasks are labelled"),
    (order.model_version, {"project": tasks(), "busy": True}, NOTE, "the first order is being made"),
    (order.model_version, {"project": tasks(version="atlas-000004")}, NOT,
     "atlas-000004 was not published from DATA_DIR"),
    (order.model_version, {"project": tasks(version="theirs"), "connection": None}, NOT,
     '"connection" comes first'),
    (order.model_version, {"project": tasks(), "connection": connection(state="ER")}, NOT,
     '"connection" comes first'),
    (order.model_version, {"project": tasks()}, WRONG,
     "nothing has been published yet, and no retrain is coming"),
    (order.model_version, {"project": tasks(version="atlas-000001"), "published": "atlas-000002"}, WRONG,
     "the project follows atlas-000001, last published is atlas-000002"),
    (order.model_version, {"project": tasks(), "published": "atlas-000002"}, WRONG, "project follows none"),
    (order.model_version, {"project": tasks(), "published": "atlas-000002", "busy": True}, NOTE,
     "a retrain is under way"),
    (order.model_version, {"project": tasks(is_finished=True), "published": "atlas-000002"}, OK,
     "there is nothing to order"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "given", "state", "said"), SAMPLED)
def test_what_orders_a_project(
    check: Check, given: dict[str, Any], state: State, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "chosen", lambda settings, number: {})
    found = told(check, bench({}, **given))
    assert found[0] is state
    assert said in found[1]


JOBS: list[tuple[dict[str, Any] | None, str | None, State, str]] = [
    (None, None, OK, "none is waiting"),
    (None, "no labels", WRONG, "the project is set aside, since each retrain failed: no labels"),
    ({"status": "failed", "error": "x"}, None, WRONG, "the last one failed: x"),
    ({"status": "scheduled", "error": "x"}, None, WRONG, "it failed and is tried again: x"),
    ({"status": "started", "error": None}, None, OK, "running"),
    ({"status": "queued", "error": ""}, None, OK, "waiting"),
    ({"status": "deferred"}, None, OK, "waiting"),
    ({"status": "finished", "result": {"published": True, "model_version": "atlas-000002", "trained_on": 9}},
     None, OK, "the last one published atlas-000002, from 9 labels"),
    ({"status": "finished", "result": {"reason": "no task"}}, None, OK, "published nothing: no task"),
    ({"status": "finished", "result": {}}, None, OK, "no task waits, or one is pinned"),
    ({"status": "finished", "result": None}, None, OK, "no task waits, or one is pinned"),
    ({"status": "finished", "result": [1]}, None, OK, "no task waits, or one is pinned"),
]  # fmt: skip


@pytest.mark.parametrize(("job", "aside", "state", "said"), JOBS)
def test_a_retrain(
    job: dict[str, Any] | None, aside: str | None, state: State, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order, "job_status", lambda redis, job_id: job)
    found = told(order.retrain, bench(aside=aside))
    assert found[0] is state
    assert said in found[1]


THEM = "http://them:9090"
OTHERS: list[tuple[str, dict[str, Any], State, str]] = [
    ("none", {}, OK, "no other label-studio-atlas works on this project"),
    ("proven by its connection", {"connections": [connection(), connection(2, f"{THEM}/")],
     "others": {THEM: True}}, WRONG, "works on this project too, at http://them:9090 (connection 2)"),
    ("proven by its webhook", {"all_webhooks": [Webhook(webhook_url(THEM, 3), id=5)],
     "others": {THEM: True}}, WRONG, "http://them:9090 (webhook 5)"),
    ("by both", {"connections": [connection(), connection(2, THEM)],
     "all_webhooks": [Webhook(former_webhook_url(THEM), id=5)], "others": {THEM: True}}, WRONG,
     "http://them:9090 (connection 2 and webhook 5)"),
    ("out of sight, by our title", {"connections": [connection(), connection(2, THEM)]}, NOTE,
     "may work on this project too, at http://them:9090"),
    ("out of sight, by its webhook", {"all_webhooks": [Webhook(webhook_url(THEM, 3), id=5)]}, NOTE,
     "may work on this project too"),
    ("a stranger's model", {"connections": [connection(), connection(2, THEM, title="x")]}, OK, "no other"),
    ("ourselves by another name", {"connections": [connection(), connection(2, THEM)],
     "others": {THEM: False}}, OK, "no other"),
    ("a webhook that is off", {"all_webhooks": [Webhook(webhook_url(THEM, 3), is_active=False)],
     "others": {THEM: True}}, OK, "no other"),
    ("another project's webhook", {"all_webhooks": [Webhook(webhook_url(THEM, 4))],
     "others": {THEM: True}}, OK, "no other"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("given", "state", "said"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS]
)
def test_another_backend(given: dict[str, Any], state: State, said: str) -> None:
    found = told(other_backends.other_backends, bench(**given))
    assert found[0] is state
    assert said in found[1]


class Surveyed:
    """A bench whose project cannot be read, or is learned of as told."""

    def __init__(self, **given: Any):
        self.id = 3
        self._given = given

    def __getattr__(self, name: str) -> Any:
        found = self._given[name]
        if isinstance(found, Exception):
            raise found
        return found


def survey(**told: Any) -> Any:
    return SimpleNamespace(**{"texts": None, "answers": None, "tasks": 0, "annotated": 0, **told})


READ: list[tuple[Check, dict[str, Any], State, str]] = [
    (project.project, {"project": NotFound("404")}, WRONG, "Label Studio has no project 3, or hides it"),
    (project.project, {"project": tasks(0)}, NOTE, "no tasks yet: there is nothing to order"),
    (project.project, {"project": tasks(7)}, OK, "7 tasks"),
    (project.label_config, {"scheme": LabelConfigError("no control")}, WRONG,
     "no control Change it under Settings > Labeling Interface."),
    (project.texts, {"survey": survey(texts="all are empty")}, WRONG, "all are empty Correct the value"),
    (project.texts, {"survey": survey(tasks=20)}, OK, "of the first 20 tasks, there and not all alike"),
    (project.texts, {"survey": survey()}, NOTE, "none yet"),
    (project.known_answers, {"survey": survey(answers="2 name `x`")}, NOTE, "nothing is learned of these"),
    (project.known_answers, {"survey": survey()}, OK, "none yet"),
    (project.known_answers, {"survey": survey(annotated=5)}, OK, "of the first 5 annotated tasks"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "given", "state", "said"), READ)
def test_what_is_read_of_a_project(check: Check, given: dict[str, Any], state: State, said: str) -> None:
    found = told(check, Surveyed(**given))
    assert found[0] is state
    assert said in found[1]
