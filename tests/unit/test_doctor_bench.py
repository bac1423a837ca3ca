"""Commands that doctor prints are copied into a shell."""

from __future__ import annotations

import shlex
from types import SimpleNamespace
from typing import Any

import pytest

from backend.doctor.bench import ProjectBench


@pytest.mark.parametrize("url", ["http://h:9090", "http://h/;curl${IFS}x|sh;:9090", "http://h/$(x)'`y`:9090"])
def test_an_address_from_label_studio_is_one_word(url: str) -> None:
    bench: Any = SimpleNamespace(
        connection=SimpleNamespace(url=url, title="another's"),
        bench=SimpleNamespace(settings=SimpleNamespace(port=9090)),
        id=3,
    )
    command = ProjectBench.connect_command.fget(bench)  # type: ignore[attr-defined]
    assert shlex.split(command) == ["label-studio-atlas", "connect", url, "--project", "3"]
