"""Where the web server cannot listen, it is said before anything is started, with what to do."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.cli import main
from backend.errors import AtlasError
from backend.running import backend as started
from backend.running import port as ports
from backend.running.port import wait_for_port
from backend.settings import Settings


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        yield listening


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def test_a_port_that_another_program_has_is_named_with_what_to_do(taken: socket.socket) -> None:
    with pytest.raises(
        AtlasError, match=f"port {port_of(taken)} is taken by another program: stop it, or set PORT"
    ):
        wait_for_port(Settings(port=port_of(taken)), patience=0)


def test_a_port_that_a_killed_server_still_has_is_waited_for(taken: socket.socket) -> None:
    port = port_of(taken)
    threading.Timer(0.3, taken.close).start()
    wait_for_port(Settings(port=port), patience=60)
    with socket.socket() as own:  # it was let go again
        own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        own.bind(("127.0.0.1", port))


def test_a_name_that_leads_to_ipv6_first_is_tried_as_the_web_server_does(
    taken: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/etc/hosts often has localhost twice, and where IPv6 is off ::1 is no address of the machine."""

    def resolved(host: str, port: int, family: int = 0, kind: int = 0) -> list[tuple[Any, ...]]:
        found = [
            (socket.AF_INET6, kind, 6, "", ("2001:db8::1", port)),
            (socket.AF_INET, kind, 6, "", ("127.0.0.1", port)),
        ]
        return [each for each in found if family in (0, each[0])]

    monkeypatch.setattr(ports.socket, "getaddrinfo", resolved)
    wait_for_port(Settings(host="localhost", port=0), patience=0)
    with pytest.raises(AtlasError, match="is taken by another program"):
        wait_for_port(Settings(host="localhost", port=port_of(taken)), patience=0)


@pytest.mark.parametrize("host", ["::1", "[::1]"])
def test_an_address_of_ipv6_may_stand_in_brackets(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def resolved(host: str, port: int, family: int, kind: int) -> list[tuple[Any, ...]]:
        asked.append((host, family))
        raise OSError(errno.EADDRNOTAVAIL, "")

    monkeypatch.setattr(ports.socket, "getaddrinfo", resolved)
    with pytest.raises(AtlasError):
        wait_for_port(Settings(host=host), patience=0)
    assert asked == [("::1", socket.AF_INET6)]


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.name.invalid"])
def test_a_host_that_is_none_of_this_machines_is_named(host: str) -> None:
    with pytest.raises(AtlasError, match=f"HOST={host} is no address of this machine"):
        wait_for_port(Settings(host=host))


def test_a_port_that_this_user_may_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_refusal", lambda host, port: errno.EACCES)
    with pytest.raises(AtlasError, match="this user may not listen on port 80: set PORT"):
        wait_for_port(Settings(port=80))


@pytest.mark.parametrize("command", ["up", "serve"])
def test_nothing_is_started_where_the_port_is_taken(
    command: str, taken: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def start_redis(*given: object) -> str:
        raise AssertionError("Redis was started")

    monkeypatch.setattr(started, "start_redis", start_redis)
    monkeypatch.setattr(ports, "PATIENCE", 0.0)
    environment = {"DATA_DIR": str(tmp_path / "data"), "PORT": str(port_of(taken))}
    ended = CliRunner().invoke(main, [command], env=environment)
    assert ended.exit_code == 1
    assert "is taken by another program" in ended.output
    assert "answers on" not in ended.output


HOSTS = ["198.51.100.7", "x" * 70, "a..b", "host.invalid", "\ud800", "1.2.3.4.5", "999.1.1.1", "2001:db8::1"]


@pytest.mark.parametrize("host", HOSTS, ids=ascii)
def test_what_is_no_address_of_this_machine_is_told(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def known(name: str, *rest: object, **more: object) -> object:
        """Without asking a server of names."""
        return looked_up(name, *rest, **{**more, "flags": socket.AI_NUMERICHOST})  # type: ignore[arg-type]

    looked_up = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", known)
    with pytest.raises(AtlasError, match=r"is no address of this machine \(.*: correct it, 127.0.0.1 or"):
        wait_for_port(Settings(host=host, port=0), patience=0)
