"""`doctor` on real set-ups, each broken for real in one way: it names that fault, its remedy, and no other.

One installation for all: a real Label Studio, Redis, web server and worker, each of which can be stopped
by itself; `connect` set it up. Every test mends what it broke.
"""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result
from redis import Redis

from backend.cli import main
from backend.demo.data import load
from backend.demo.environment import install_label_studio
from backend.demo.label_studio import LabelStudioServer, free_port, start_label_studio
from backend.demo.project import DemoProject
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.conftest import RunningBackend

DATA = load(None, seed=0)
TEXTS = [text for text, _ in DATA.pool[:40]]
LABELS = [label for _, label in DATA.pool[:40]]
ORDER = "Uncertainty sampling"


def atlas(env: dict[str, str], *arguments: str) -> Result:
    return CliRunner(env=env).invoke(main, list(arguments))


def annotate(http: httpx.Client, task: int, label: str) -> None:
    region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
    http.post(f"/api/tasks/{task}/annotations/", json={"result": [region]}).raise_for_status()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.3)


class Parts:
    """Redis, web server and worker as processes of their own."""

    def __init__(self, directory: Path, env: dict[str, str]):
        self.directory = directory
        self._all: dict[str, Supervisor] = {"redis": Supervisor()}
        redis_url = start_redis(self._all["redis"], directory / "redis-data", dict(inherited_environment()))
        self.env = {**env, "REDIS_URL": redis_url}
        for name in ("serve", "worker", "cron"):
            self.start(name)

    def start(self, name: str, **changes: str) -> None:
        supervisor = self._all[name] = Supervisor()
        env = {**inherited_environment(), **self.env, **changes}
        url = f"http://127.0.0.1:{self.env['PORT']}/health"
        supervisor.start(
            name,
            [sys.executable, "-m", "backend", name],
            env,
            log=self.directory / f"{name}.log",
            ready={"serve": lambda: answers(url), "worker": self._worker_is_there}.get(name),
        )

    def stop(self, name: str) -> None:
        self._all[name].__exit__()

    def kill(self, name: str) -> None:
        for child in self._all[name]._children:
            child.process.send_signal(signal.SIGKILL)
            child.process.wait()

    def stop_all(self) -> None:
        for name in ("cron", "worker", "serve", "redis"):
            self.stop(name)

    def _worker_is_there(self) -> bool:
        with Redis.from_url(self.env["REDIS_URL"]) as redis:
            return any(
                redis.hget(key, "pid") == str(child.process.pid).encode()
                for key in redis.smembers("rq:workers")
                for child in self._all["worker"]._children
            )


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.HTTPError:
        return False


@dataclass
class Installation:
    """`env` is what the backend and the commands are given; it uses a personal access token."""

    parts: Parts
    project: DemoProject
    url: str
    http: httpx.Client
    connected: Result

    @property
    def env(self) -> dict[str, str]:
        return self.parts.env

    def doctor(self, project: int | None = None, **changes: str) -> dict[str, dict[str, Any]]:
        """What it found by the check's name. The exit code must agree."""
        number = str(self.project.id if project is None else project)
        done = atlas({**self.env, **changes}, "doctor", "--json", "--project", number)
        told = json.loads(done.stdout)
        assert done.exit_code == (0 if told["ok"] else 1)
        return {finding["check"]: finding for finding in told["findings"]}

    def connect(self) -> Result:
        return atlas(self.env, "connect", self.url, "--project", str(self.project.id))

    def patch(self, **changes: object) -> None:
        self.http.patch(f"/api/projects/{self.project.id}/", json=changes).raise_for_status()

    def webhook(self) -> dict[str, Any]:
        (hook,) = self.http.get("/api/webhooks/", params={"project": self.project.id}).json()
        return hook

    def change_webhook(self, **changes: object) -> None:
        hook = self.webhook()
        self.http.patch(f"/api/webhooks/{hook['id']}/", json={**hook, **changes}).raise_for_status()


@pytest.fixture(scope="module")
def access_token(label_studio: LabelStudioServer) -> str:
    """A personal access token of somebody who is no administrator."""
    answer = label_studio.sign_up("backend").http.post("/api/token/")
    answer.raise_for_status()
    return answer.json()["token"]


