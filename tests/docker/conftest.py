"""Shared by the tests of the compose files and of what runs from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker import standins
from tests.docker.engine import Engine, NoEngine, engine
from tests.docker.files import REPOSITORY, copy_with_env


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A copy of the folder docker in which make-env was run."""
    return copy_with_env(tmp_path / "docker")


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """An engine that has the images which the compose files name, ours built from this clone."""
    try:
        with engine() as found:
            arguments = []
            if found.ours:
                standins.make(found)
                arguments = ["--build-arg", "TORCH_INDEX="]  # from where everything else comes
            found.build("label-studio-atlas:atlas-test", REPOSITORY, *arguments)
            yield found
    except NoEngine as reason:
        pytest.skip(str(reason))
