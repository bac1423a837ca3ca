"""The list of checks, and running them in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from redis import RedisError

from backend.doctor.finding import Finding, State, not_checked, wrong
from backend.errors import AtlasError

Function = Callable[[Any], Finding]


@dataclass(frozen=True)
class Check:
    """`needs`: names of earlier checks without which this one could only guess."""

    name: str
    needs: tuple[str, ...]
    of_project: bool
    function: Function


CHECKS: dict[str, Check] = {}
"""By name, in the order they are made."""


def check(name: str, *needs: str) -> Callable[[Function], Function]:
    """Register a check of the installation: a function of a Bench."""
    return _register(name, needs, of_project=False)


def project_check(name: str, *needs: str) -> Callable[[Function], Function]:
    """Register a check of a project: a function of a ProjectBench."""
    return _register(name, needs, of_project=True)


def run(of_project: bool, subject: Any, before: Iterable[Finding] = ()) -> list[Finding]:
    """All checks of one kind on one bench. before: findings of the other kind that these may need."""
    found = {finding.check: finding for finding in before}
    mine = [each for each in CHECKS.values() if each.of_project == of_project]
    for each in mine:
        finding = what_is_missing(each.needs, found.values()) or _made(each, subject)
        found[each.name] = replace(finding, check=each.name)
    return [found[each.name] for each in mine]


def what_is_missing(needs: Iterable[str], findings: Iterable[Finding]) -> Finding | None:
    """The root of why one of the needs is not met, as a finding that says "not checked"; None if all are."""
    found = {finding.check: finding for finding in findings}
    for need in needs:
        if found[need].state is State.NOT_CHECKED:
            return not_checked(found[need].found)
        if found[need].state is State.WRONG:
            return not_checked(f'"{need}" comes first')
    return None


def _made(each: Check, subject: Any) -> Finding:
    try:
        return each.function(subject)
    except AtlasError as error:  # its message says what to do
        return wrong(str(error), "Do what the message says, then run `label-studio-atlas doctor` again.")
    except RedisError as error:
        return wrong(f"Redis failed meanwhile: {error}", "Run `label-studio-atlas doctor` again.")


def _register(name: str, needs: tuple[str, ...], *, of_project: bool) -> Callable[[Function], Function]:
    unknown = set(needs) - CHECKS.keys()
    if unknown or name in CHECKS:
        raise ValueError(f"check {name!r}: named twice, or needs later ones: {sorted(unknown)}")

    def register(function: Function) -> Function:
        CHECKS[name] = Check(name, needs, of_project, function)
        return function

    return register
