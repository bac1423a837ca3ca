"""`pip install .` without the lock: label-studio-ml 1.0.9 then brings Flask 1.1.2 and its companions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from backend.running.backend import inherited_environment

WEB = ["test_web.py", "test_access.py", "test_limits.py", "test_hostile.py"]
PINNED = {"flask", "jinja2", "itsdangerous", "werkzeug"}


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Werkzeug 2.0 is older than Python 3.12")
def test_the_web_side_works_with_the_flask_that_label_studio_ml_pins(tmp_path: Path) -> None:
    demands = map(Requirement, metadata.requires("label-studio-ml") or [])
    pinned = [f"{each.name}{each.specifier}" for each in demands if each.name.lower() in PINNED]
    assert len(pinned) == len(PINNED)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*pip, *pinned], check=True)
    env = inherited_environment()
    env["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{env['PYTHONPATH']}"
    unit = Path(__file__).parents[1] / "unit"
    old_warnings = ["-W", "ignore::DeprecationWarning"]
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *old_warnings]
    done = subprocess.run(
        [*tests, *(str(unit / name) for name in WEB)], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:]

    env |= {"DATA_DIR": str(tmp_path / "data"), "REDIS_URL": "redis://localhost:1"}
    doctor = [sys.executable, "-m", "backend", "doctor", "--json"]
    told = json.loads(subprocess.run(doctor, env=env, capture_output=True, text=True, check=False).stdout)
    (versions,) = (each for each in told["findings"] if each["check"] == "versions")
    assert versions["state"] == "note"
    assert "flask>=3 is needed, 1.1" in versions["found"]
    assert "requirements.lock" in versions["remedy"]
