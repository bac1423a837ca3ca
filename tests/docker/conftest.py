"""Shared by the tests of the compose files and of what runs from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docker.files import copy_with_env


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A copy of the folder docker in which make-env was run."""
    return copy_with_env(tmp_path / "docker")
