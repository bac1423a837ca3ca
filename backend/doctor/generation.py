"""What doctor says of a model that writes drafts for a project: whether it is there, and what it has cost."""

from __future__ import annotations

from backend.doctor.bench import ProjectBench
from backend.doctor.finding import Finding, note, ok, wrong
from backend.errors import NotConfigured, WrappedBackendError
from backend.generation.named import GENERATION, named_model
from backend.generation.own import OwnModel
from backend.jobs.foreign import foreign
from backend.jobs.generation_day import GenerationDay
from backend.jobs.wrapped_state import WrappedState

MEANWHILE = "Meanwhile the order goes on, and what it wrote stays."


def model_that_writes(bench: ProjectBench) -> Finding:
    """Asks it whether it is there; nothing is written for it."""
    settings, redis = bench.bench.settings, bench.bench.dispatcher.redis
    state, day = WrappedState(redis, bench.id), GenerationDay(redis, settings.generation_per_day)
    try:
        named = named_model(settings)
        given = bench.id, GENERATION, bench.project.label_config, state.project
        with foreign(settings, redis, *given) as model:
            model.health()
    except NotConfigured as error:
        return wrong(str(error), f"Mend that where the backend runs, and start it anew. {MEANWHILE}")
    except WrappedBackendError as error:
        return wrong(
            f"the model that writes drafts is at fault, not this backend: {error}",
            f"{error.remedy} {MEANWHILE}",
        )
    if (elsewhere := refused_elsewhere(state)) is not None:
        return elsewhere
    if isinstance(named, OwnModel):
        return _with_failures(f"{named.name} writes drafts, run by workers; no text is sent anywhere", state)
    told = f"{named.name} writes drafts; texts are sent to {named.url}; {day.taken} of {day.most} texts today"
    if day.taken >= day.most:
        return note(
            f"{told}: that is today's bound, the others follow from 00:00 UTC on",
            f"Raise GENERATION_PER_DAY, where that is too few. {MEANWHILE}",
        )
    return _with_failures(told, state)


def _with_failures(told: str, state: WrappedState) -> Finding:
    if state.failure is not None:
        return note(f"{told}. {state.failure.times} times before: {state.failure.said}", state.failure.remedy)
    return ok(told)


def refused_elsewhere(state: WrappedState) -> Finding | None:
    """What a worker, which may run with other settings than this command, may not ask; None where it may."""
    if state.refused is None:
        return None
    return wrong(
        f"the backend runs with other settings than this command: {state.refused}",
        "Set it for the backend, too, start that anew, and run `connect --wraps` once more.",
    )
