"""Linux namespaces and mounts: views of this machine that others do not see and that end by themselves."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

_CLONE = {"mnt": 0x00020000, "uts": 0x04000000, "pid": 0x20000000, "net": 0x40000000}
_C = ctypes.CDLL(None, use_errno=True)


def enter_new(kind: str) -> None:
    """From now on mounts ("mount"), or the host name ("uts"), are this process's and its children's own."""
    _check(_C.unshare(_CLONE["mnt" if kind == "mount" else kind]))
    if kind == "mount":
        _run("mount", "--make-rprivate", "/")


def join(parent: int) -> None:
    """Enter the namespaces that the child of process `parent` lives in."""
    child = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()[0]
    opened = {kind: os.open(f"/proc/{child}/ns/{kind}", os.O_RDONLY) for kind in _CLONE}
    for kind in ("net", "uts", "pid", "mnt"):  # the mounts last: /proc changes with them
        _check(_C.setns(opened[kind], _CLONE[kind]))


def machine_with(target: Path, layer: Path) -> None:
    """This machine's files at `target`, with what was written before; what is written goes to `layer`."""
    work = layer.with_name(f"{layer.name}.work")
    for each in (target, layer, work):
        each.mkdir(parents=True, exist_ok=True)
    options = f"lowerdir=/,upperdir={layer},workdir={work}"
    _run("mount", "-t", "overlay", "overlay", "-o", options, str(target))


def add_devices(target: Path) -> None:
    _run("mount", "-t", "proc", "proc", str(target / "proc"))
    bind(Path("/dev"), target / "dev")


def bind(source: Path, target: Path, *, read_only: bool = False) -> None:
    if not target.exists():
        target.mkdir(parents=True)
    _run("mount", "--rbind", str(source), str(target))
    if read_only:
        make_read_only(target)


def make_read_only(target: Path) -> None:
    _run("mount", "-o", "remount,bind,ro", str(target))


def unmount(target: Path) -> None:
    _run("umount", "--recursive", str(target))


def tmpfs(target: Path) -> None:
    _run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", str(target))


def bring_up_network(addresses: list[str]) -> None:
    """The loopback device, with these addresses beside 127.0.0.1."""
    _run("ip", "link", "set", "lo", "up")
    for address in addresses:
        _run("ip", "address", "add", f"{address}/32", "dev", "lo")


def inside(root: Path, directory: str, user: int, hostname: str | None = None) -> Callable[[], None]:
    """For `preexec_fn`: the child sees `root` as all there is, and runs as `user`."""

    def enter() -> None:
        if hostname is not None:
            enter_new("uts")
            socket.sethostname(hostname)
        os.chroot(root)
        os.chdir(directory)
        if user:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)

    return enter


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def _check(result: int) -> None:
    if result:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
