"""Simulations of made data, small and quick."""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from backend.cli import main
from backend.simulate.workers import Failure

QUICK = ("--seeds", "2", "--start", "10", "--batch", "10", "--budget", "20")
HOSTILE = '<script>alert("x")</script> & [bold]'
"""A class name that HTML and the terminal's markup would both take for their own."""


def write_rare(path: Path, rare: str = HOSTILE, packed_with: int = 300) -> Path:
    """Two easy classes and a rare one that a model which knows only those finds odd."""
    generator = random.Random(0)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for label, name, count in (
            ("weather", "weather", packed_with),
            ("sport", "sport", packed_with),
            ("flood", rare, 10),
        ):
            for _ in range(count):
                words = [f"{label}{generator.randrange(8)}" for _ in range(3)]
                words += [f"word{generator.randrange(400)}" for _ in range(5)]
                writer.writerow([" ".join(words), name])
    return path


def simulate(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["simulate", *map(str, arguments)])


def read_curves(folder: Path) -> list[dict[str, str]]:
    with open(folder / "curves.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class InProcess:
    """Workers without processes. Fails the jobs of entropy: no real strategy can be made to."""

    def __init__(self, processes: int):
        assert processes >= 1

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, *error: object) -> None: ...

    def run(self, function: Callable[..., Any], jobs: Sequence[Any], step: Any) -> Iterator[tuple[Any, Any]]:
        for job in jobs:
            failed = "entropy, seed 1" in str(job)
            step_of_job = partial(step, job)
            yield job, Failure("ValueError: <b>odd</b>") if failed else function(job, step_of_job)
