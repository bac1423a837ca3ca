"""A project's images: each is fetched once, one that cannot be had costs itself alone, and Label Studio is
asked by few at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from backend.content.addresses import shown
from backend.errors import NoContentNow
from backend.jobs import download_turns
from backend.jobs.download_turns import DownloadTurns
from backend.jobs.image_failures import AGAIN_AFTER, AGAIN_SOON, Failure, ImageFailures, of_tasks
from backend.jobs.image_fetching import ImageFetching
from backend.jobs.keys import failures_key
from backend.jobs.state import ProjectState
from backend.settings import Settings
from backend.store.files import Files
from backend.store.images import ImageFiles
from tests.content import FileServer, Handler, file_server, say
from tests.fakes.mean_colour import MeanColour, png


class Key:
    def authorization(self, renew: bool = False) -> str:
        return "Token t"


@pytest.fixture
def studio() -> Iterator[FileServer]:
    with file_server() as server:
        server.answers |= {f"/data/upload/1/{i}.png": png(20 * i) for i in range(12)}
        yield server


class Worker:
    """What a job does with the images of project 1."""

    def __init__(self, studio: FileServer, redis: Redis, folder: Path, **settings: Any):
        self.encoder, self.redis = MeanColour(), redis
        self.files = ImageFiles(Files(folder), self.encoder.name, self.encoder.dims)
        self.settings = Settings(label_studio_url=studio.url, clear_after=0, **settings)

    def make(self, *values: str, seconds: float = 60) -> dict[str, str]:
        """By what stands in the task, why it cannot be had."""
        client: Any = Key()
        with ImageFetching(self.settings, self.redis, client, 1, self.files, self.encoder) as fetching:
            self.asked = fetching.make(values, self.files.read(), seconds)
        reasons = ImageFailures(self.redis, 1).reasons(enumerate(values))
        return {values[task]: reason for task, reason in reasons.items()}

    def has(self, name: str) -> bool:
        return self.files.read().digest(name) is not None


def test_images_are_fetched_encoded_and_kept_with_a_small_picture(
    studio: FileServer, redis: Redis, tmp_path: Path
) -> None:
    worker = Worker(studio, redis, tmp_path)
    values = [f"/data/upload/1/{i}.png" for i in range(12)]
    assert worker.make(*values) == {}
    known = worker.files.read()
    digests = [known.digest(value) for value in values]
    assert known.kept.of([each for each in digests if each])[:, 0] == pytest.approx(
        [80 * i / 255 - 2 for i in range(12)], abs=0.01
    )
    small = worker.files.thumbnails.all()
    assert set(small) == set(digests)
    assert all(len(each) <= 5000 for each in small.values())


def test_what_cannot_be_had_costs_itself_alone_and_says_why(
    studio: FileServer, redis: Redis, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    studio.answers["/data/upload/1/cut.png"] = png(9)[:60]
    studio.answers["/data/upload/1/drawn.svg"] = b"<svg/>"
    studio.answers["/data/upload/1/ill.png"] = lambda handler: say(handler, 500)
    worker = Worker(studio, redis, tmp_path)
    bad = ["/data/upload/1/cut.png", "/data/upload/1/drawn.svg", "/data/upload/1/ill.png"]
    bad += ["http://169.254.169.254/latest", "", "file:///etc/passwd"]
    with caplog.at_level(logging.WARNING):
        failures = worker.make("/data/upload/1/1.png", *bad, "/data/upload/1/2.png")
    assert set(failures) == set(bad)
    assert worker.has("/data/upload/1/1.png")
    assert worker.has("/data/upload/1/2.png")
    assert "6 images cannot be had" in caplog.text
    assert "SVG" in failures[bad[1]]
    assert "169.254.169.254 is not among CONTENT_HOSTS" in failures[bad[3]]
    assert "file:" in failures[bad[5]]


def test_an_image_that_is_there_again_is_no_failure(studio: FileServer, redis: Redis, tmp_path: Path) -> None:
    worker = Worker(studio, redis, tmp_path)
    assert worker.make("/data/upload/1/late.png") != {}
    studio.answers["/data/upload/1/late.png"] = png(3)
    assert worker.make("/data/upload/1/late.png") == {}


def test_the_same_bytes_elsewhere_are_not_encoded_again(
    studio: FileServer, redis: Redis, tmp_path: Path
) -> None:
    worker = Worker(studio, redis, tmp_path)
    studio.answers["/data/upload/1/copy.png"] = png(20)
    worker.make("/data/upload/1/1.png")
    worker.make("/data/upload/1/copy.png")
    assert worker.encoder.encoded == 1
    assert worker.has("/data/upload/1/copy.png")


def test_a_time_that_is_up_keeps_what_was_made(studio: FileServer, redis: Redis, tmp_path: Path) -> None:
    studio.answers |= {f"/data/upload/1/x{i}.png": png(i) for i in range(40)}
    worker = Worker(studio, redis, tmp_path)
    worker.make(*(f"/data/upload/1/x{i}.png" for i in range(40)), seconds=0)
    made = [i for i in range(40) if worker.has(f"/data/upload/1/x{i}.png")]
    assert made == list(range(worker.asked)) == list(range(16))


def test_few_are_downloaded_from_label_studio_at_once_and_one_while_people_label(
    studio: FileServer, redis: Redis, tmp_path: Path
) -> None:
    lock, busy, most = threading.Lock(), [0], [0]

    def slow(handler: Handler) -> None:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        threading.Event().wait(0.05)
        with lock:
            busy[0] -= 1
        say(handler, 200, png(1))

    studio.answers |= {f"/data/upload/1/s{i}.png": slow for i in range(16)}
    values = [f"/data/upload/1/s{i}.png" for i in range(16)]
    worker = Worker(studio, redis, tmp_path / "a")
    worker.make(*values)
    assert most == [2]
    most[0] = 0
    ProjectState(redis, 1).note_changes(1)
    labelling = Worker(studio, redis, tmp_path / "b")
    labelling.settings = labelling.settings.model_copy(update={"clear_after": 1000.0})
    labelling.make(*values)
    assert most == [1]


def test_the_turn_of_a_killed_worker_comes_free(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_turns, "WAIT_SECONDS", 0.1)
    turns = DownloadTurns(redis, lambda: True, 1)
    with turns.turn(), turns.turn():
        with pytest.raises(NoContentNow, match="busy with other downloads"), turns.turn():
            pass
        assert all(0 < redis.pttl(key) <= 6000 for key in download_turns.TURNS)
        redis.delete(download_turns.TURNS[0])  # as its time to live does
        with turns.turn():
            pass
    assert redis.exists(*download_turns.TURNS) == 0


def test_failures_rest_for_a_while(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    failures, now = ImageFailures(redis, 1), [1000.0]
    monkeypatch.setattr(failures, "_now", lambda: now[0])
    failures.note([Failure("/a.png", "gone", False), Failure("/b.png", "busy", True)])
    assert sorted(failures.resting().values()) == ["busy", "gone"]
    now[0] += AGAIN_SOON
    assert list(failures.resting().values()) == ["gone"]
    now[0] += AGAIN_AFTER - AGAIN_SOON
    assert failures.resting() == {}
    tasks = [(1, "/a.png"), (2, "/b.png"), (3, "/a.png"), (4, "/c.png")]
    assert failures.reasons(tasks) == {1: "gone", 2: "busy", 3: "gone"}
    failures.keep_only(["/b.png"])
    assert failures.reasons(tasks) == {2: "busy"}
    redis.hset(failures_key(1), "x", "nonsense")
    assert failures.reasons(tasks) == {2: "busy"}
    failures.forget(["/b.png"])
    assert failures.reasons(tasks) == {}


def test_failures_in_words() -> None:
    assert of_tasks({7: "it is cut off"}) == "1 image cannot be had (task 7: it is cut off)"
    many = dict.fromkeys(range(5, 9), "it is empty") | {1: "it is an SVG drawing"}
    said = "5 images cannot be had (4 x it is empty, as of task 5; task 1: it is an SVG drawing)"
    assert of_tasks(many) == said


def test_a_log_tells_no_signature_and_no_password() -> None:
    signed = "https://me:pa55@b.example.org/a.png?v=1&X-Amz-Signature=s3cret"
    assert shown(signed) == "https://b.example.org/a.png?v=1"
    assert shown("data:image/png;base64,AAAA") == "a data: address"
    assert shown("http://[::1/a?sig=s3cret") == "an address that cannot be read"
