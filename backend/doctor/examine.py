"""Run all checks: first of the installation, then of each project."""

from __future__ import annotations

from dataclasses import replace

# Imported for the checks they register, in this order.
import backend.doctor.machine
import backend.doctor.store

import backend.doctor.workers  # isort:skip
import backend.doctor.server

import backend.doctor.project  # isort:skip
import backend.doctor.tasks  # isort:skip
import backend.doctor.webhook  # isort:skip
import backend.doctor.order  # noqa: F401  isort:skip
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import run, what_is_missing
from backend.doctor.finding import Finding, State, not_checked
from backend.errors import AtlasError, NotFound

NONE_YET = "none is connected yet: `label-studio-atlas connect URL --project N` does"


def examine(bench: Bench, project_id: int | None = None) -> list[Finding]:
    """project_id: the project to look at; None for all that this backend has had to do with."""
    general = run(False, bench)
    projects = [] if project_id is None else [project_id]
    if not projects:
        missing = what_is_missing(("Redis", "API key"), general)
        projects = [] if missing else _present(bench)
        if not projects:
            return [*general, replace(missing or not_checked(NONE_YET), check="projects")]
    return [*general, *(finding for each in projects for finding in examine_project(bench, each, general))]


def examine_project(bench: Bench, project_id: int, general: list[Finding]) -> list[Finding]:
    """The checks of one project, after those of the installation."""
    findings = run(True, ProjectBench(bench, project_id), general)
    return [replace(finding, project=project_id) for finding in findings]


def all_is_well(findings: list[Finding]) -> bool:
    return not any(finding.state is State.WRONG for finding in findings)


def _present(bench: Bench) -> list[int]:
    """Those still in Label Studio, and those that it fails to tell of: their own checks say why."""
    present = []
    for project_id in bench.known_projects():
        try:
            bench.label_studio.project(project_id)
        except NotFound:
            continue
        except AtlasError:
            pass
        present.append(project_id)
    return present
