"""Which of the web server's threads answers what, with gunicorn's own connections."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn

from backend.running.patient import MOST, PatientWorker

QUICK = ["POST /webhook", "POST /webhook?a=b", "POST /setup"]
SLOW = ["POST /predict", "POST /%70redict", "GET /healthy", "POST /webhooks", "POST http://atlas/predict"]
HEALTH = ["GET /health", "GET /health?a=b", "GET /"]


class Telling(PatientWorker):
    """Answers nothing: tells of the thread that would."""

    def __init__(self, threads: int):
        config = Config()
        config.set("threads", threads)
        super().__init__(0, 0, [], None, 30, config, None)
        self.tpool = self.get_thread_pool()
        self.told: Future[str] = Future()

    def handle(self, conn: Any) -> bool:
        self.told.set_result(threading.current_thread().name)
        return False


@contextmanager
def telling(threads: int) -> Iterator[Telling]:
    worker = Telling(threads)
    with worker.tpool, worker._slow, worker._health:
        yield worker
    worker.tmp.close()


@pytest.mark.parametrize("threads", [1, 16])
@pytest.mark.parametrize(
    ("line", "pool"),
    [
        (line, pool)
        for pool, lines in (("quick", QUICK), ("slow", SLOW), ("health", HEALTH))
        for line in lines
    ],
)
def test_what_is_answered_quickly_has_threads_of_its_own(line: str, pool: str, threads: int) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, telling(threads) as worker:
        theirs.sendall(f"{line} HTTP/1.1\r\nHost: atlas\r\n\r\n".encode())
        worker.enqueue_req(TConn(worker.cfg, ours, ("127.0.0.1", 1), ("127.0.0.1", 2)))
        assert worker.told.result(30).startswith(pool)


@pytest.mark.parametrize("line", ["POST /webhook", "POST /setup", "GET /health"])
def test_who_still_sends_holds_no_thread_of_those_that_answer_quickly(line: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, telling(16) as worker:
        head = f"{line} HTTP/1.1\r\nHost: atlas\r\nContent-Length: {2 * MOST}\r\n\r\n"
        sender = threading.Thread(target=theirs.sendall, args=(head.encode() + b"x" * (MOST + 10),))
        sender.start()
        while len(ours.recv(MOST, socket.MSG_PEEK)) < MOST:
            pass
        worker.enqueue_req(TConn(worker.cfg, ours, ("127.0.0.1", 1), ("127.0.0.1", 2)))
        assert worker.told.result(30).startswith("slow")
        sender.join()


@pytest.mark.parametrize(("threads", "slow", "quick"), [(1, 1, 1), (4, 3, 1), (16, 12, 4)])
def test_a_quarter_of_the_threads_is_for_that(threads: int, slow: int, quick: int) -> None:
    with telling(threads) as worker:
        assert (worker._slow._max_workers, worker.tpool._max_workers) == (slow, quick)
