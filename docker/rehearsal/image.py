"""The Dockerfile, step by step."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from string import Template
from typing import Any

from docker.utils.build import exclude_paths
from dockerfile_parse import DockerfileParser
from spaces import add_devices, bind, inside, machine_with, unmount

PYTHON_PATH = "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
"""PATH in Docker's official images."""
NOTHING_TO_DO = {"EXPOSE", "VOLUME", "LABEL"}


@dataclass
class Image:
    """What a stage has become. `layer` has what its steps wrote; below it is this machine."""

    layer: str
    env: dict[str, str] = field(default_factory=lambda: {"PATH": PYTHON_PATH})
    user: int = 0
    directory: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)

    @staticmethod
    def load(directory: Path) -> Image:
        return Image(**json.loads((directory / "image.json").read_text()))


def show(layer: Path, target: Path) -> None:
    """Mount a stage, with this Python where Docker's Python images have theirs."""
    machine_with(target, layer)
    for place, folder in python_at_usr_local().items():
        bind(folder, target / place, read_only=True)


def python_at_usr_local() -> dict[str, Path]:
    """This Python by the place where it is to be shown; {} where it is found there anyway."""
    prefix = Path(sys.base_prefix)
    return {} if prefix in (Path("/usr"), Path("/usr/local")) else {"usr/local": prefix}


class Builder:
    """One build. `given` are build arguments."""

    def __init__(self, context: Path, directory: Path, given: dict[str, str]):
        self._context = context
        self._directory = directory
        self._given = given
        self._all: dict[str, str] = {}  # the arguments declared before the first stage
        self._stages: dict[str, tuple[Image, Path]] = {}
        self._kept = exclude_paths(str(context), (context / ".dockerignore").read_text().splitlines())
        self._image: Image | None = None

    def step(self, instruction: str, value: str) -> None:
        if instruction in NOTHING_TO_DO:
            return
        if self._image is None and instruction not in ("ARG", "FROM"):
            raise SystemExit(f"{instruction} before the first FROM")
        act = getattr(self, f"_{instruction.lower()}", None)
        if act is None:
            raise SystemExit(f"the rehearsal does not know {instruction}: teach it, in {__file__}")
        act(value)

    def _arg(self, value: str) -> None:
        name, _, default = value.partition("=")
        scope = self._all if self._image is None else self._args
        scope[name] = self._given.get(name, self._all.get(name, default))

    def _from(self, value: str) -> None:
        words = Template(value).substitute(self._all).split()
        base, name = words[0], words[2] if len(words) == 3 else str(len(self._stages))
        if base in self._stages:
            raise SystemExit(f"FROM {base}: the rehearsal knows no stage on top of another")
        self._args: dict[str, str] = {}
        self._root = self._directory / "roots" / name
        self._image = Image(str(self._directory / "layers" / name))
        show(Path(self._image.layer), self._root)
        add_devices(self._root)
        self._stages[name] = self._image, self._root

    def _workdir(self, value: str) -> None:
        self._image.directory = os.path.join(self._image.directory, self._filled(value))
        self._inside(self._image.directory).mkdir(parents=True, exist_ok=True)

    def _env(self, value: str) -> None:
        for pair in shlex.split(value):
            name, _, content = pair.partition("=")
            self._image.env[name] = self._filled(content)

    def _user(self, value: str) -> None:
        self._image.user = int(value.split(":")[0])

    def _copy(self, value: str) -> None:
        flags, words = _split_flags(value)
        *sources, target = (self._filled(word) for word in words)
        into = self._inside(os.path.join(self._image.directory, target))
        for source in sources:
            if "from" in flags:
                _copy(self._stages[flags["from"]][1] / source.lstrip("/"), into, target.endswith("/"))
            else:
                self._copy_from_context(source.rstrip("/"), into, target.endswith("/"))

    def _copy_from_context(self, source: str, into: Path, is_folder: bool) -> None:
        kept = [each for each in self._kept if each == source or each.startswith(f"{source}/")]
        if not kept:
            raise SystemExit(f"COPY {source}: not there, or left out by .dockerignore")
        for each in kept:
            if (self._context / each).is_file():
                inner = os.path.relpath(each, source)
                goes = into / source if inner == "." and is_folder else into if inner == "." else into / inner
                goes.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(self._context / each, goes)

    def _run(self, value: str) -> None:
        flags, words = _split_flags(value, all_words=False)
        mount = dict(part.split("=") for part in flags["mount"].split(",")) if flags else {}
        cache = self._inside(mount["target"]) if mount else None
        if cache is not None:
            own = Path("~/.cache/pip").expanduser()
            own.mkdir(parents=True, exist_ok=True)
            bind(own, cache)
        try:
            subprocess.run(
                ["/bin/sh", "-c", words[0]],
                env={**_of_this_machine(), "HOME": "/root", **self._args, **self._image.env},
                preexec_fn=inside(self._root, self._image.directory, self._image.user),
                check=True,
            )
        finally:
            if cache is not None:
                unmount(cache)

    def _entrypoint(self, value: str) -> None:
        self._image.entrypoint = json.loads(value)

    def _cmd(self, value: str) -> None:
        self._image.command = json.loads(value)

    def _healthcheck(self, value: str) -> None:
        self._image.healthcheck = json.loads(value.split("CMD", 1)[1])

    def _filled(self, value: str) -> str:
        return Template(value).substitute(self._args | self._image.env)

    def _inside(self, path: str) -> Path:
        return self._root / path.lstrip("/")

    def result(self) -> Image:
        (self._directory / "image.json").write_text(json.dumps(asdict(self._image)))
        return self._image


def build(context: Path, directory: Path, given: dict[str, str]) -> Image:
    """Run every step; raises at the first that fails. The image is kept below `directory`."""
    directory.mkdir(parents=True, exist_ok=True)
    builder = Builder(context, directory, given)
    steps: list[dict[str, Any]] = DockerfileParser(str(context / "Dockerfile")).structure
    for step in steps:
        if step["instruction"] != "COMMENT":
            print(f"{step['startline'] + 1}: {step['instruction']} {step['value']}", flush=True)
            builder.step(step["instruction"], step["value"])
    return builder.result()


def report(image: Image) -> None:
    """What the image weighs beside its base, and its largest packages, in MB of 2^20 bytes."""
    print(f"\n{_megabytes(Path(image.layer))} MB on top of the base image, of which")
    packages = next(Path(image.layer).glob("opt/*/lib/python3*/site-packages")).iterdir()
    for size, name in sorted(((_megabytes(each), each.name) for each in packages), reverse=True)[:20]:
        print(f"{size:6} {name}")


def _megabytes(path: Path) -> int:
    told = subprocess.run(["du", "-sm", path], capture_output=True, text=True, check=True).stdout
    return int(told.split()[0])


def _split_flags(value: str, all_words: bool = True) -> tuple[dict[str, str], list[str]]:
    flags = {}
    while value.startswith("--"):
        flag, value = value.split(None, 1)
        name, _, content = flag[2:].partition("=")
        flags[name] = content
    return flags, value.split() if all_words else [value]


def _copy(source: Path, into: Path, is_folder: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, into, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy(source, into / source.name if is_folder else into)


def _of_this_machine() -> dict[str, str]:
    """How this machine reaches the package index. A Docker engine hands proxies on, too."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("PIP_", "SSL_CERT")) or name.lower().endswith("_proxy")
    }
