"""A model store on a real S3 server, and what becomes of `doctor` and jobs where it fails."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import fsspec
import pytest
from click.testing import CliRunner, Result
from flask import Request, Response

from backend.cli import main
from backend.errors import ModelStoreError
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.store import bucket
from backend.store.bucket import Bucket
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.server import served
from tests.s3 import BUCKET, s3_server


@pytest.fixture(autouse=True)
def _a_new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known of any store, and nobody waits."""
    monkeypatch.setattr(bucket, "_failed_at", {})
    monkeypatch.setattr(bucket, "_brief", False)
    monkeypatch.setattr(bucket, "READ_SECONDS", 1)
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.fixture
def s3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with s3_server(tmp_path) as env:
        use(monkeypatch, env)
        yield env


def use(monkeypatch: pytest.MonkeyPatch, env: dict[str, str]) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)


class Hanging:
    """A server that takes connections and never answers; counts them."""

    def __init__(self) -> None:
        self.connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self.connections.append(self._listener.accept()[0])
            except OSError:
                return

    def close(self) -> None:
        self._listener.close()
        for connection in self.connections:
            connection.close()


@contextmanager
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hanging]:
    server = Hanging()
    use(monkeypatch, {"AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"})
    try:
        yield server
    finally:
        server.close()


def test_a_store_that_hangs_is_tried_twice_and_told_of_at_the_first_time_out(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One layer of retries: botocore's and s3fs's would multiply, in silence."""
    with hanging(monkeypatch) as server, caplog.at_level(logging.WARNING, "backend.store.bucket"):
        for act in (lambda: Bucket(BUCKET).read("x"), lambda: Bucket(BUCKET).write("x", b"1")):
            before = len(server.connections)
            caplog.clear()
            with pytest.raises(ModelStoreError, match=r"ReadTimeoutError|FSTimeoutError"):
                act()
            assert len(server.connections) == before + 2
            assert caplog.text.count("trying once more") == 1
        assert Bucket(BUCKET).is_resting


def test_who_is_waited_for_tries_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The web server, and `doctor`."""
    monkeypatch.setattr(bucket, "BRIEF_SECONDS", 1)
    bucket.wait_briefly()
    with hanging(monkeypatch) as server:
        with pytest.raises(ModelStoreError):
            Bucket(BUCKET).read("x")
        assert len(server.connections) == 1


def test_a_missing_bucket_is_not_a_missing_object(s3: dict[str, str]) -> None:
    """Else no version would be published, and no webhook would need a secret."""
    store = Bucket("s3://missing/models")
    for act in (
        lambda: store.read("x"),
        lambda: store.write("x", b""),
        store.paths,
        lambda: store.delete("x"),
    ):
        with pytest.raises(ModelStoreError, match="the bucket of MODEL_STORE=s3://missing/models does not"):
            act()
    fsspec.filesystem("s3").mkdir("bucket")
    with pytest.raises(FileNotFoundError):
        Bucket(BUCKET).read("x")


def doctor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Result:
    """Of an installation that has Redis, a Label Studio, and a model store that fails."""

    def answer(request: Request) -> Response | None:
        known = {"/api/version": '{"release": "1.23.2"}', "/api/current-user/whoami": '{"email": "a@b.c"}'}
        found = known.get(request.path.rstrip("/"))
        return Response(found, content_type="application/json") if found else None

    with Supervisor() as supervisor, served() as server:
        server.show(FakeLabelStudio()).before = answer
        redis = start_redis(supervisor, tmp_path / "redis", dict(os.environ))
        use(monkeypatch, {"REDIS_URL": redis, "LABEL_STUDIO_URL": server.url, "LABEL_STUDIO_API_KEY": "key"})
        monkeypatch.setenv("MODEL_STORE", os.environ.get("MODEL_STORE", BUCKET))
        return CliRunner().invoke(main, ["doctor"], env={"COLUMNS": "400"})


def assert_said(done: Result, *words: str) -> None:
    """As a line with a cross; the checks behind it are made, and none ends in an error."""
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    (line,) = [line for line in done.output.splitlines() if line.startswith("✗ model store")]
    for word in words:
        assert word in line
    assert '"model store" comes first' in done.output
    assert "wrong." in done.output.splitlines()[-1]


def test_doctor_where_the_store_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hanging(monkeypatch) as server:
        assert_said(doctor(tmp_path, monkeypatch), "FSTimeoutError: no answer in time")
        assert len(server.connections) == 1


def test_doctor_where_nothing_answers_at_the_endpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hanging(monkeypatch) as server:
        server.close()
        # On a busy machine the bound of the whole call may come before the refusal that names the address.
        assert_said(doctor(tmp_path, monkeypatch), "s3://bucket fails", "AWS_ENDPOINT_URL")


def test_doctor_where_the_bucket_is_missing(
    s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_STORE", "s3://missing/models")
    assert_said(doctor(tmp_path, monkeypatch), "does not exist")


def test_doctor_where_the_credentials_are_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with s3_server(tmp_path, INITIAL_NO_AUTH_ACTION_COUNT="0") as env:
        use(monkeypatch, env)
        assert_said(doctor(tmp_path, monkeypatch), "PermissionError", "AWS credentials")