@pytest.fixture(scope="module")
def installed(
    label_studio: LabelStudioServer, access_token: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    directory = tmp_path_factory.mktemp("installation")
    port = free_port(0)
    env = {
        "LABEL_STUDIO_URL": label_studio.url,
        "LABEL_STUDIO_API_KEY": access_token,
        "DATA_DIR": str(directory / "data"),
        "PORT": str(port),
        "RETRAIN_PAUSE": "0",
        "WEBHOOK_SECRET": "s3cret",
        "BASIC_AUTH_USER": "atlas",
        "BASIC_AUTH_PASS": "pa55word",
    }
    project = DemoProject(label_studio.admin.http, "doctor", DATA.labels, TEXTS)
    project._http.patch(f"/api/projects/{project.id}/", json={"sampling": "Sequential sampling"})
    parts = Parts(directory, env)
    try:
        url = f"http://localhost:{port}"
        connected = atlas(parts.env, "connect", url, "--project", str(project.id))
        yield Installation(parts, project, url, label_studio.admin.http, connected)
    finally:
        parts.stop_all()


@contextmanager
def unheard(installed: Installation) -> Iterator[None]:
    """Label Studio tells the backend nothing meanwhile, as when a webhook gets lost."""
    installed.change_webhook(is_active=False)
    yield
    installed.change_webhook(is_active=True)


def wrong(findings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {name: finding for name, finding in findings.items() if finding["state"] == "wrong"}


def assert_only(findings: dict[str, dict[str, Any]], check: str, found: str, remedy: str) -> None:
    assert set(wrong(findings)) == {check}, wrong(findings)
    assert found in findings[check]["found"]
    assert remedy in findings[check]["remedy"]


def unchecked(findings: dict[str, dict[str, Any]]) -> dict[str, str]:
    return {name: each["found"] for name, each in findings.items() if each["state"] == "not checked"}


def test_connect_does_it_all_and_says_so(installed: Installation) -> None:
    told = installed.connected
    assert told.exit_code == 0, told.output
    for word in ("registered", "made", ORDER, "atlas-000001 is published", "it arrived", "All is well."):
        assert word in told.output
    assert "s3cret" not in told.output
    assert "pa55word" not in told.output

    hook = installed.webhook()  # one: Label Studio has not made its own
    assert hook["url"] == f"{installed.url}/webhook"
    assert hook["headers"] == {"Authorization": "Bearer s3cret"}
    (connection,) = installed.http.get("/api/ml", params={"project": installed.project.id}).json()
    assert connection["basic_auth_user"] == "atlas"
    assert httpx.post(f"{installed.url}/webhook", json={}).status_code == 401
    assert httpx.post(f"{installed.url}/predict", json={"tasks": [], "project": 1}).status_code == 401


def test_connecting_again_doubles_nothing(installed: Installation) -> None:
    before = installed.webhook()["id"]
    assert installed.connect().exit_code == 0
    assert installed.webhook()["id"] == before
    assert len(installed.http.get("/api/ml", params={"project": installed.project.id}).json()) == 1


def test_the_loop_runs_with_secret_basic_auth_and_a_personal_access_token(installed: Installation) -> None:
    first = installed.project.model_version()
    for task, label in list(zip(installed.project.task_ids, LABELS, strict=True))[:5]:
        annotate(installed.http, task, label)
    assert installed.project.wait_for_version_after(first, lambda: None) > first


def test_a_healthy_set_up(installed: Installation) -> None:
    findings = installed.doctor()
    assert {each["state"] for each in findings.values()} == {"ok"}, findings
    assert "personal access token of backend@example.com" in findings["API key"]["found"]
    command = [sys.executable, "-m", "backend", "doctor", "--project", str(installed.project.id)]
    done = subprocess.run(
        command, env={**inherited_environment(), **installed.env}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "All is well.")
    assert "\x1b[" not in done.stdout  # no colour but on a terminal
    assert "s3cret" not in done.stdout


def test_all_connected_projects_are_looked_at(installed: Installation) -> None:
    done = atlas(installed.env, "doctor", "--json")
    projects = {finding["project"] for finding in json.loads(done.stdout)["findings"]}
    assert (done.exit_code, projects) == (0, {None, installed.project.id})


@pytest.mark.parametrize("kind", ["legacy", "personal"])
def test_wrong_token(installed: Installation, access_token: str, kind: str) -> None:
    token = "0" * 40 if kind == "legacy" else access_token[:-8] + "AAAAAAAA"
    findings = installed.doctor(LABEL_STUDIO_API_KEY=token)
    assert_only(findings, "API key", f"does not accept this {kind}", "Personal Access Token")
    assert '"API key" comes first' in unchecked(findings)["sampling"]


def test_short_lived_token(installed: Installation, access_token: str) -> None:
    answer = installed.http.post("/api/token/refresh/", json={"refresh": access_token}).json()
    findings = installed.doctor(LABEL_STUDIO_API_KEY=answer["access"])
    assert_only(findings, "API key", "short-lived", "Personal Access Token")


def test_no_token(installed: Installation) -> None:
    assert_only(installed.doctor(LABEL_STUDIO_API_KEY=""), "API key", "not set", "Personal Access Token")


def test_legacy_token_while_legacy_tokens_are_off(
    installed: Installation, label_studio: LabelStudioServer, access_token: str
) -> None:
    legacy = label_studio.admin.http.headers["Authorization"].removeprefix("Token ")
    answer = installed.http.post("/api/token/refresh/", json={"refresh": access_token}).json()
    member = httpx.Client(
        base_url=label_studio.url, headers={"Authorization": f"Bearer {answer['access']}"}, timeout=60
    )
    switch = {"api_tokens_enabled": True, "legacy_api_tokens_enabled": False}
    member.post("/api/jwt/settings", json=switch).raise_for_status()
    try:
        findings = installed.doctor(LABEL_STUDIO_API_KEY=legacy)
        healthy = installed.doctor()
    finally:
        switch["legacy_api_tokens_enabled"] = True
        member.post("/api/jwt/settings", json=switch).raise_for_status()
    assert_only(findings, "API key", "legacy tokens are off", "Access Token Settings")
    assert not wrong(healthy)
    assert "legacy token of admin" in installed.doctor(LABEL_STUDIO_API_KEY=legacy)["API key"]["found"]


def test_label_studio_down_or_elsewhere(installed: Installation) -> None:
    findings = installed.doctor(LABEL_STUDIO_URL=f"http://localhost:{free_port(0)}")
    assert_only(findings, "Label Studio", "does not answer", "LABEL_STUDIO_URL")
    assert '"Label Studio" comes first' in unchecked(findings)["API key"]
    findings = installed.doctor(LABEL_STUDIO_URL=installed.url)
    assert_only(findings, "Label Studio", "not as Label Studio does", "LABEL_STUDIO_URL")


def test_backend_down(installed: Installation) -> None:
    installed.parts.stop("serve")
    try:
        findings = installed.doctor()
    finally:
        installed.parts.start("serve")
    assert_only(findings, "backend", "no label-studio-atlas answers", "label-studio-atlas up")
    assert '"backend" comes first' in unchecked(findings)["connection"]


def test_worker_killed(installed: Installation) -> None:
    """It did retrains and upkeep."""
    installed.parts.kill("worker")
    try:
        findings = installed.doctor()
    finally:
        installed.parts.start("worker")
    assert set(wrong(findings)) == {"worker", "upkeep"}
    for check in ("worker", "upkeep"):
        assert "is running" in findings[check]["found"]
        assert "label-studio-atlas worker" in findings[check]["remedy"]


def test_cron_killed(installed: Installation) -> None:
    installed.parts.kill("cron")
    try:
        findings = installed.doctor()
    finally:
        installed.parts.start("cron")
    assert_only(findings, "cron", "no webhook tells of", "label-studio-atlas cron")
    wait_until(lambda: not wrong(installed.doctor()))


def test_redis_down(installed: Installation) -> None:
    findings = installed.doctor(REDIS_URL=f"redis://:pa55word@localhost:{free_port(0)}/0")
    assert_only(findings, "Redis", "does not answer", "REDIS_URL")
    assert "pa55word" not in json.dumps(findings)


def test_redis_keeps_nothing(installed: Installation) -> None:
    with Redis.from_url(installed.env["REDIS_URL"]) as redis:
        redis.config_set("appendonly", "no")
        try:
            findings = installed.doctor()
        finally:
            redis.config_set("appendonly", "yes")
    assert_only(findings, "Redis on disk", "keeps nothing", "appendonly yes")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"is_active": False}, "switched off"),
        ({"headers": {}}, "no secret"),
        ({"headers": {"Authorization": "Bearer old"}}, "another secret"),
        ({"actions": ["ANNOTATION_CREATED"]}, "ANNOTATION_UPDATED"),
        ({"send_payload": False}, "its payload"),
        (None, "there is none"),
    ],
)
def test_webhook(installed: Installation, changes: dict[str, object] | None, found: str) -> None:
    if changes is None:
        installed.http.delete(f"/api/webhooks/{installed.webhook()['id']}/").raise_for_status()
    else:
        installed.change_webhook(**changes)
    command = f"label-studio-atlas connect {installed.url} --project {installed.project.id}"
    findings = installed.doctor()
    assert_only(findings, "webhook", found, command)
    assert '"webhook" comes first' in unchecked(findings)["webhook arrives"]
    assert installed.connect().exit_code == 0  # the remedy is one


