"""A wrapped backend's own connection and webhook, made again in Label Studio as they were."""

from __future__ import annotations

from dataclasses import replace

from backend.connecting import Say
from backend.labelstudio.administration import Administration, Webhook
from backend.store.wrapped_access import WrappedAccess


def connect_again(label_studio: Administration, project_id: int, access: WrappedAccess, say: Say) -> None:
    """Raises Rejected where Label Studio cannot reach it; LabelStudioError."""
    more = {"title": "default", "url": access.url, **(access.connection or {})}
    label_studio.save_connection(project_id, more["url"], access.basic_auth, None, more)
    say("wrapped", f'the connection "{more["title"]}" to {more["url"]} is there again')
    if access.webhook is None:
        return
    hook = Webhook(**{**access.webhook, "actions": frozenset(access.webhook["actions"]), "id": None})
    present = [each for each in label_studio.webhooks(project_id) if each.url == hook.url]
    label_studio.save_webhook(project_id, replace(hook, id=present[0].id if present else None))
    say("wrapped", f"the webhook to {hook.url} is there again")
