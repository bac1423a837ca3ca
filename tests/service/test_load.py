"""Many requests at once against the real web server, Redis and workers; Label Studio is a fake that keeps up.

How long requests wait is for `python -m benchmarks.load` to tell; here is what must hold on any machine.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from redis import Redis

from benchmarks.load.predict import VERSIONS, ask_while_models_are_replaced
from benchmarks.load.stage import API_KEY, Stage, stage
from benchmarks.load.webhooks import burst_while_retraining
from tests.fakes.project import CONFIG
from tests.service.listener import Listener

SECRETS = {"BASIC_AUTH_PASS": "pa55-that-nobody-may-see", "WEBHOOK_SECRET": "h00k-that-nobody-may-see"}
TOKEN = "t0ken-that-nobody-may-see"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    settings = {**SECRETS, "BASIC_AUTH_USER": "atlas", "RETRAIN_WITHIN": "3", "RETRAIN_PAUSE": "0"}
    with stage(tmp_path_factory.mktemp("load"), **settings) as running:
        yield running


def test_no_webhook_of_a_burst_is_refused_and_each_projects_last_change_is_trained(running: Stage) -> None:
    burst, _, late = burst_while_retraining(running, count=400, connections=16, n_projects=5, n_tasks=400)
    assert (len(burst.seconds), burst.refused, late) == (400, [], [])


def test_every_answer_is_whole_and_from_one_version_while_models_are_replaced(running: Stage) -> None:
    asked = ask_while_models_are_replaced(running, clients=8, requests=3, n_tasks=100)
    assert asked.wrong == []
    assert len(asked.versions) >= VERSIONS


def test_a_web_process_killed_under_load_costs_no_more_than_it_had_in_hand(running: Stage) -> None:
    master = running.pids()["web server"]
    children = Path(f"/proc/{master}/task/{master}/children")
    killed = int(children.read_text())

    def send(_: int) -> int:
        body = {"action": "PROJECT_UPDATED", "project": {"id": 1}}
        try:
            return httpx.post(
                f"{running.url}/webhook", json=body, headers=running.headers, timeout=60
            ).status_code
        except httpx.TransportError:
            return 0

    with ThreadPoolExecutor(16) as clients:
        sent = [clients.submit(send, i) for i in range(400)]
        sent[100].result()
        os.kill(killed, signal.SIGKILL)
    answers = Counter(each.result() for each in sent)
    assert set(answers) <= {201, 0}
    assert answers[0] <= 16
    assert int(children.read_text()) != killed


def test_urls_in_tasks_and_set_ups_are_never_fetched(running: Stage) -> None:
    stranger = Listener()
    urls = [f"{stranger.url}/{i}" for i in range(10)] + ["http://169.254.169.254/latest/meta-data"]
    project = running.create_of(2000, urls)
    for i, task in enumerate(project.tasks[:6]):
        running.annotate(project, task, ["disaster", "other"][i % 2])
    http = httpx.Client(base_url=running.url, headers=running.headers, timeout=60)
    body = {"project": "2000.1", "schema": CONFIG, "hostname": stranger.url, "access_token": TOKEN}
    assert http.post("/setup", json=body).status_code == 200
    running.send({"action": "START_TRAINING", "project": {"id": 2000}})
    assert running.wait_until_trained(120) == []
    tasks = [{"id": task, "data": {"text": url}} for task, url in zip(project.tasks, urls, strict=True)]
    by_url = CONFIG.replace('value="$text"', 'value="$text" valueType="url"')
    for config, answers in ((CONFIG, len(tasks)), (by_url, 0)):  # what lies behind a URL cannot be learned
        asked = {"project": "2000.1", "tasks": tasks, "label_config": config}
        assert len(http.post("/predict", json=asked).raise_for_status().json()["results"]) == answers
    assert stranger.connections == 0
    with pytest.raises(httpx.HTTPError):
        httpx.get(stranger.url)
    for _ in range(100):  # the listener counts in a thread of its own
        if stranger.connections:
            break
        time.sleep(0.05)
    assert stranger.connections == 1  # it would have been noticed


def test_secrets_are_neither_in_redis_nor_in_a_log_nor_in_a_file(running: Stage) -> None:
    httpx.post(f"{running.url}/webhook", headers={"Authorization": "Bearer guessed"}, json={})
    hidden = (*SECRETS.values(), API_KEY, TOKEN, running.headers["Authorization"])
    secrets = [secret.encode() for secret in hidden]
    with Redis.from_url(running.env["REDIS_URL"]) as redis:
        keys = redis.keys()
        assert b"rq:job:retrain-2000" in keys  # there is something to look through
        told = b"\n".join([*keys, *(value for key in keys if (value := redis.dump(key)) is not None)])
    logs = [path for path in running.data_dir.parent.rglob("*") if path.is_file()]
    assert {"web.log", "worker.log"} <= {path.name for path in logs}
    for path in logs:
        with suppress(FileNotFoundError):  # an old version, deleted meanwhile
            told += b"\n" + path.read_bytes()
    assert [secret for secret in secrets if secret in told] == []


def test_the_web_server_runs_as_many_threads_as_it_was_told(running: Stage) -> None:
    (master,) = [pid for name, pid in running.pids().items() if name == "web server"]
    (web,) = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    threads = len(list(Path(f"/proc/{web}/task").iterdir()))
    assert threads <= 16 + 4, "torch, or a BLAS, has a pool of its own"
