"""`connect --wraps generation`: have the model that the operator named write drafts for one project."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone

from backend.connecting import NotConnected, Say
from backend.doctor.bench import Bench
from backend.errors import NotConfigured, WrappedBackendError
from backend.generation.named import GENERATION, named_model
from backend.jobs.foreign import FRONT, generating
from backend.store.wrapped_access import WrappedAccess
from backend.wrapping import NOTHING_CHANGED, Wrapping


@dataclass
class Writing(Wrapping):
    """Nothing of it is Label Studio's, so that nothing there has to go."""

    def finish(self, say: Say) -> None:
        settings = self.bench.settings
        named = named_model(settings)
        say("drafts", f"{named.name} writes them, and its answers are judged by annotators'")
        say(
            "drafts",
            f"texts are sent to {named.url}: those of the first {FRONT} tasks of the queue, "
            f"{settings.generation_examples} labelled ones as examples, and what the config's headers ask; "
            f"at most {settings.generation_per_day} a day",
        )
        self.bench.dispatcher.request_wrapped_pull(self.project)


def writing_of(bench: Bench, project_id: int, before: WrappedAccess | None) -> Wrapping:
    """Looked at without changing anything. before: what the project wraps until now.

    Raises NotConnected, with the one thing to do.
    """
    if before is not None and before.url != GENERATION:
        raise NotConnected(
            f"the project wraps {before.url}: give that back by `connect --wraps ''` first. {NOTHING_CHANGED}"
        )
    label_config = bench.label_studio.project(project_id).label_config
    try:
        with closing(generating(bench.settings, bench.redis, project_id, label_config)) as model:
            model.health()
    except NotConfigured as error:
        raise NotConnected(f"{error}. {NOTHING_CHANGED}") from error
    except WrappedBackendError as error:
        raise NotConnected(f"{error}. {error.remedy} {NOTHING_CHANGED}") from error
    since = datetime.now(timezone.utc).isoformat()
    return Writing(bench, project_id, WrappedAccess(GENERATION, since=since), before)
