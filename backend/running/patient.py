"""gunicorn's worker of threads, but a thread is lent to nobody who is still sending, and few to webhooks.

Label Studio waits a second for a webhook's answer. With a thread for each connection, as many clients that
send half of a request and stop, by malice or by a broken network, would leave none for it. And what takes a
millisecond is answered sooner by a few threads, which take Python's lock from each other less often; so
requests for predictions, and whatever else may take its time, have threads of their own.
"""

from __future__ import annotations

import re
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from selectors import EVENT_READ
from socket import MSG_DONTWAIT, MSG_PEEK, SO_RCVLOWAT, SO_RCVTIMEO, SO_SNDTIMEO, SOL_SOCKET, socket
from typing import Any

from gunicorn.http.errors import InvalidHeader, UnsupportedTransferCoding
from gunicorn.workers.gthread import ThreadWorker

from backend.running.patience import REQUEST_SECONDS
from backend.threads import slow_threads

MOST = 64 * 2**10
"""Bytes; of larger requests the rest is read by the thread."""
_LENGTH = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,18})")
_QUICK = re.compile(rb"POST /(?:webhook|setup)[ ?]")
"""How requests begin that Label Studio waits one second for, or three. They wait for Redis, so /health, which
waits for nothing, is not among them."""
_HEALTH = re.compile(rb"GET /(?:health)?[ ?]")
_PAUSE = struct.pack("ll", REQUEST_SECONDS, 0)


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Leaves requests with the operating system until they are whole. Used by gunicorn, by its name."""

    def __init__(self, *args: Any, **more: Any):
        super().__init__(*args, **more)
        self._sending: dict[Any, tuple[float, int]] = {}
        """Connection to when it is closed at the latest, and how many bytes of its request have come."""

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """By gunicorn, once in each process: it knows of one pool, that for what is answered quickly."""
        slow = slow_threads(self.cfg.threads)
        self._slow = ThreadPoolExecutor(slow, thread_name_prefix="slow")
        self._health = ThreadPoolExecutor(1, thread_name_prefix="health")
        """For what needs nothing and is asked for by whoever restarts what does not answer."""
        return ThreadPoolExecutor(max(1, self.cfg.threads - slow), thread_name_prefix="quick")

    def set_accept_enabled(self, enabled: bool) -> None:
        """By gunicorn, also when its master was killed: this process then answers what it has, and must not
        keep the port meanwhile from the server that is started anew."""
        super().set_accept_enabled(enabled)
        if not enabled and not self.is_parent_alive():
            for listener in self.sockets:
                listener.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """By gunicorn, of a request it cannot read: that is its sender's fault, however it is coded."""
        if isinstance(exc, UnsupportedTransferCoding):
            exc = InvalidHeader(f"Transfer-Encoding: {exc}")
        super().handle_error(req, client, addr, exc)

    def enqueue_req(self, conn: Any) -> None:
        """By gunicorn for each new connection, and each time one that is kept has something to say."""
        until, before = self._sending.pop(conn, (time.monotonic() + REQUEST_SECONDS, -1))
        seen = None if self.cfg.is_ssl or _is_read_ahead(conn) else _peek(conn.sock)
        if seen is None or len(seen) in (before, MOST) or len(seen) >= (wanted := _wanted(seen)):
            conn.sock.setsockopt(SOL_SOCKET, SO_RCVLOWAT, 1)
            conn.sock.setsockopt(SOL_SOCKET, SO_RCVTIMEO, _PAUSE)
            conn.sock.setsockopt(SOL_SOCKET, SO_SNDTIMEO, _PAUSE)
            self._lend_thread(conn, self._pool_for(seen or b""))
            return
        self._sending[conn] = until, len(seen)
        conn.sock.setsockopt(SOL_SOCKET, SO_RCVLOWAT, wanted)  # nothing is told before so much has come
        self.poller.register(conn.sock, EVENT_READ, partial(self._more_came, conn))

    def _pool_for(self, seen: bytes) -> ThreadPoolExecutor:
        """Of requests that are whole: who still sends has one of those that may take their time."""
        header, end, _ = seen.partition(b"\r\n\r\n")
        if end and len(seen) >= _length(seen) and len(seen) < MOST:
            has_body = _length(seen) > len(header) + len(end) or b"transfer-encoding" in header.lower()
            if _HEALTH.match(seen) and not has_body:
                return self._health
            if _QUICK.match(seen):
                return self.tpool
        return self._slow

    def _lend_thread(self, conn: Any, pool: ThreadPoolExecutor) -> None:
        """As gunicorn does, but of this pool."""
        answered = pool.submit(self.handle, conn)
        answered.add_done_callback(lambda done: self.method_queue.defer(self.finish_request, conn, done))

    def _more_came(self, conn: Any, _: Any) -> None:
        self.poller.unregister(conn.sock)
        self.enqueue_req(conn)

    def murder_keepalived(self, force: bool = False) -> None:
        """By gunicorn about once a second, or more often."""
        super().murder_keepalived(force=force)
        now = time.monotonic()
        for conn, (until, came) in list(self._sending.items()):
            if force or now > until or not (self.alive or came):
                del self._sending[conn]
                self.poller.unregister(conn.sock)
                self.nr_conns -= 1
                conn.close()


def _is_read_ahead(conn: Any) -> bool:
    """Whether gunicorn holds the beginning of the request already, read with the one before."""
    return conn.parser is not None and bool(conn.parser.unreader.buf.getvalue())


def _peek(sock: socket) -> bytes | None:
    """What has come so far; None when the connection has ended, which gunicorn deals with."""
    try:
        return sock.recv(MOST, MSG_PEEK | MSG_DONTWAIT) or None
    except BlockingIOError:
        return b""
    except OSError:
        return None


def _wanted(seen: bytes) -> int:
    """How many bytes the request has; one more than have come where that is not known yet."""
    if b"\r\n\r\n" not in seen:
        return len(seen) + 1
    return min(MOST, _length(seen))


def _length(seen: bytes) -> int:
    """In bytes, of a request whose header has come."""
    header, end, _ = seen.partition(b"\r\n\r\n")
    length = _LENGTH.search(header)
    return len(header) + len(end) + (int(length[1]) if length else 0)
