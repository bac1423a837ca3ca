"""Run all checks: first of the installation, then of each project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import chain

# Imported for the checks they register, in this order.
import backend.doctor.machine
import backend.doctor.store

import backend.doctor.workers  # isort:skip
import backend.doctor.server

import backend.doctor.project  # isort:skip
import backend.doctor.tasks  # isort:skip
import backend.doctor.encoding  # isort:skip
import backend.doctor.webhook  # isort:skip
import backend.doctor.other_backends  # isort:skip
import backend.doctor.encoder  # isort:skip
import backend.doctor.order  # isort:skip
import backend.doctor.layers  # isort:skip
import backend.doctor.shift  # isort:skip
import backend.doctor.wrapped  # noqa: F401  isort:skip
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import run, what_is_missing
from backend.doctor.finding import Finding, State, not_checked
from backend.errors import AtlasError, NotFound

Tell = Callable[[Finding], object]
NONE_YET = "none is connected yet: `label-studio-atlas connect URL --project N` does"


def examine(bench: Bench, project_id: int | None = None, tell: Tell = lambda finding: None) -> list[Finding]:
    """project_id: the project to look at; None for all that this backend has had to do with.

    tell: is given each finding as soon as it is made.
    """
    general = run(False, bench, tell=tell)
    projects = [] if project_id is None else [project_id]
    if not projects:
        missing = what_is_missing(("Redis", "API key", "model store"), general)
        projects = [] if missing else _present(bench)
        if not projects:
            finding = replace(missing or not_checked(NONE_YET), check="projects")
            tell(finding)
            return [*general, finding]
    of_projects = (examine_project(bench, each, general, tell) for each in projects)
    return [*general, *chain.from_iterable(of_projects)]


def examine_project(
    bench: Bench, project_id: int, general: list[Finding], tell: Tell = lambda finding: None
) -> list[Finding]:
    """The checks of one project, after those of the installation."""

    def tell_of_it(finding: Finding) -> None:
        tell(replace(finding, project=project_id))

    findings = run(True, ProjectBench(bench, project_id), general, tell_of_it)
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