def test_sampling_changed(installed: Installation) -> None:
    with unheard(installed):
        installed.patch(sampling="Sequential sampling")
    assert_only(installed.doctor(), "sampling", "Sequential sampling", "label-studio-atlas connect")
    assert installed.connect().exit_code == 0


@pytest.mark.parametrize("version", ["atlas-000001", ""])
def test_another_model_version(installed: Installation, version: str) -> None:
    current = installed.project.model_version()
    assert current > "atlas-000001"
    with unheard(installed):
        installed.patch(model_version=version)
    findings = installed.doctor()
    assert_only(findings, "model version", f"follows {version or 'none'}", "label-studio-atlas connect")
    assert current in findings["model version"]["found"]
    assert installed.connect().exit_code == 0
    assert installed.project.model_version() == current


def test_a_retrain_fails(installed: Installation) -> None:
    """The local copy of the tasks is damaged."""
    store = Path(installed.env["DATA_DIR"]) / "projects" / str(installed.project.id) / "tasks.sqlite"
    kept = store.read_bytes()
    store.write_bytes(b"not a database, " * 64)
    http, project = installed.http, installed.project
    for task, label in list(zip(project.task_ids, LABELS, strict=True))[5:10]:
        annotate(http, task, label)
    wait_until(lambda: "retrain" in wrong(installed.doctor()))
    findings = installed.doctor()
    before = project.model_version()
    store.write_bytes(kept)
    assert_only(findings, "retrain", "file is not a database", "next annotation")
    project.wait_for_version_after(before, lambda: None)  # RQ tries again by itself
    wait_until(lambda: not wrong(installed.doctor()))


