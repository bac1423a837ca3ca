"""A real server that speaks S3, for the tests of the model store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from backend.demo.label_studio import free_port
from backend.running.backend import inherited_environment
from backend.running.supervisor import Supervisor

BUCKET = "s3://bucket/models"


@contextmanager
def s3_server(directory: Path, **env: str) -> Iterator[dict[str, str]]:
    """Yields what its users set. It has no bucket yet."""
    url = f"http://127.0.0.1:{free_port(0)}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", url.rsplit(":", 1)[1]]
    with Supervisor() as supervisor:
        log = directory / "s3.log"
        supervisor.start("s3", command, {**inherited_environment(), **env}, log=log, ready=lambda: is_up(url))
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "atlas",
            "AWS_SECRET_ACCESS_KEY": "s3cret",
            "AWS_DEFAULT_REGION": "us-east-1",
        }


def is_up(url: str) -> bool:
    try:
        httpx.get(f"{url}/moto-api/")
        return True
    except httpx.HTTPError:
        return False
