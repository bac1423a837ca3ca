"""The services of a compose file as processes: same commands, environment, names, ports, order and checks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from packages import image_of
from spaces import add_devices, bind, bring_up_network, inside, machine_with, make_read_only, tmpfs

LONGEST_START = 600
"""Seconds within which a service must have become healthy, however slow the machine."""


@dataclass
class Service:
    """A container to be: what is run, and what it sees."""

    name: str
    root: str
    argv: list[str]
    check: list[str]
    env: dict[str, str]
    user: int
    directory: str

    def popen(self, argv: list[str], **more: Any) -> subprocess.Popen[bytes]:
        enter = inside(Path(self.root), self.directory, self.user, self.name)
        return subprocess.Popen(argv, env=self.env, preexec_fn=enter, stdin=subprocess.DEVNULL, **more)


def up(directory: Path, compose_file: Path, env_file: Path | None) -> int:
    """Start all in their order, say "healthy", and wait for TERM. 1 when one ends by itself."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    described = _read(compose_file, env_file)
    addresses = _addresses(described)
    bring_up_network(sorted(set(addresses.values())))
    hosts = directory / "hosts"
    names = "".join(f"{address} {name}\n" for name, address in addresses.items())
    hosts.write_text(f"127.0.0.1 localhost\n{names}")
    (directory / "logs").mkdir(exist_ok=True)
    services, running = {}, {}
    try:
        for name in _in_order(described):
            services[name] = _prepare(directory, name, described[name], hosts)
            (directory / "services.json").write_text(json.dumps({k: asdict(v) for k, v in services.items()}))
            with open(directory / "logs" / f"{name}.log", "ab") as log:
                running[name] = services[name].popen(services[name].argv, stdout=log, stderr=log)
            _wait_until_healthy(directory, services[name], running[name])
        print("healthy: all", flush=True)
        while not (ended := [name for name, process in running.items() if process.poll() is not None]):
            time.sleep(0.5)
        print(f"{ended[0]} ended by itself, see its log in {directory}/logs", flush=True)
        return 1
    finally:
        for process in reversed(running.values()):
            process.terminate()
            process.wait()


def execute(directory: Path, name: str, command: list[str]) -> int:
    """`docker compose exec`."""
    service = Service(**json.loads((directory / "services.json").read_text())[name])
    return service.popen(command).wait()


def _read(compose_file: Path, env_file: Path | None) -> dict[str, Any]:
    program = Path(sys.executable).with_name("docker-compose")
    given = ["--env-file", str(env_file)] if env_file else []
    command = [program, *given, "--file", compose_file, "config", "--format", "json"]
    told = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    services: dict[str, Any] = json.loads(told)["services"]
    return services


def _addresses(described: dict[str, Any]) -> dict[str, str]:
    """Of every name that a service has. All lie in the network that Label Studio may call."""
    found = {}
    for number, (name, service) in enumerate(described.items(), start=10):
        aliases = [a for n in service["networks"].values() if n for a in n.get("aliases", [])]
        found |= dict.fromkeys([name, *aliases], f"192.168.213.{number}")
    return found


def _in_order(described: dict[str, Any]) -> list[str]:
    """Each service after those it depends on."""
    order: list[str] = []

    def add(name: str) -> None:
        for needed in described[name].get("depends_on", {}):
            add(needed)
        if name not in order:
            order.append(name)

    for name in described:
        add(name)
    return order


def _prepare(directory: Path, name: str, service: dict[str, Any], hosts: Path) -> Service:
    image = image_of(service["image"], directory)
    root = directory / "services" / name
    if image.tree is None:
        machine_with(root, directory / "written" / name)
    else:
        bind(image.tree, root)
    add_devices(root)
    for place, folder in image.shown.items():
        bind(folder, root / place, read_only=True)
    bind(hosts, root / "etc/hosts")
    _make_known(image.user, root / "etc/passwd")
    for volume in service.get("volumes", []):
        kept = directory / "volumes" / volume["source"]
        if not kept.exists():  # as Docker gives a new volume the owner of the image's folder
            kept.mkdir(parents=True)
            os.chown(kept, image.user, image.user)
        bind(kept, root / volume["target"].lstrip("/"))
    for target in service.get("tmpfs", []):
        tmpfs(root / target.lstrip("/"))
    if service.get("read_only"):
        make_read_only(root)
    given = {key: value for key, value in (service.get("environment") or {}).items() if value is not None}
    how, *check = service["healthcheck"]["test"]
    return Service(
        name=name,
        root=str(root),
        argv=[*image.entrypoint, *(service.get("command") or image.command)],
        check=check if how == "CMD" else ["/bin/sh", "-c", *check],
        env={**image.env, "HOSTNAME": name, **given},
        user=image.user,
        directory=image.directory,
    )


def _make_known(user: int, passwd: Path) -> None:
    """PostgreSQL does not run as a user without a name."""
    if not any(line.split(":")[2] == str(user) for line in passwd.read_text().splitlines()):
        with open(passwd, "a") as file:
            file.write(f"user{user}:x:{user}:{user}::/tmp:/bin/sh\n")


def _wait_until_healthy(directory: Path, service: Service, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + LONGEST_START
    with open(directory / "logs" / f"{service.name}.health.log", "ab") as log:
        while service.popen(service.check, stdout=log, stderr=log).wait() != 0:
            if process.poll() is not None or time.monotonic() > deadline:
                tail = (directory / "logs" / f"{service.name}.log").read_text(errors="replace")[-3000:]
                raise SystemExit(f"{service.name} did not become healthy:\n{tail}")
            time.sleep(2)
    print(f"healthy: {service.name}", flush=True)