def test_a_config_with_nothing_to_learn(installed: Installation) -> None:
    config = '<View><Text name="t" value="$text"/><Rating name="r" toName="t"/></View>'
    body = {"title": "rating", "label_config": config, "sampling": ORDER}
    number = installed.http.post("/api/projects", json=body).json()["id"]
    assert_only(installed.doctor(number), "label config", "no <Choices> tag", "Labeling Interface")
    refused = atlas(installed.env, "connect", installed.url, "--project", str(number))
    assert (refused.exit_code, "no <Choices> tag" in refused.output) == (1, True)
    assert not installed.http.get("/api/webhooks/", params={"project": number}).json()


def test_a_project_without_tasks_can_be_connected(installed: Installation) -> None:
    body = {"title": "empty", "label_config": installed.project.label_config}
    number = installed.http.post("/api/projects", json=body).json()["id"]
    done = atlas(installed.env, "connect", installed.url, "--project", str(number))
    assert done.exit_code == 0, done.output
    assert "no tasks yet" in done.output
    assert "not checked: the project has no tasks" in done.output


def test_no_such_project(installed: Installation) -> None:
    assert_only(installed.doctor(999_999), "project", "no project 999999", "--project")


def test_the_backend_has_another_secret(installed: Installation) -> None:
    findings = installed.doctor(WEBHOOK_SECRET="other")
    assert set(wrong(findings)) == {"backend", "webhook"}  # both are: Label Studio has the old one as well
    assert "other credentials" in findings["backend"]["found"]
    assert "Restart the backend" in findings["backend"]["remedy"]


def test_the_connection_has_an_old_password(installed: Installation) -> None:
    installed.parts.stop("serve")
    installed.parts.start("serve", BASIC_AUTH_PASS="changed")
    try:
        findings = installed.doctor(BASIC_AUTH_PASS="changed")
    finally:
        installed.parts.stop("serve")
        installed.parts.start("serve")
    assert_only(findings, "connection", "refuses the credentials", "BASIC_AUTH_PASS")


