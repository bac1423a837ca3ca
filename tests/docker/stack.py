"""Services of the compose files, run by a real engine under a project name of their own."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from backend.demo.label_studio import LabelStudioServer, Login, User, free_port
from tests.docker.engine import Engine
from tests.docker.files import REPOSITORY, copy_with_env, program
from tests.e2e.steps import wait_until

UP_SECONDS = 900
"""Within which all services must be healthy, however slow the machine."""
OURS = REPOSITORY / "docker"
OUR_NETWORK = "192.168.213.0/24"
"""The one of compose.yaml that Label Studio may call."""


class Stack:
    """One `docker compose` project: a copy of the folder docker with an .env, in which its commands run."""

    def __init__(self, engine: Engine, folder: Path, *files: str, name: str | None = None, **env: str):
        self.engine = engine
        self.folder = folder
        self.files = list(files) or ["compose.yaml"]
        self.name = name or f"atlas-test-{secrets.token_hex(3)}"
        self._env = {"ATLAS_TAG": "atlas-test", "COMPOSE_PROJECT_NAME": self.name, **env}
        self.url = ""
        self.network = OUR_NETWORK

    @classmethod
    def new(cls, engine: Engine, directory: Path, *files: str, source: Path = OURS, **env: str) -> Stack:
        """In a copy of `source`, on ports of its own."""
        folder = copy_with_env(directory / "docker", source)
        stack = cls(engine, folder, *files, **env)
        stack.network = _free_network(engine)
        _use_network(folder / "compose.yaml", stack.network)
        port = free_port(0)
        stack.set(LABEL_STUDIO_PORT=str(port))
        stack.url = f"http://localhost:{port}"
        return stack

    @property
    def tag(self) -> str:
        """Of the image that its services run."""
        return self._env["ATLAS_TAG"]

    @property
    def environment(self) -> dict[str, str]:
        return {**self.engine.env, **self._env}

    @property
    def values(self) -> dict[str, str]:
        """Of its .env."""
        found = re.findall(r"^(\w+)=(.*)$", (self.folder / ".env").read_text(), re.MULTILINE)
        return {name: value.strip("'") for name, value in found}

    def set(self, **values: str) -> None:
        """Write into its .env, quoted as .env.example says."""
        env = self.folder / ".env"
        kept = [line for line in env.read_text().splitlines() if line.partition("=")[0] not in values]
        env.write_text("\n".join([*kept, *(f"{name}='{value}'" for name, value in values.items())]) + "\n")

    def replace_files(self, source: Path) -> None:
        """With those of another release; .env stays."""
        for file in source.glob("*.yaml"):
            shutil.copy(file, self.folder)
        _use_network(self.folder / "compose.yaml", self.network)

    def compose(self, *words: str, check: bool = True, seconds: float = UP_SECONDS) -> str:
        """What `docker compose WORDS` prints. Fails with what it said unless `check` is off."""
        named = [word for file in self.files for word in ("--file", file)]
        return self._run([program("docker-compose"), *named, *words], check, seconds)

    def shell(self, script: str, check: bool = True) -> str:
        """Lines of the docs, as somebody types them in the folder docker; the first that fails ends them."""
        shim = self.folder.parent / "bin"
        shim.mkdir(exist_ok=True)
        compose = f'[ "$1" != compose ] || {{ shift; exec {program("docker-compose")} "$@"; }}'
        (shim / "docker").write_text(f'#!/bin/sh\n{compose}\nexec {self.engine.program} "$@"\n')
        (shim / "docker").chmod(0o755)
        return self._run(["bash", "-euxo", "pipefail", "-c", f'PATH="{shim}:$PATH"\n{script}'], check)

    def _run(self, command: list[str], check: bool, seconds: float = UP_SECONDS) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        told = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{' '.join(command)}: {told[-6000:]}"
        return told

    def up(self, *more: str) -> None:
        """On a busy machine a first start may take longer than the health checks allow: then once more."""
        command = ("up", "--detach", "--wait", "--no-build", "--quiet-pull", *more)
        for _ in range(2):
            if "is unhealthy" not in self.compose(*command, check=False):
                break
        self.compose(*command)

    def atlas(self, *words: str, check: bool = True, seconds: float = UP_SECONDS) -> str:
        """`label-studio-atlas WORDS` in the web server's container."""
        return self.compose("exec", "-T", "web", "label-studio-atlas", *words, check=check, seconds=seconds)

    def log(self, service: str) -> str:
        return self.compose("logs", "--no-log-prefix", service)

    def containers(self, service: str) -> list[str]:
        return self.compose("ps", "--all", "--quiet", service).split()

    def state(self, container: str) -> dict[str, Any]:
        described: dict[str, Any] = json.loads(self.engine.run("inspect", container))[0]["State"]
        return described

    def kill(self, service: str) -> None:
        """SIGKILL to a service's first process, then wait until it was started again and is healthy.

        `docker kill` would not do: the engine restarts nothing that it was asked to end.
        """
        (container,) = self.containers(service)
        before = self.state(container)
        word = "import os, sys; os.kill(int(sys.argv[1]), 9)"
        image = f"label-studio-atlas:{self.tag}"
        run = ["run", "--rm", "--pid", "host", "--user", "0", "--entrypoint", "python", image, "-c", word]
        self.engine.run(*run, str(before["Pid"]))
        wait_until(lambda: self.state(container)["StartedAt"] != before["StartedAt"], 180)
        self.wait_until_healthy(container)

    def wait_until_healthy(self, container: str) -> None:
        wait_until(lambda: self.state(container).get("Health", {}).get("Status") == "healthy", 600)

    def down(self) -> None:
        """With its volumes, which are its own."""
        self.compose("down", "--volumes", "--timeout", "2", check=False)

    @contextmanager
    def label_studio(self) -> Iterator[LabelStudioServer]:
        """Acted on as its first user, by the token that make-env made up."""
        names = ("LABEL_STUDIO_USERNAME", "LABEL_STUDIO_PASSWORD", "LABEL_STUDIO_USER_TOKEN")
        login = Login(*(self.values[name] for name in names))
        headers = {"Authorization": f"Token {login.token}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=120) as http:
            user = User(login, http)
            yield LabelStudioServer(self.url, user, self.folder)


@contextmanager
def running(stack: Stack, *more: str) -> Iterator[Stack]:
    """Up and healthy meanwhile. What its containers said goes to a file where ATLAS_DOCKER_LOGS says so."""
    try:
        stack.up(*more)
        yield stack
    finally:
        if folder := os.environ.get("ATLAS_DOCKER_LOGS"):
            Path(folder, f"{stack.name}.log").write_text(stack.compose("logs", "--timestamps", check=False))
        stack.down()


def host_address(engine: Engine) -> str:
    """This machine's, as containers of any network reach it: that of the engine's own bridge."""
    described = json.loads(engine.run("network", "inspect", "bridge"))[0]["IPAM"]["Config"][0]
    first = next(ipaddress.ip_network(described["Subnet"]).hosts())
    return str(described.get("Gateway", first))  # an engine that made its bridge anew tells no gateway


def _free_network(engine: Engine) -> str:
    """OUR_NETWORK, or another one where that is taken."""
    names = engine.run("network", "ls", "--quiet").split()
    inspected = json.loads(engine.run("network", "inspect", *names))
    pools = [
        pool["Subnet"] for each in inspected for pool in each["IPAM"]["Config"] or [] if "Subnet" in pool
    ]
    taken = [ipaddress.ip_network(pool) for pool in pools if ":" not in pool]
    free = (f"192.168.{third}.0/24" for third in (213, *range(100, 200)))
    return next(net for net in free if not any(ipaddress.ip_network(net).overlaps(t) for t in taken))


def _use_network(file: Path, chosen: str) -> None:
    """In place of OUR_NETWORK, by the way that docs/docker-upkeep.md tells."""
    if chosen != OUR_NETWORK:
        whole = ipaddress.ip_network("192.168.0.0/16")
        rest = ",".join(str(net) for net in whole.address_exclude(ipaddress.ip_network(chosen)))
        text = re.sub(r"192\.168\.0\.0/17,.*?192\.168\.224\.0/19", rest, file.read_text(), flags=re.S)
        file.write_text(text.replace(OUR_NETWORK, chosen))
