"""While a simulation runs it says which strategy and which seed it is at, on a terminal and in a log."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from backend.simulate.plan import Plan
from backend.simulate.replay import ReplayJob
from backend.simulate.show import Steps, progress_bar


@pytest.mark.parametrize("is_terminal", [True, False])
def test_it_is_said_which_strategy_and_seed_is_replayed(is_terminal: bool, tmp_path: Path) -> None:
    plan = Plan(("margin",), seeds=(3,), batch=5, start=5, budget=20, held_out=0.2)
    job = ReplayJob("margin", 3, plan, ("ham", "spam"), tmp_path)
    written = io.StringIO()
    console = Console(file=written, force_terminal=is_terminal, width=120, color_system=None)
    with progress_bar(console) as progress:
        steps = Steps(progress, console, total=2)
        steps.one(job)
        progress.refresh()
        steps.ended(job)
    assert "strategy margin, seed 3" in written.getvalue()
