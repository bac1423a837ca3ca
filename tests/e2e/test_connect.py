"""`connect` on a real Label Studio: what it sets up, takes over, and leaves alone."""

from __future__ import annotations

import json

import httpx
from redis import Redis

from backend.demo.label_studio import LabelStudioServer, free_port
from tests.e2e.installation import Installation, assert_only, atlas
from tests.e2e.steps import LABELS, TEXTS, Start, annotate, new_project

ORDER = "Uncertainty sampling"


def test_connect_does_it_all_and_says_so(installed: Installation) -> None:
    told = installed.connected
    assert told.exit_code == 0, told.output
    for word in ("registered", "made", ORDER, "atlas-000001 is published", "it arrived", "All is well."):
        assert word in told.output
    assert "pa55word" not in told.output

    hook = installed.webhook()  # one: that which Label Studio makes by itself is gone
    assert hook["url"] == f"{installed.url}/webhook?project={installed.project.id}"
    assert not hook["send_payload"]
    assert hook["headers"]["Authorization"].startswith("Bearer ")  # and not the backend's password
    listed = installed.http.get("/api/ml", params={"project": installed.project.id})
    assert [connection["basic_auth_user"] for connection in listed.json()] == ["atlas"]
    hooks = installed.http.get("/api/webhooks/", params={"project": installed.project.id})
    assert "pa55word" not in listed.text + hooks.text
    assert httpx.post(f"{installed.url}/webhook", json={}).status_code == 401
    assert httpx.post(f"{installed.url}/predict", json={"tasks": [], "project": 1}).status_code == 401


def test_connecting_again_doubles_nothing(installed: Installation) -> None:
    before = installed.webhook()["id"]
    assert installed.connect().exit_code == 0
    assert installed.webhook()["id"] == before
    assert len(installed.http.get("/api/ml", params={"project": installed.project.id}).json()) == 1


def test_the_loop_runs_with_secret_basic_auth_and_a_personal_access_token(installed: Installation) -> None:
    first = installed.project.model_version()
    installed.annotate(0, 5)
    assert installed.project.wait_for_version_after(first, lambda: None) > first


def test_connect_takes_over_what_was_connected_by_hand(
    label_studio: LabelStudioServer, run_backend: Start, installed: Installation
) -> None:
    """Label Studio's own webhook carries no secret. The legacy token serves for everything."""
    backend = run_backend(WEBHOOK_SECRET="s3cret")
    project = new_project(label_studio, "by hand", TEXTS[:20])
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
        annotate(label_studio, task, label)
    project.wait_for_version_after(first, backend.supervisor.check)

    findings = installed.doctor(project.id)  # asked at another installation
    assert_only(findings, "connection", "not the one that shares this Redis", "address of this backend")


def test_each_projects_webhook_gets_a_secret_of_its_own(
    label_studio: LabelStudioServer, run_backend: Start
) -> None:
    backend = run_backend(RETRAIN_EVERY="1")
    http = label_studio.admin.http
    project, by_hand = (new_project(label_studio, name, TEXTS[:20]) for name in ("own secret", "none"))
    connect = ("connect", backend.url, "--project", str(project.id))

    def header() -> str:
        (hook,) = http.get("/api/webhooks/", params={"project": project.id}).json()
        carried: str = hook["headers"]["Authorization"]
        return carried

    def found(check: str) -> str:
        told = json.loads(atlas(backend.env, "doctor", "--json", "--project", str(project.id)).stdout)
        return next(each["found"] for each in told["findings"] if each["check"] == check)

    def refused(sent: dict[str, str]) -> bool:
        body = {"action": "TASKS_DELETED", "project": {"id": project.id}}
        return httpx.post(f"{backend.url}/webhook", json=body, headers=sent).status_code == 401

    done = atlas(backend.env, *connect)
    assert done.exit_code == 0, done.output
    assert "with a secret of its own" in " ".join(done.output.split())
    assert "BASIC_AUTH_USER is not set" in done.output
    secret = header()
    assert secret.startswith("Bearer ")
    assert len(secret) > 30
    assert secret not in done.output
    assert refused({})
    assert not refused({"Authorization": secret})
    assert atlas(backend.env, *connect).exit_code == 0
    assert header() == secret  # nothing to mend

    by_hand.connect(backend.url)  # Label Studio makes that webhook, without a secret
    for each in (project, by_hand):
        first = each.wait_for_version_after("", backend.supervisor.check)
        annotate(label_studio, each.task_ids[0], LABELS[0])
        each.wait_for_version_after(first, backend.supervisor.check)

    (hook,) = http.get("/api/webhooks/", params={"project": project.id}).json()
    http.patch(f"/api/webhooks/{hook['id']}/", json={**hook, "headers": {"Authorization": "Bearer old"}})
    assert "carries another secret" in found("webhook")
    assert atlas(backend.env, *connect).exit_code == 0
    assert header() not in ("Bearer old", secret)
    assert found("webhook").endswith("with a secret of its own")
    with Redis.from_url(backend.env["REDIS_URL"]) as redis:  # which knows it only by its digest
        kept = b"".join(redis.dump(key) or b"" for key in redis.scan_iter())
    assert b"webhook_digest" in kept
    assert header().removeprefix("Bearer ").encode() not in kept


def test_label_studios_refusals_are_told_with_what_to_do(installed: Installation) -> None:
    def refusal(url: str) -> str:
        done = atlas(installed.env, "connect", url, "--project", str(project.id))
        assert done.exit_code == 1
        assert not installed.http.get("/api/webhooks/", params={"project": project.id}).json()
        assert not installed.http.get("/api/ml", params={"project": project.id}).json()
        return " ".join(done.output.split())

    project = new_project(installed.server, "refused", TEXTS[:3])
    assert "takes no webhook to this host name. Give the backend a name with a dot" in refusal(
        "http://backend:9090"
    )
    assert "cannot resolve the host name" in refusal("http://no-such-host.invalid:9090")
    installed.parts.stop("serve")
    installed.parts.start("serve", LABEL_STUDIO_API_KEY="")
    try:
        told = refusal(installed.url)
    finally:
        installed.parts.stop("serve")
        installed.parts.start("serve")
    assert "the backend refuses the project: LABEL_STUDIO_API_KEY is not set" in told


def test_connect_where_label_studio_finds_nothing_leaves_nothing_behind(installed: Installation) -> None:
    nowhere = f"http://localhost:{free_port(0)}"
    project = new_project(installed.server, "nowhere", TEXTS[:3])
    refused = atlas(installed.env, "connect", nowhere, "--project", str(project.id))
    assert (refused.exit_code, "nothing answers there" in refused.output) == (1, True)
    assert "removed again" in refused.output
    assert not installed.http.get("/api/webhooks/", params={"project": project.id}).json()
