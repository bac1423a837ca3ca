"""What `label-studio-atlas next` answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from backend.cli import main


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["next", *map(str, arguments)])


def listed(*arguments: str | Path) -> dict[str, Any]:
    """Its JSON, where it succeeds."""
    done = run(*arguments, "--format", "json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
