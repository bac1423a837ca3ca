"""The check for a GPU, tried out on the processor: what it prints, and how little it needs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from backend.learning import devices
from benchmarks import gpu

ROOT = Path(__file__).parents[2]
PROGRAM = """
import json, runpy, sys
from importlib.machinery import ModuleSpec
class NotThere:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name in ABSENT else None
    def create_module(self, spec):
        raise ModuleNotFoundError(spec.name)
    def exec_module(self, module):
        pass
ABSENT = set(json.loads(sys.argv[2]))
sys.meta_path.insert(0, NotThere())
sys.argv = ["gpu", *json.loads(sys.argv[1])]
runpy.run_module("benchmarks.gpu", run_name="__main__")
print(json.dumps(sorted({name.split(".")[0] for name in sys.modules})))
print(json.dumps(sorted(name for name in sys.modules if name.startswith("backend."))))
"""
NEEDED = ("torch", "numpy", "scipy", "sklearn", "tokenizers")
ABSENT = (
    *("pydantic", "pydantic_settings", "redis", "rq", "flask", "httpx", "requests", "click", "rich"),
    *("label_studio_sdk", "label_studio_ml", "fsspec", "PIL", "defusedxml", "prometheus_client"),
    *("charset_normalizer", "transformers"),
)
"""What else the backend is made of: not to be needed."""
SMALL = ("--device", "cpu", "--texts", "12", "--pool", "300", "--labels", "40", "--classes", "3")


def test_it_prints_rates_and_agreement_and_imports_nothing_else() -> None:
    given = [json.dumps(SMALL), json.dumps(ABSENT)]
    command = [sys.executable, "-c", PROGRAM, *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *said, everything, ours = done.stdout.splitlines()
    assert [line.split()[0] for line in said[1:]] == ["encode", "agree", *["retrain", "agree"] * 3]
    assert "least cosine 1.0000" in said[2]
    assert all("200 of the first 200 are common; rank correlation 1.0000" in line for line in said[4::2])
    assert set(json.loads(everything)) >= set(NEEDED)
    folders = {name.split(".")[1] for name in json.loads(ours)}
    assert folders <= {"encoders", "errors", "fields", "learning", "plugins", "sampling"}


def test_a_device_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(sys, "argv", ["gpu", "--device", "cuda"])
    with pytest.raises(ValueError, match="there is no cuda here"):
        gpu.main()


def test_a_text_encoder_moves_to_the_device_once_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """cpu:0 is another device to torch than cpu, and has the same arithmetic."""
    encoder, texts = gpu._encoder(), [*gpu._texts(5, 12), ""]
    before = encoder.encode(texts)
    moves = []
    real = gpu.Bert.to
    monkeypatch.setattr(gpu.Bert, "to", lambda bert, device: moves.append(device) or real(bert, device))
    monkeypatch.setattr(devices, "_used", "cpu:0")
    assert torch.equal(encoder.encode(texts), before)
    assert torch.equal(encoder.encode(texts), before)
    assert moves == ["cpu:0"]
    monkeypatch.setattr(devices, "_used", devices.CPU)
    assert torch.equal(encoder.encode(texts), before)
    assert moves == ["cpu:0"]
