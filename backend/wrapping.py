"""`connect --wraps`: put this backend between Label Studio and somebody else's, or give that one back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from typing import Any

from backend.connecting import NotConnected, Say
from backend.doctor.bench import Bench, health_at
from backend.errors import WrappedBackendError, WrappedRefuses
from backend.generation.named import GENERATION
from backend.giving_back import connect_again
from backend.jobs.wrapped_state import WrappedState
from backend.labelstudio.administration import Connection, Webhook, former_webhook_url
from backend.labelstudio.connection import TITLE, extra_params_in
from backend.settings import Settings
from backend.store.forwarded import Forwarded
from backend.store.locations import project_files
from backend.store.paths import is_own
from backend.store.wrapped_access import WrappedAccess, forget_access, keep_access, read_access
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.answers import prediction_in
from backend.wrapped.client import WrappedBackend
from backend.wrapped.prediction import WrappedPrediction
from backend.wrapped.target import Target, allowed_url

Credentials = tuple[str, str]
AskCredentials = Callable[[str], Credentials | None]
"""Asks a person for the user and the password of a backend; None where nobody is there to be asked."""
NOTHING_CHANGED = "Nothing was changed"
POLL_SECONDS = 0.5


@dataclass
class Wrapping:
    """What is going to be done to one project. access: of the backend to be wrapped, None where one is given
    back; before: what was kept until now; theirs, hooks: its own connections and webhooks in Label Studio."""

    bench: Bench
    project: int
    access: WrappedAccess | None
    before: WrappedAccess | None
    theirs: Sequence[Connection] = ()
    hooks: Sequence[Webhook] = ()
    wait: float = 120
    """Seconds for an answer that is being waited for where one is given back."""

    @property
    def in_words(self) -> str:
        """What Label Studio will have less, "" for nothing."""
        gone = [f'the connection "{each.title}" to {each.url}' for each in self.theirs]
        gone += [f"the webhook to {each.url}" for each in self.hooks]
        return " and ".join(gone)

    def more(self, mine: Connection | None) -> Mapping[str, Any]:
        """What is to be set of our connection."""
        known = {} if mine is None else extra_params_in(mine.settings.get("extra_params"))
        others = {name: value for name, value in known.items() if name != "wraps"}
        if self.access is None:
            return {"extra_params": others}
        drawing = any(each.settings.get("is_interactive") for each in self.theirs)
        return {"extra_params": {**others, "wraps": self.access.url}} | (
            {"is_interactive": True} if drawing else {}
        )

    def begin(self) -> None:
        """Before the connection is made: workers are to know whom to ask."""
        if self.access is not None:
            keep_access(self._files, self.access)
            self._state.wraps = self.access.url
            WrappedState(self.bench.redis, self.project).asks_anew()

    def undo(self) -> None:
        """The connection could not be made."""
        if self.access is None:
            return
        if self.before is None:
            forget_access(self._files)
        else:
            keep_access(self._files, self.before)
        self._state.wraps = None if self.before is None else self.before.url

    def finish(self, say: Say) -> None:
        """Once our connection stands."""
        if self.access is None:
            self._give_back(say)
            return
        taken = self._take_predictions()
        for hook in self.hooks:
            self.bench.label_studio.delete_webhook(hook)
        for connection in self.theirs:
            self.bench.label_studio.delete_connection(connection)
        if self.in_words:
            say("wrapped", f"{self.in_words} went: `connect --wraps ''` gives them back")
        if taken:
            say("wrapped", f"{taken} of its predictions are taken over")
        say("wrapped", f"{self.access.url} goes on predicting: what annotators see is its answers")
        self.bench.dispatcher.request_wrapped_pull(self.project)

    def _take_predictions(self) -> int:
        """Of its own, that Label Studio has; the newest of each task counts."""
        found = [
            said
            for item in self.bench.label_studio.others_predictions(self.project)
            if (said := prediction_in(item, item["task"], _moment(item.get("created_at")))) is not None
        ]
        store = WrappedPredictions(project_files(self.bench.settings, self.project))
        known = set(store.lacking([each.task for each in found]))
        new = [each for each in found if each.task in known]
        store.add(new)
        if new:
            self._note_version(max(new, key=lambda each: each.made))
        return len(new)

    def _note_version(self, newest: WrappedPrediction) -> None:
        """If it is another by now, all is asked for anew."""
        state = WrappedState(self.bench.redis, self.project)
        if state.version is None:
            state.answered(newest.version, newest.made)

    def _give_back(self, say: Say) -> None:
        before = self.before
        if before is None:
            say("wrapped", "nothing was wrapped by `connect --wraps`, so there is nothing to give back")
            return
        self._stop_asking()
        if before.url != GENERATION:
            connect_again(self.bench.label_studio, self.project, before, say)
        forget_access(self._files)
        self._files.delete(Forwarded.folder)
        WrappedPredictions(self._files).forget()
        self.bench.dispatcher.demand_retrain(self.project)
        leaving = f"`label-studio-atlas disconnect --project {self.project}` takes the project from it"
        say("wrapped", f"this backend predicts by its own models again; {leaving}")

    def _stop_asking(self) -> None:
        """No text and no annotation goes to it from now on, and nothing that it says is kept.

        Raises NotConnected.
        """
        self._state.wraps = None
        deadline = time.monotonic() + self.wait
        while self.bench.dispatcher.withdraw_wrapped(self.project):
            if time.monotonic() > deadline:
                raise NotConnected(
                    "what the project wraps is still being asked about a text, or told of a label: run this "
                    "again once it has answered. It is asked about no other, and told of none"
                )
            time.sleep(POLL_SECONDS)

    @property
    def _files(self) -> Any:
        return project_files(self.bench.settings, self.project)

    @property
    def _state(self) -> Any:
        return self.bench.dispatcher.state(self.project)


def wrapping_of(
    bench: Bench, url: str, project_id: int, wraps: str, ask: AskCredentials, say: Say
) -> Wrapping:
    """What `--wraps` asks for, looked at without changing anything. url: where Label Studio reaches this
    backend; wraps: where workers reach the one to be wrapped, "" to give it back.

    Raises NotConnected, with the one thing to do.
    """
    settings = bench.settings
    if not is_own(settings.data_dir):
        raise NotConnected(
            f"{settings.data_dir} is another user's, who alone may keep a backend's credentials there: run "
            f"`connect --wraps` as that user. {NOTHING_CHANGED}"
        )
    before = read_access(project_files(settings, project_id))
    if not wraps.strip():
        return Wrapping(bench, project_id, None, before)
    try:
        target = allowed_url(wraps, settings.wrapped_backends)
    except ValueError as error:
        raise NotConnected(f"{error}, and here. {NOTHING_CHANGED}") from error
    if health_at(target) is not None:
        raise NotConnected(
            f"at {target} a label-studio-atlas answers, which wraps no other. {NOTHING_CHANGED}"
        )
    theirs = _their_connections(bench.label_studio.connections(project_id), url, target)
    addresses = {former_webhook_url(each.url) for each in theirs} | {former_webhook_url(target)}
    hooks = [each for each in bench.label_studio.webhooks(project_id) if each.url in addresses]
    credentials = _credentials(settings, target, before, ask)
    say("wrapped", f"{target} answers as an ML backend does")
    user, password = credentials or (None, None)
    same = before if before is not None and before.url == target else None
    connection = (
        {**theirs[0].settings, "url": theirs[0].url} if theirs else (same.connection if same else None)
    )
    webhook = _as_json(hooks[0]) if hooks else (same.webhook if same else None)
    since = (same and same.since) or datetime.now(timezone.utc).isoformat()
    access = WrappedAccess(target, user, password, connection, webhook, since)
    return Wrapping(bench, project_id, access, before, theirs, hooks)


def _their_connections(connections: Sequence[Connection], url: str, target: str) -> list[Connection]:
    """That of the backend to be wrapped: by its address, or, as Label Studio may reach it by another name,
    the only one that is not ours."""
    others = [each for each in connections if each.url.rstrip("/") != url and each.title != TITLE]
    same = [each for each in others if each.url.rstrip("/") == target]
    return same or (others if len(others) == 1 else [])


def _credentials(
    settings: Settings, target: str, before: WrappedAccess | None, ask: AskCredentials
) -> Credentials | None:
    """By which it answers: those of the environment, else those that are kept for it, else those that a
    person gives. Raises NotConnected where it does not."""
    given = _given(settings) or (before.basic_auth if before is not None and before.url == target else None)
    try:
        try:
            _check(target, given)
            return given
        except WrappedRefuses:
            typed = ask(target)
            if typed is None:
                raise
            _check(target, typed)
            return typed
    except WrappedRefuses as error:
        raise NotConnected(
            f"{error}: set WRAPPED_AUTH_USER and WRAPPED_AUTH_PASS here to what it wants. {NOTHING_CHANGED}"
        ) from error
    except WrappedBackendError as error:
        raise NotConnected(f"{error}. {error.remedy} {NOTHING_CHANGED}") from error


def _given(settings: Settings) -> Credentials | None:
    if settings.wrapped_auth_user is None:
        return None
    password = settings.wrapped_auth_pass
    return settings.wrapped_auth_user, "" if password is None else password.get_secret_value()


def _check(target: str, credentials: Credentials | None) -> None:
    """Raises WrappedBackendError."""
    with WrappedBackend(Target(target, credentials), "", "") as backend:
        backend.health()


def _as_json(hook: Webhook) -> dict[str, Any]:
    return {**asdict(hook), "headers": dict(hook.headers), "actions": sorted(hook.actions)}


def _moment(created: Any) -> float:
    """Seconds since 1970, of what Label Studio writes; 0 where it cannot be read."""
    try:
        return datetime.fromisoformat(str(created).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return 0.0
