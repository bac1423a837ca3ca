"""A Docker engine for the tests: the machine's own, or else Debian's, started for them and ended again."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(os.environ.get("ENGINE_DIR") or "~/.cache/label-studio-atlas/docker").expanduser()
"""Where an engine of our own keeps its images: making them anew takes minutes."""
DAEMON = Path("/usr/sbin/dockerd")
START_SECONDS = 60


class NoEngine(Exception):
    """Says why there is none."""


@dataclass(frozen=True)
class Engine:
    """program: the client. host: DOCKER_HOST, None for the client's own choice. ours: started by us, so that
    images that stand in for others' may be made in it."""

    program: str
    host: str | None
    ours: bool

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "DOCKER_BUILDKIT": "1", **({"DOCKER_HOST": self.host} if self.host else {})}

    def run(self, *words: str | Path) -> str:
        """What `docker WORDS` prints. Raises CalledProcessError, after showing what it said."""
        done = subprocess.run([self.program, *words], env=self.env, capture_output=True, text=True)
        if done.returncode:
            print(done.stdout[-2000:], done.stderr[-6000:])
        done.check_returncode()
        return done.stdout.strip()

    def answers(self) -> bool:
        words = [self.program, "version", "--format", "{{.Server.Version}}"]
        return subprocess.run(words, env=self.env, capture_output=True).returncode == 0

    def build(self, tag: str, context: Path, *words: str | Path) -> None:
        network = ["--network", "host"] if self.ours else []
        self.run("build", "--tag", tag, *network, *words, context)


@contextmanager
def engine() -> Iterator[Engine]:
    """The engine, for this process alone while it lasts. Raises NoEngine where none can be had."""
    for program in filter(None, (shutil.which("docker"), "/usr/bin/docker")):
        found = Engine(program, None, ours=False)
        if Path(program).exists() and found.answers() and _can_build(program):
            yield found
            return
    if not (DAEMON.exists() and os.geteuid() == 0 and shutil.which("debootstrap")):
        raise NoEngine(
            "no Docker engine answers. As root on Debian, `apt-get install docker.io iptables debootstrap` "
            "is enough: the tests start it by themselves"
        )
    FOLDER.mkdir(parents=True, exist_ok=True)
    with open(FOLDER / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        own = Engine("/usr/bin/docker", f"unix://{FOLDER}/docker.sock", ours=True)
        if own.answers():  # somebody started it and wants it to stay
            yield own
            return
        daemon = _start(own)
        try:
            yield own
        finally:
            daemon.terminate()
            daemon.wait()


def _can_build(program: str) -> bool:
    """Clients before 23 build by themselves, later ones by buildx."""
    told = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.split()
    major = int(told[2].split(".")[0]) if len(told) > 2 and told[2][0].isdigit() else 99
    return major < 23 or subprocess.run([program, "buildx", "version"], capture_output=True).returncode == 0


def _start(own: Engine) -> subprocess.Popen[bytes]:
    """Ends with an error that tells the last of its log where the machine does not let an engine run."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]  # it may not be allowed to raise limits
    folders = ["--data-root", FOLDER / "data", "--exec-root", FOLDER / "exec", "--pidfile", FOLDER / "pid"]
    limits = ["--default-ulimit", f"nofile={most}:{most}", "--oom-score-adjust", "0"]
    log = FOLDER / "log"
    with open(log, "wb") as output:
        command = [DAEMON, *folders, *limits, "--host", str(own.host)]
        daemon = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    deadline = time.monotonic() + START_SECONDS
    while not own.answers():
        if daemon.poll() is not None or time.monotonic() > deadline:
            daemon.terminate()
            daemon.wait()
            last = " / ".join(log.read_text(errors="replace").splitlines()[-3:])
            raise NoEngine(f"Debian's Docker engine does not start on this machine: {last}")
        time.sleep(0.5)
    return daemon
