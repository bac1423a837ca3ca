"""What a part says, and does, when it starts."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from flask import Request, Response
from redis import ConnectionError, Redis

from backend.commands.running import link_to_pages
from backend.commands.warnings import warn, warn_of_label_studio, warnings_of
from backend.doctor.commands import said_of_order, what_next
from backend.doctor.finding import State
from backend.errors import NotConfigured
from backend.jobs.refilled import Refilled, in_words
from backend.jobs.starting import wait_for_redis
from backend.labelstudio.project import COUNTERS, Project
from backend.running import WITHIN
from backend.settings import Settings
from backend.store.paths import make_data_dir
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.server import served

KEY = {"label_studio_api_key": "key"}


def test_a_misspelt_setting_and_a_missing_key_are_told() -> None:
    told = warnings_of(Settings(), {"RETRAIN_EVRY": "3"})
    assert "RETRAIN_EVRY is no setting and changes nothing; RETRAIN_EVERY is probably meant." in told[0]
    assert "LABEL_STUDIO_API_KEY is not set" in told[1]
    assert warnings_of(Settings(**KEY), {"RETRAIN_EVERY": "3"}) == []


@pytest.mark.parametrize(
    ("host", "is_open"),
    [
        ("127.0.0.1", False),
        ("localhost", False),
        ("::1", False),
        ("0.0.0.0", True),
        ("::", True),
        ("10.1.2.3", True),
    ],
)
def test_a_server_that_is_open_to_all_without_credentials_is_told(host: str, is_open: bool) -> None:
    told = warnings_of(Settings(host=host, **KEY), {})
    assert [("BASIC_AUTH_USER" in each) for each in told] == [True] * is_open
    assert not warnings_of(Settings(host=host, basic_auth_user="a", basic_auth_pass="b", **KEY), {})


def test_parts_of_up_do_not_say_it_again(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    warn(Settings())
    assert "Warning: LABEL_STUDIO_API_KEY is not set" in capsys.readouterr().err
    monkeypatch.setenv(WITHIN, "up")
    warn(Settings())
    assert capsys.readouterr().err == ""


@pytest.fixture
def nothing() -> Iterator[str]:
    """A port where nobody listens, held so that nobody else takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_a_label_studio_that_does_not_answer_is_told_at_the_start(
    nothing: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LABEL_STUDIO_URL", nothing)
    warn_of_label_studio().join()
    told = capsys.readouterr().err
    assert f"Warning: {nothing} does not answer" in told
    assert "Start Label Studio, or correct LABEL_STUDIO_URL." in told


def test_a_key_that_label_studio_rejects_is_told_at_the_start(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reject(request: Request) -> Response:
        if request.path == "/api/version":
            return Response('{"release": "1.23.2"}', content_type="application/json")
        return Response('{"detail": "Invalid token."}', 401, content_type="application/json")

    with served() as server:
        server.show(FakeLabelStudio()).before = reject
        monkeypatch.setenv("LABEL_STUDIO_URL", server.url)
        monkeypatch.setenv("LABEL_STUDIO_API_KEY", "revoked")
        warn_of_label_studio().join()
    told = capsys.readouterr().err
    assert "Warning: Label Studio does not accept this legacy token" in told
    assert "Make a new one under" in told


def test_a_worker_waits_for_a_redis_that_is_away_with_a_line_each_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [ConnectionError("refused"), ConnectionError("refused"), True]
    waits: list[float] = []

    class Away:
        def ping(self) -> bool:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    monkeypatch.setattr("backend.jobs.starting.time.sleep", waits.append)
    wait_for_redis(cast(Redis, Away()))
    assert (answers, waits) == ([], [1, 2])
    assert caplog.text.count("Redis is away (refused); trying again in") == 2


def project(tasks: int, finished: int) -> Project:
    counters = dict.fromkeys(COUNTERS, 0) | {"finished_task_number": finished}
    return Project(1, "", None, tasks, True, (1, 0), False, counters)


def test_what_to_do_next_fits_the_project() -> None:
    """ "Label All Tasks" is of no use where there are none, or none is left."""
    assert "Label All Tasks" in what_next(project(3, 1))
    assert "import tasks" in what_next(project(0, 0))
    assert "All tasks are labelled" in what_next(project(3, 3))


@pytest.mark.parametrize(
    ("version", "tasks", "labelled", "said"),
    [
        ("atlas-000001", 3, 1, ("atlas-000001 is published", State.OK)),
        (None, 3, 1, ("there is no new one yet; see below", State.NOTE)),
        (None, 0, 0, ("none while no task waits for a label", State.OK)),
        (None, 3, 3, ("none while no task waits for a label", State.OK)),
    ],
)
def test_whoever_connects_is_told_what_became_of_the_order(
    version: str | None, tasks: int, labelled: int, said: tuple[str, State]
) -> None:
    assert said_of_order(version, project(tasks, labelled)) == said


@pytest.mark.parametrize(
    ("done", "words"),
    [
        (Refilled(), "the head is full, 0 of it are left, none waits behind it"),
        (
            Refilled(3, 9, more=True, mended=True),
            "3 tasks added to the head of the queue, 9 of it are left, more wait behind it; "
            "Label Studio orders by the published version again",
        ),
        (
            Refilled(needs_retrain="no version"),
            "the head of the queue cannot be topped up without a retrain: no version",
        ),
    ],
)
def test_a_refill_is_told_in_words(done: Refilled, words: str) -> None:
    assert in_words(done) == words


def test_others_cannot_read_what_is_kept(tmp_path: Path) -> None:
    """Task texts are in it. A group's rights, which somebody may have given on purpose, stay."""
    for mode in (0o755, 0o777, 0o750):
        folder = tmp_path / oct(mode)
        folder.mkdir()
        folder.chmod(mode)
        make_data_dir(folder)
        assert stat.S_IMODE(folder.stat().st_mode) == mode & 0o770
    make_data_dir(tmp_path / "new" / "data")
    assert stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o700


def test_a_data_dir_that_cannot_be_used_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nowhere")):
        with pytest.raises(NotConfigured, match="set DATA_DIR to a folder that this user may write to"):
            make_data_dir(folder)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(NotConfigured, match="Permission denied"):
        make_data_dir(tmp_path / "another's")


def test_up_goes_on_without_a_link_where_redis_died_at_that_moment() -> None:
    told = link_to_pages(Settings(redis_url="redis://127.0.0.1:1"))
    assert told.startswith("To look at the pages, run `label-studio-atlas pages`")
