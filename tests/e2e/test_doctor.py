"""`doctor` on real set-ups, each broken for real in one way: it names that fault, its remedy, no other."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from redis import Redis

from backend.demo.environment import install_label_studio
from backend.demo.label_studio import LabelStudioServer, free_port, start_label_studio
from backend.demo.project import DemoProject
from backend.running.backend import inherited_environment
from backend.running.supervisor import Supervisor
from tests.e2e.installation import Installation, assert_only, atlas, unchecked, wrong
from tests.e2e.proxy import Proxy
from tests.e2e.steps import DATA, TEXTS, new_project, wait_until

ORDER = "Uncertainty sampling"


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
    assert "pa55word" not in done.stdout


def test_all_connected_projects_are_looked_at(installed: Installation) -> None:
    done = atlas(installed.env, "doctor", "--json")
    findings = json.loads(done.stdout)["findings"]
    assert ("model version", installed.project.id) in {(each["check"], each["project"]) for each in findings}


@pytest.mark.parametrize("kind", ["legacy", "personal"])
def test_wrong_token(installed: Installation, access_token: str, kind: str) -> None:
    token = "0" * 40 if kind == "legacy" else access_token[:-8] + "AAAAAAAA"
    findings = installed.doctor(LABEL_STUDIO_API_KEY=token)
    assert_only(findings, "API key", f"does not accept this {kind}", "Make a new one under")
    assert '"API key" comes first' in unchecked(findings)["sampling"]


def test_short_lived_token(installed: Installation, access_token: str) -> None:
    answer = installed.http.post("/api/token/refresh/", json={"refresh": access_token}).json()
    findings = installed.doctor(LABEL_STUDIO_API_KEY=answer["access"])
    assert_only(findings, "API key", "short-lived", "Set LABEL_STUDIO_API_KEY to the token shown under")


def test_no_token(installed: Installation) -> None:
    assert_only(
        installed.doctor(LABEL_STUDIO_API_KEY=""), "API key", "not set", "Set it to a token made under"
    )


def test_legacy_token_while_legacy_tokens_are_off(
    installed: Installation, label_studio: LabelStudioServer, access_token: str
) -> None:
    legacy = label_studio.admin.login.token
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
        member.close()
    assert_only(findings, "API key", "legacy tokens are off", "Access Token Settings")
    assert not wrong(healthy)
    assert "legacy token of admin" in installed.doctor(LABEL_STUDIO_API_KEY=legacy)["API key"]["found"]


def test_label_studio_down_or_elsewhere(installed: Installation) -> None:
    findings = installed.doctor(LABEL_STUDIO_URL=f"http://localhost:{free_port(0)}")
    assert_only(findings, "Label Studio", "does not answer", "Start Label Studio, or correct")
    assert '"Label Studio" comes first' in unchecked(findings)["API key"]
    findings = installed.doctor(LABEL_STUDIO_URL=installed.url)
    assert_only(findings, "Label Studio", "not as Label Studio does", "Correct LABEL_STUDIO_URL")


def test_backend_down(installed: Installation) -> None:
    installed.parts.stop("serve")
    try:
        findings = installed.doctor()
    finally:
        installed.parts.start("serve")
    assert_only(
        findings, "backend", "no label-studio-atlas answers", "Start `label-studio-atlas up`. If it runs"
    )
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
    assert_only(findings, "Redis", "does not answer", "Start Redis, or correct REDIS_URL")
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


def test_a_webhook_that_is_stopped_on_its_way(installed: Installation) -> None:
    """By a proxy, or a firewall, that lets everything else through."""
    project = new_project(installed.server, "stopped", TEXTS[:5])
    with Proxy(installed.url) as proxy:
        connected = atlas(installed.env, "connect", proxy.url, "--project", str(project.id))
        assert connected.exit_code == 0, connected.output
        proxy.meddle = lambda call: None if call.path.startswith("/webhook") else call.forward()
        findings = installed.doctor(project.id)
    assert_only(findings, "webhook arrives", "did not arrive", "Look for it in Label Studio's log")


def test_a_config_with_nothing_to_learn(installed: Installation) -> None:
    config = '<View><Text name="t" value="$text"/><DateTime name="r" toName="t"/></View>'
    body = {"title": "number", "label_config": config, "sampling": ORDER}
    number = installed.http.post("/api/projects", json=body).json()["id"]
    assert_only(installed.doctor(number), "label config", "asks for <DateTime", "Labeling Interface")
    refused = atlas(installed.env, "connect", installed.url, "--project", str(number))
    assert (refused.exit_code, "Add <Choices" in refused.output) == (1, True)
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


def test_the_backend_has_other_credentials(installed: Installation) -> None:
    findings = installed.doctor(BASIC_AUTH_PASS="other")
    assert_only(findings, "backend", "other credentials", "Restart the backend")


def test_the_digest_of_the_webhooks_secret_is_lost(installed: Installation) -> None:
    """Redis alone may lose it; where models are kept, it is missed."""
    with Redis.from_url(installed.env["REDIS_URL"]) as redis:
        redis.hdel(f"atlas:project:{installed.project.id}", "webhook_digest")
        assert not wrong(installed.doctor())
        place = Path(installed.env["DATA_DIR"]) / "projects" / str(installed.project.id) / "webhook.json"
        place.unlink()
        redis.hdel(f"atlas:project:{installed.project.id}", "webhook_digest")
    assert_only(installed.doctor(), "webhook", "has lost", "label-studio-atlas connect")
    assert installed.connect().exit_code == 0
    assert not wrong(installed.doctor())


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
    assert_only(findings, "settings", "RETRAIN_EVERY", "docs/settings.md")
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

        with again, httpx.Client(base_url=again.url, headers=installed.http.headers, timeout=60) as http:
            fresh = DemoProject(http, "blocked", DATA.labels, TEXTS[:3])
            env = {**installed.env, "LABEL_STUDIO_URL": again.url}
            refused = atlas(env, "connect", installed.url, "--project", str(fresh.id))
            assert (refused.exit_code, "USE_DEFAULT_BANNED_SUBNETS=false" in refused.output) == (1, True)
            assert not http.get("/api/webhooks/", params={"project": fresh.id}).json()
