"""Run all checks: first of the installation, then of each project."""

from __future__ import annotations

from dataclasses import replace

# Imported for the checks they register, in this order.
import backend.doctor.machine

import backend.doctor.workers  # isort:skip
import backend.doctor.server

import backend.doctor.project  # noqa: F401  isort:skip
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import run
from backend.doctor.finding import Finding, State, not_checked
from backend.errors import NotFound

PROJECTS = "projects"


def examine(bench: Bench, project_id: int | None = None) -> list[Finding]:
    """project_id: the project to look at; None for all that this backend has had to do with."""
    general = run(False, bench)
    holds = {finding.check for finding in general if finding.state in (State.OK, State.NOTE)}
    if not {"Redis", "API key"} <= holds:
        missing = next(name for name in ("Redis", "API key") if name not in holds)
        if project_id is None:
            return [*general, replace(not_checked(f'"{missing}" comes first'), check=PROJECTS)]
    projects = [project_id] if project_id is not None else _present(bench)
    if not projects:
        hint = "none is connected yet: `label-studio-atlas connect URL --project N` does"
        return [*general, replace(not_checked(hint), check=PROJECTS)]
    return [*general, *(finding for each in projects for finding in examine_project(bench, each, general))]


def examine_project(bench: Bench, project_id: int, general: list[Finding]) -> list[Finding]:
    """The checks of one project, after those of the installation."""
    findings = run(True, ProjectBench(bench, project_id), general)
    return [replace(finding, project=project_id) for finding in findings]


def all_is_well(findings: list[Finding]) -> bool:
    return not any(finding.state is State.WRONG for finding in findings)


def _present(bench: Bench) -> list[int]:
    """Those still in Label Studio."""
    present = []
    for project_id in bench.known_projects():
        try:
            present.append(bench.label_studio.project(project_id).id)
        except NotFound:
            continue
    return present
