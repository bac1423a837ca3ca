"""`connect --wraps generation`: have the model that the operator named write drafts for one project."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timezone

from backend.connecting import NotConnected, Say
from backend.doctor.bench import Bench
from backend.errors import NotConfigured, WrappedBackendError
from backend.generation.named import GENERATION, NamedModel, named_model
from backend.generation.own import OwnModel
from backend.jobs.foreign import FRONT, generating
from backend.store.wrapped_access import WrappedAccess
from backend.wrapping import NOTHING_CHANGED, Wrapping


@dataclass
class Writing(Wrapping):
    """Nothing of it is Label Studio's, so that nothing there has to go."""

    def finish(self, say: Say) -> None:
        named = named_model(self.bench.settings)
        say("drafts", f"{named.name} writes them, and its answers are judged by annotators'")
        if isinstance(named, OwnModel):
            say("drafts", f"workers run it: no text is sent anywhere, of the first {FRONT} tasks it writes")
        else:
            self._tell_what_leaves(named, say)
        self.bench.dispatcher.request_wrapped_pull(self.project)

    def _tell_what_leaves(self, named: NamedModel, say: Say) -> None:
        settings = self.bench.settings
        say(
            "drafts",
            f"texts are sent to {named.url}: those of the first {FRONT} tasks of the queue, "
            f"{settings.generation_examples} labelled ones as examples, and what the config's headers ask; "
            f"at most {settings.generation_per_day} a day",
        )


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
