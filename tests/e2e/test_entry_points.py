"""The other doors into the same application."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from backend.demo.label_studio import free_port
from backend.running.backend import inherited_environment

ROOT = Path(__file__).parents[2]


def test_label_studio_ml_start_serves_the_same_application(tmp_path: Path) -> None:
    port = free_port(0)
    env = inherited_environment()
    env["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), env["PATH"]])  # it calls plain `python`
    starter = "from label_studio_ml.server import main; main()"
    command = [sys.executable, "-c", starter, "start", "backend", "--port", str(port)]
    with open(tmp_path / "log", "wb") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                answer = httpx.get(f"http://127.0.0.1:{port}/health").json()
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                time.sleep(0.3)
        assert answer["name"] == "label-studio-atlas"
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)
