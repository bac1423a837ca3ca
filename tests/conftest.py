"""Shared by all tests: a clean environment, and the real servers."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from backend.demo.environment import install_label_studio
from backend.demo.label_studio import LabelStudioServer, free_port, start_label_studio
from backend.running.backend import inherited_environment, start_backend
from backend.running.supervisor import Supervisor
from backend.settings import Settings

GIVEN = {"SHOW_GUESS_FROM": "0", "ENCODER": "lsa", "AUDIT_SHARE": "0"}
"""The few labels of a test make no model sure, and what it guesses is to be seen, of each task and in the
strategy's own order; tests of audits have a share. Pretrained weights take a
second to load in every process; tests of them name their encoder."""
os.environ.update(GIVEN)
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Two processes of tests with two threads each on two cores wait for each other most of the time.
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def pytest_sessionstart() -> None:
    """What was imported lasts to the end, and so do the tests: collections of cycles pass over both."""
    gc.freeze()
    gc.enable()


def pytest_collection_finish() -> None:
    gc.freeze()


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of the machine's reaches a test, and nothing is written outside its folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def label_studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabelStudioServer]:
    """A real Label Studio with an empty database."""
    program = install_label_studio(Path("~/.cache/label-studio-atlas").expanduser())
    with Supervisor() as supervisor:
        directory = tmp_path_factory.mktemp("label-studio")
        with start_label_studio(supervisor, program, directory, free_port(0)) as server:
            yield server


@dataclass
class RunningBackend:
    """The backend as `label-studio-atlas up` runs it. `env` is what its processes were given."""

    url: str
    env: dict[str, str]
    supervisor: Supervisor
    data_dir: Path

    def log(self, part: str = "worker") -> str:
        return (self.data_dir / f"{part}.log").read_text()

    def pid(self, part: str) -> int:
        return next(child.process.pid for child in self.supervisor.children if child.name == part)


@contextmanager
def backends(label_studio: LabelStudioServer, folder: Path) -> Iterator[Callable[..., RunningBackend]]:
    """Start backends connected to the real Label Studio; all are stopped in the end."""
    running: list[Supervisor] = []

    def start(data_dir: Path | None = None, port: int | None = None, **env: str) -> RunningBackend:
        supervisor = Supervisor()
        running.append(supervisor)
        directory = data_dir or folder / f"backend{len(running)}"
        directory.mkdir(parents=True, exist_ok=True)
        settings = Settings(data_dir=directory, port=port or free_port(0))
        given = {
            **inherited_environment(),
            "LABEL_STUDIO_URL": label_studio.url,
            "LABEL_STUDIO_API_KEY": label_studio.admin.login.token,
            "RETRAIN_PAUSE": "0",
            **env,
        }
        used = start_backend(supervisor, settings, given, logs=directory)
        return RunningBackend(f"http://localhost:{settings.port}", used, supervisor, directory)

    try:
        yield start
    finally:
        for supervisor in running:
            supervisor.__exit__()


@pytest.fixture
def run_backend(label_studio: LabelStudioServer, tmp_path: Path) -> Iterator[Callable[..., RunningBackend]]:
    with backends(label_studio, tmp_path) as start:
        yield start
