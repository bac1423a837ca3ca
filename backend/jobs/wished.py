"""What a project's connections ask for, taken over: from Label Studio, whatever brought us to look."""

from __future__ import annotations

import logging

from redis import Redis

from backend.jobs.contact import Contact
from backend.jobs.dispatch import Dispatcher
from backend.jobs.state import ProjectState, digest
from backend.jobs.webhook_secrets import WebhookSecrets
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.connection import TITLE, Wishes
from backend.sampling import check_name
from backend.settings import Settings

logger = logging.getLogger(__name__)

PROVEN_FOR = 3600
"""Seconds after a /setup for which nobody has to ask Label Studio whether its connection leads here. While
somebody has a page of the project open, who could change the connection, there are newer ones."""


def heed(
    settings: Settings, dispatcher: Dispatcher, client: LabelStudioClient, project_id: int
) -> str | None:
    """Take over what the project's connections say; returns why there is nothing more to look at."""
    state = dispatcher.state(project_id)
    wishes = client.wishes(project_id)
    if not _leads_here(dispatcher.redis, client, project_id, wishes):
        state.disconnected = True
        if not wishes.connected:  # connected again by hand, Label Studio makes a webhook without one
            WebhookSecrets(dispatcher.redis, settings).forget(project_id)
        return "no connection to this backend"
    state.disconnected = False
    _forget_a_secret_of_before(settings, dispatcher, client, project_id, wishes)
    what = take_over(state, wishes)
    if what is None:
        return None
    dispatcher.demand_retrain(project_id)
    return f"{what} asked for"


def take_over(state: ProjectState, wishes: Wishes) -> str | None:
    """Keep them as the project's; returns what else of the order is asked for than before, in words."""
    state.held_by_label_studio = not wishes.updates
    if not wishes.connected:
        return None
    state.strategy_is_disputed = wishes.disputed
    strategy = known_strategy(wishes.strategy)
    is_other, is_weighed_otherwise = state.strategy != strategy, state.weights != wishes.weights
    wraps_another = state.wraps != wishes.wraps
    state.strategy, state.weights, state.wraps = strategy, wishes.weights, wishes.wraps
    if wraps_another:
        WrappedState(state.redis, state.id).asks_anew()
        return "another ML backend to be wrapped, or none, is"
    if is_other:
        return "another strategy is"
    return "other weights of the controls are" if is_weighed_otherwise else None


def known_strategy(strategy: str | None) -> str | None:
    """None for one that does not exist: /setup has refused it, with the reason."""
    try:
        return None if strategy is None else check_name(strategy)
    except ValueError as error:
        logger.warning("extra params: %s", error)
        return None


def _leads_here(redis: Redis, client: LabelStudioClient, project_id: int, wishes: Wishes) -> bool:
    """Whether a connection does, as far as can be told; Label Studio is made to try only where it must be."""
    state, contact = ProjectState(redis, project_id), Contact(redis, project_id)
    before = contact.last("setup")
    is_proven = not state.disconnected and state.proven_connections == wishes.addresses
    if is_proven and redis.time()[0] - before < PROVEN_FOR:
        return True
    leads = wishes.connected
    if leads and client.all_backends_answer(project_id):
        leads = contact.last("setup") != before  # else they are others
    state.proven_connections = wishes.addresses if leads else None
    return leads


def _forget_a_secret_of_before(
    settings: Settings, dispatcher: Dispatcher, client: LabelStudioClient, project_id: int, wishes: Wishes
) -> None:
    """The connection was made again by hand meanwhile, and no webhook has the secret that `connect` gave."""
    secrets = WebhookSecrets(dispatcher.redis, settings)
    known = None if TITLE in wishes.titles else secrets.digest(project_id)
    if known is not None and known not in map(digest, client.webhook_authorizations(project_id)):
        secrets.forget(project_id)
