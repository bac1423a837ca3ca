"""The list of checks, and running them in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import httpx
from redis import RedisError

from backend.doctor.finding import Finding, State, not_checked, wrong
from backend.errors import AtlasError

logger = logging.getLogger(__name__)

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


def run(
    of_project: bool,
    subject: Any,
    before: Iterable[Finding] = (),
    tell: Callable[[Finding], object] = lambda finding: None,
) -> list[Finding]:
    """All checks of one kind on one bench. before: findings of the other kind that these may need; tell: is
    given each as soon as it is made, since some take their time."""
    found = {finding.check: finding for finding in before}
    mine = [each for each in CHECKS.values() if each.of_project == of_project]
    for each in mine:
        finding = what_is_missing(each.needs, found.values()) or made(each, subject)
        found[each.name] = replace(finding, check=each.name)
        tell(found[each.name])
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


def made(each: Check, subject: Any) -> Finding:
    """A check never ends in a traceback: what it did not foresee is told as what it is, with a remedy."""
    again = "run `label-studio-atlas doctor` again"
    try:
        return each.function(subject)
    except AtlasError as error:  # its message says what to do
        return wrong(str(error), f"Do what the message says, then {again}.")
    except RedisError as error:
        return wrong(f"Redis failed meanwhile: {error}", f"See Redis' log, and {again}.")
    except httpx.HTTPError as error:
        return wrong(
            f"no answer meanwhile ({type(error).__name__}: {error})",
            f"See whether the backend and Label Studio still run and are not overloaded, then {again}.",
        )
    except Exception as error:
        logger.debug("the check %r failed", each.name, exc_info=True)
        return wrong(
            f"this check failed itself ({type(error).__name__}: {error})",
            "That is a fault of the doctor: please report it with this line.",
        )


def _register(name: str, needs: tuple[str, ...], *, of_project: bool) -> Callable[[Function], Function]:
    unknown = set(needs) - CHECKS.keys()
    if unknown or name in CHECKS:
        raise ValueError(f"check {name!r}: named twice, or needs later ones: {sorted(unknown)}")

    def register(function: Function) -> Function:
        CHECKS[name] = Check(name, needs, of_project, function)
        return function

    return register
