"""DEVICE: what it may be, and who asks for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from pydantic import ValidationError

from backend.cli import main
from backend.errors import NotConfigured
from backend.jobs.job_settings import job_settings
from backend.learning import devices
from backend.settings import Settings

BACKEND = Path(__file__).parents[2] / "backend"


@pytest.fixture(autouse=True)
def _on_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_used", devices.CPU)


def has(monkeypatch: pytest.MonkeyPatch, gpus: int = 0, mps: bool = False) -> None:
    """What torch finds on this machine."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("gpus", "mps", "expected"), [(2, True, "cuda"), (0, True, "mps"), (0, False, "cpu"), (1, False, "cuda")]
)
def test_auto_is_the_first_there_is(
    monkeypatch: pytest.MonkeyPatch, gpus: int, mps: bool, expected: str
) -> None:
    has(monkeypatch, gpus, mps)
    assert devices.found("auto") == expected


@pytest.mark.parametrize(
    ("wanted", "said"),
    [("cuda", "no cuda here"), ("cuda:1", "counted from cuda:0"), ("mps", "Apple"), ("tpu", "is no device")],
)
def test_a_device_that_is_not_there_says_what_is(
    monkeypatch: pytest.MonkeyPatch, wanted: str, said: str
) -> None:
    has(monkeypatch, gpus=1 if wanted == "cuda:1" else 0)
    with pytest.raises(ValueError, match=said):
        devices.found(wanted)


def test_a_job_takes_its_device_over_and_an_error_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, gpus=1)
    monkeypatch.setenv("DEVICE", "auto")
    assert devices.used() == "cpu"
    assert job_settings().device == "cuda" == devices.used()
    has(monkeypatch)
    monkeypatch.setenv("DEVICE", "cuda")
    with pytest.raises(NotConfigured, match="DEVICE=cuda: there is no cuda here"):
        job_settings()


@pytest.mark.parametrize("value", ["gpu", "cuda:", "cuda:a", "CUDA", "cpu "])
def test_a_wrong_name_is_refused_with_the_settings(value: str) -> None:
    with pytest.raises(ValidationError, match="must be cpu, cuda, cuda:1, mps or auto"):
        Settings(device=value)
    assert not devices.NAMES.fullmatch(value)


@pytest.mark.parametrize("value", ["auto", "cpu", "mps", "cuda", "cuda:1"])
def test_the_settings_and_the_devices_know_the_same_names(value: str) -> None:
    assert devices.NAMES.fullmatch(Settings(device=value).device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_worker_does_not_start_on_a_device_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVICE", "cuda")
    done = CliRunner().invoke(main, ["worker"])
    assert done.exit_code == 1
    assert "DEVICE: there is no cuda here" in done.output


def test_nothing_but_one_module_asks_for_a_gpu_and_jobs_alone_call_it() -> None:
    asks = re.compile(r"torch\.(cuda|accelerator|backends\.mps|mps)\b")
    calls = re.compile(r"\bdevices\.(use|found)\(")
    sources = {path.relative_to(BACKEND).as_posix(): path.read_text() for path in BACKEND.rglob("*.py")}
    assert {name for name, text in sources.items() if asks.search(text)} == {"learning/devices.py"}
    assert {name for name, text in sources.items() if calls.search(text)} == {
        "jobs/job_settings.py",
        "next/choose.py",  # forks nothing
        "next/parts.py",
    }
