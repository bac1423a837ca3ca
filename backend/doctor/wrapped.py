"""The check of somebody else's ML backend that a project wraps: which side is at fault, and what to do."""

from __future__ import annotations

from itertools import islice

from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, note, ok, wrong
from backend.doctor.generation import model_that_writes, refused_elsewhere
from backend.errors import NotConfigured, WrappedBackendError
from backend.generation.named import GENERATION
from backend.jobs.wrapped_head import UNFIT
from backend.jobs.wrapped_state import WrappedState
from backend.store.wrapped_access import target_of
from backend.wrapped.answers import Answer
from backend.wrapped.client import WrappedBackend

SECONDS = 15.0
"""For each of its answers."""
MEANWHILE = "Meanwhile annotators keep the order and what is kept of its predictions."


@project_check("wrapped backend", "project", "Redis", "model store")
def wrapped_backend(bench: ProjectBench) -> Finding:
    """Asks it for its health and its version, and, where the project has a task, for one prediction.
    Of a model that writes drafts see `model_that_writes`."""
    dispatcher = bench.bench.dispatcher
    wraps = dispatcher.state(bench.id).wraps
    if wraps is None:
        return ok("the project wraps no other ML backend")
    if wraps == GENERATION:
        return model_that_writes(bench)
    state = WrappedState(dispatcher.redis, bench.id)
    try:
        target = target_of(bench.bench.settings, bench.id, wraps)
        with WrappedBackend(target, state.project, bench.project.label_config) as backend:
            version, answer = _asked(bench, backend)
    except NotConfigured as error:
        return wrong(str(error), "Set WRAPPED_BACKENDS where the backend runs, and start it anew.")
    except WrappedBackendError as error:
        return wrong(f"what this project wraps is at fault, not this backend: {error}", _told(error.remedy))
    return refused_elsewhere(state) or _said_of_it(wraps, version, answer, state)


def _said_of_it(wraps: str, version: str | None, answer: Answer | None, state: WrappedState) -> Finding:
    """Of one that has just answered. answer: of a task, None where the project has none."""
    progress = state.progress
    known = f"; {progress.in_words()}" if progress else ""
    named = f"version {version}" if version else "it names no version"
    problems = "; ".join(answer.problems) if answer else ""
    if state.problems == UNFIT:
        problems = UNFIT
    if problems:
        return note(
            f"{wraps} answers, {named}{known}. What is at fault is its answers, not this backend: {problems}",
            "Compare its predict() with the project's label config; what can be read is shown.",
        )
    if state.unheard is not None:
        return note(
            f"{wraps} answers, {named}{known}; but {state.unheard}",
            "Look into its own log: what it fails at it may not learn from. The order goes on without that.",
        )
    failure = state.failure
    if failure is not None:
        return note(f"{wraps} answers now, {named}{known}; {failure.times} times before: {failure.said}")
    return ok(f"{wraps} answers, {named}{known}")


def _asked(bench: ProjectBench, backend: WrappedBackend) -> tuple[str | None, Answer | None]:
    """Its version, and what it says of a task. Raises WrappedBackendError."""
    settings = bench.bench.settings
    backend.health()
    version = backend.setup(hostname=settings.label_studio_host or settings.label_studio_url, seconds=SECONDS)
    first = next(islice(bench.bench.label_studio.all_tasks(bench.id), 1), None)
    if first is None:
        return version, None
    return version, backend.predict([{**first, "annotations": [], "predictions": []}], seconds=SECONDS)


def _told(remedy: str) -> str:
    return f"{remedy} {MEANWHILE}"