def test_a_setting_is_wrong(installed: Installation) -> None:
    findings = installed.doctor(RETRAIN_EVERY="0", STRATEGY="margin")
    assert_only(findings, "settings", "RETRAIN_EVERY", "README")
    assert_only(installed.doctor(STRATEGY="magic"), "settings", "magic", "STRATEGY")


def test_address_blocked_by_ssrf_protection(
    installed: Installation, label_studio: LabelStudioServer, tmp_path: Path
) -> None:
    """The same Label Studio, started again with its defaults."""
    directory = tmp_path / "label-studio"
    name = "label_studio.sqlite3"
    shutil.copytree(label_studio.directory, directory, ignore=shutil.ignore_patterns(f"{name}*"))
    with sqlite3.connect(label_studio.directory / name) as source, sqlite3.connect(directory / name) as copy:
        source.backup(copy)
    program = install_label_studio(Path("~/.cache/label-studio-atlas").expanduser())
    with Supervisor() as supervisor:
        port = free_port(0)
        again = start_label_studio(supervisor, program, directory, port, USE_DEFAULT_BANNED_SUBNETS="true")
        findings = installed.doctor(LABEL_STUDIO_URL=again.url)
        assert_only(findings, "connection", "127.0.0.0/8", "USE_DEFAULT_BANNED_SUBNETS=false")
        assert '"connection" comes first' in unchecked(findings)["webhook arrives"]

        http = httpx.Client(base_url=again.url, headers=installed.http.headers, timeout=60)
        fresh = DemoProject(http, "blocked", DATA.labels, TEXTS[:3])
        env = {**installed.env, "LABEL_STUDIO_URL": again.url}
        refused = atlas(env, "connect", installed.url, "--project", str(fresh.id))
        assert (refused.exit_code, "USE_DEFAULT_BANNED_SUBNETS=false" in refused.output) == (1, True)
        assert not http.get("/api/webhooks/", params={"project": fresh.id}).json()


def test_connect_takes_over_what_was_connected_by_hand(
    label_studio: LabelStudioServer, run_backend: Callable[..., RunningBackend], installed: Installation
) -> None:
    """Label Studio's own webhook carries no secret. The legacy token serves for everything."""
    backend = run_backend(WEBHOOK_SECRET="s3cret")
    project = DemoProject(label_studio.admin.http, "by hand", DATA.labels, TEXTS[:20])
    project.connect(backend.url)
    first = project.wait_for_version_after("", backend.supervisor.check)
    doctor = ("doctor", "--json", "--project", str(project.id))

    told = json.loads(atlas(backend.env, *doctor).stdout)["findings"]
    assert [(each["check"], each["state"]) for each in told if each["state"] != "ok"] == [
        ("webhook", "wrong"),
        ("webhook arrives", "not checked"),
    ]
    done = atlas(backend.env, "connect", backend.url, "--project", str(project.id))
    assert done.exit_code == 0, done.output
    assert len(label_studio.admin.http.get("/api/webhooks/", params={"project": project.id}).json()) == 1
    assert len(label_studio.admin.http.get("/api/ml", params={"project": project.id}).json()) == 1
    for task, label in list(zip(project.task_ids, LABELS, strict=False))[:5]:
        annotate(label_studio.admin.http, task, label)
    project.wait_for_version_after(first, backend.supervisor.check)

    findings = installed.doctor(project.id)  # asked at another installation
    assert_only(findings, "connection", "not the one that shares this Redis", "address of this backend")


def test_connect_without_any_secret_says_what_is_open(
    label_studio: LabelStudioServer, run_backend: Callable[..., RunningBackend]
) -> None:
    backend = run_backend()
    project = DemoProject(label_studio.admin.http, "open", DATA.labels, TEXTS[:20])
    done = atlas(backend.env, "connect", backend.url, "--project", str(project.id))
    assert done.exit_code == 0, done.output
    assert "WEBHOOK_SECRET is not set" in done.output
    assert "BASIC_AUTH_USER is not set" in done.output


def test_connect_where_label_studio_finds_nothing_leaves_nothing_behind(installed: Installation) -> None:
    nowhere = f"http://localhost:{free_port(0)}"
    project = DemoProject(installed.http, "nowhere", DATA.labels, TEXTS[:3])
    refused = atlas(installed.env, "connect", nowhere, "--project", str(project.id))
    assert (refused.exit_code, "nothing answers there" in refused.output) == (1, True)
    assert "removed again" in refused.output
    assert not installed.http.get("/api/webhooks/", params={"project": project.id}).json()
