"""Look at one project for what an event did not tell: webhooks without payload say only that something is
new, and requests that anybody can send are not to be believed."""

from __future__ import annotations

from redis import Redis

from backend.errors import LabelConfigError, NotFound
from backend.jobs.asked_again import see_to_it
from backend.jobs.dispatch import CONNECTION, SETTINGS, TASKS, Dispatcher
from backend.jobs.reconcile import RETRAINING, put_right
from backend.jobs.settled import Settled, heed_settings
from backend.jobs.wished import heed
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from backend.store.locations import version_store


def look(project_id: int) -> dict[str, str]:
    """The RQ job. Returns what was done, by what was looked at."""
    settings = Settings()
    done: dict[str, str] = {}
    with Redis.from_url(settings.redis_url) as redis, LabelStudioClient.from_settings(settings) as client:
        dispatcher = Dispatcher(redis, settings)
        wanted = dispatcher.wanted_looks(project_id)
        try:
            project = client.project(project_id, counted=False)
            if CONNECTION in wanted:
                done[CONNECTION] = heed(settings, dispatcher, client, project_id) or "as before"
            if dispatcher.state(project_id).disconnected:
                return done
            if SETTINGS in wanted:
                see_to_it(settings, redis, client, project_id)
                published = version_store(settings, project_id).published
                found = Settled(project.label_config, project.model_version, project.serves_overlap_first)
                done[SETTINGS] = heed_settings(dispatcher, published, project_id, found) or "as before"
            if TASKS in wanted:
                done[TASKS] = put_right(settings, dispatcher, client, project) or "in order"
                if done[TASKS] == RETRAINING:  # which may have read the tasks before they came
                    dispatcher.demand_retrain(project_id)
        except (NotFound, LabelConfigError) as error:
            return {**done, "reason": str(error)}
    return done
