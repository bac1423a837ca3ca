"""Checks of the webhook by which a project's annotations are heard of."""

from __future__ import annotations

import time

from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, not_checked, note, ok, wrong
from backend.jobs.state import digest
from backend.jobs.webhook_secrets import former_authorizations
from backend.labelstudio.administration import Webhook
from backend.labelstudio.client import UNCERTAINTY_SAMPLING
from backend.labelstudio.connection import TITLE

ARRIVES_WITHIN = 3
"""Seconds; Label Studio sends a webhook before it answers, and gives up after one."""


@project_check("webhook", "connection", "settings")
def webhook(bench: ProjectBench) -> Finding:
    if bench.connection is None:
        return not_checked('"connection" comes first')
    hook = _the_active(bench.webhooks)
    if hook is None:
        return _former_webhook(bench)
    faults = _faults(hook) or _wrong_secret(bench, hook)
    if faults:
        return wrong(f"the one to {hook.url} {faults}", bench.connect_again)
    former = _the_active(bench.former_webhooks)
    if former is not None:
        return note(
            f"beside the one to {hook.url} there is one to {former.url}, of no use", bench.connect_again
        )
    return ok(f"active, to {hook.url}, with a secret of its own")


@project_check("webhook arrives", "connection", "webhook")
def webhook_arrives(bench: ProjectBench) -> Finding:
    """Asks Label Studio for one: a change of nothing makes it send PROJECT_UPDATED."""
    before = bench.contact.last("webhook")
    bench.bench.label_studio.set_sampling(bench.id, bench.sampling or UNCERTAINTY_SAMPLING)
    deadline = time.monotonic() + ARRIVES_WITHIN
    while bench.contact.last("webhook") == before:
        if time.monotonic() > deadline:
            return wrong(
                "Label Studio was made to send one, and it did not arrive",
                "Look for it in Label Studio's log: it waits one second for the backend "
                "(more with its WEBHOOK_TIMEOUT).",
            )
        time.sleep(0.1)
    return ok("Label Studio was made to send one, and it arrived")


def _the_active(hooks: list[Webhook]) -> Webhook | None:
    """The first that is switched on, else the first."""
    return next((hook for hook in hooks if hook.is_active), hooks[0] if hooks else None)


def _faults(hook: Webhook) -> str:
    """In words that go on from its address; "" where there are none."""
    if not hook.is_active:
        return "is switched off"
    return f"lacks {', '.join(sorted(hook.missing_actions))}" if hook.missing_actions else ""


def _wrong_secret(bench: ProjectBench, hook: Webhook) -> str:
    if bench.webhook_digest is None:
        return "has a secret that this backend has lost: anybody may send one in its name"
    carried = hook.headers.get("Authorization", "")
    if digest(carried) == bench.webhook_digest:
        return ""
    return "carries another secret" if carried else "carries no secret"


def _former_webhook(bench: ProjectBench) -> Finding:
    """One that Label Studio made by itself, or that a release before registered: let in as it was then."""
    settings, again = bench.bench.settings, bench.connect_again
    hook = _the_active(bench.former_webhooks)
    if hook is None:
        return wrong("there is none to this backend", again)
    faults = _faults(hook)
    if faults:
        return wrong(f"the one to {hook.url} {faults}", again)
    carried = hook.headers.get("Authorization", "")
    if carried and carried == settings.basic_authorization:
        return wrong(
            f"the one to {hook.url} carries the backend's password, which Label Studio shows its users",
            f"{again} It gives the webhook a secret of its own. Then change BASIC_AUTH_PASS.",
        )
    if carried in former_authorizations(settings) and bench.webhook_digest is None:
        return note(f"the one to {hook.url} carries WEBHOOK_SECRET; it is let in until it is replaced", again)
    if bench.webhook_digest is not None:
        if digest(carried) == bench.webhook_digest:
            return note(f"active, to {hook.url}, as the release before registered it", again)
        return wrong(f"the one to {hook.url} carries {'another' if carried else 'no'} secret", again)
    if former_authorizations(settings):
        return wrong(f"the one to {hook.url} carries {'another' if carried else 'no'} secret", again)
    if bench.connection is not None and bench.connection.title == TITLE:
        return wrong(f"the secret of the one to {hook.url} is lost: anybody may send one in its name", again)
    return ok(f"active, to {hook.url}, with no secret that is asked for: `{bench.connect_command}` makes one")
