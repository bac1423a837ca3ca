"""Take a project of Label Studio's from this backend, and leave it as `connect` found it."""

from __future__ import annotations

import time
from collections.abc import Iterable

from backend.connecting import NotConnected, Say, backend_address
from backend.doctor.finding import State
from backend.errors import NotFound, Rejected
from backend.giving_back import connect_again
from backend.jobs import heeding
from backend.jobs.dispatch import Dispatcher
from backend.jobs.project_tabs import TITLES, forget_tabs
from backend.jobs.state import digest
from backend.jobs.webhook_secrets import WebhookSecrets
from backend.labelstudio.administration import Administration, Connection, former_webhook_url, webhook_url
from backend.labelstudio.connection import TITLE
from backend.settings import Settings
from backend.store.forwarded import Forwarded
from backend.store.found_before import FoundBefore, forget_found, read_found
from backend.store.locations import project_files
from backend.store.model_version import version_number
from backend.store.opened_again import forget_opened, read_opened
from backend.store.wrapped_access import forget_access, read_access

DEFAULTS = FoundBefore("Sequential sampling", "", prelabels=True)
"""Label Studio's own, of a project that a release before this connected."""
TABS = frozenset({heeding.TAB, *TITLES})
"""Titles of the Data Manager's tabs that are ours."""
POLL_SECONDS = 0.5


class Disconnecting:
    """Of one project. wait: seconds for a job of the project that runs."""

    def __init__(
        self,
        settings: Settings,
        dispatcher: Dispatcher,
        label_studio: Administration,
        project_id: int,
        say: Say,
        wait: float = 120,
    ):
        self._settings = settings
        self._dispatcher = dispatcher
        self._label_studio = label_studio
        self._id = project_id
        self._say = say
        self._wait = wait
        self._files = project_files(settings, project_id)

    def run(self, url: str | None, *, delete_predictions: bool) -> None:
        """url: where Label Studio reaches this backend; None for whatever connections `connect` made.

        Annotations are never touched, and what is kept here stays: connecting again goes on from it. Doing
        it again changes only what is left over, be it predictions that stayed the first time.
        Raises NotConnected, with the one thing to do; LabelStudioError.
        """
        kept = read_found(self._files)
        found = kept or DEFAULTS
        ours = self._ours(url, found)
        if kept is None and not ours and read_access(self._files) is None:
            if delete_predictions and self._left_over():
                return
            raise NotConnected(
                f"project {self._id} is not connected to this backend: nothing was changed. Where its "
                "connection was made by hand, name the address that it leads to"
            )
        forget_tabs(self._files)
        self._remove_roads(ours, found)
        self._stop()
        self._give_back()
        if delete_predictions:
            self._delete_predictions(self._versions())
        for tab in self._label_studio.tabs(self._id):
            if tab.title in TABS:
                self._label_studio.delete_tab(tab)
                self._say("tab", f"removed “{tab.title}”")
        self._restore(found, is_known=kept is not None)
        self._close_again()
        forget_found(self._files)

    def _ours(self, url: str | None, found: FoundBefore) -> list[Connection]:
        present = self._connections()
        if url is not None:
            address = backend_address(url)
            return [each for each in present if each.url.rstrip("/") == address]
        return [each for each in present if each.title == TITLE]

    def _connections(self) -> list[Connection]:
        try:
            return self._label_studio.connections(self._id)
        except NotFound as error:
            raise NotConnected(
                f"Label Studio has no project {self._id}, or hides it from this user: nothing was changed"
            ) from error

    def _remove_roads(self, ours: Iterable[Connection], found: FoundBefore) -> None:
        addresses = set()
        for each in ours:
            addresses |= {webhook_url(each.url, self._id), former_webhook_url(each.url)}
            if each.id in found.connections:
                self._say("connection", f"to {each.url} stays: it was there before `connect`", State.NOTE)
            else:
                self._label_studio.delete_connection(each)
                self._say("connection", f"removed, to {each.url}")
        secret = WebhookSecrets(self._dispatcher.redis, self._settings).digest(self._id)
        for hook in self._label_studio.webhooks(self._id):
            carried = hook.headers.get("Authorization", "")
            if hook.url in addresses or (secret is not None and digest(carried) == secret):
                self._label_studio.delete_webhook(hook)
                self._say("webhook", f"removed, to {hook.url}")
        WebhookSecrets(self._dispatcher.redis, self._settings).forget(self._id)

    def _stop(self) -> None:
        """Nothing more is published: what waits is taken back, what runs is waited for."""
        state = self._dispatcher.state(self._id)
        state.disconnected, state.wraps = True, None
        deadline = time.monotonic() + self._wait
        while self._dispatcher.withdraw(self._id):
            if time.monotonic() > deadline:
                raise NotConnected(
                    "a job of the project still runs, and may publish, or waits for a wrapped backend: "
                    "run `disconnect` again once it has ended. The connection is removed already"
                )
            time.sleep(POLL_SECONDS)

    def _give_back(self) -> None:
        """Whom `connect --wraps` replaced has its place again, and is told of annotations by Label Studio: a
        later `connect --wraps` counts those as told. A model that writes is not asked before that command."""
        access = read_access(self._files)
        if access is None:
            return
        if access.connection is not None:
            try:
                connect_again(self._label_studio, self._id, access, self._say)
            except Rejected as error:
                raise NotConnected(
                    f"Label Studio cannot connect {access.url} again, which this project wrapped: {error} "
                    "Start it and run `disconnect` again. Our own connection is removed already"
                ) from error
            self._files.delete(Forwarded.folder)
        forget_access(self._files)

    def _left_over(self) -> bool:
        """Delete what a `disconnect` before left of our predictions; returns whether there was any.

        Nothing goes while the project follows one of our versions: then somebody's backend works on it.
        """
        found, versions = self._label_studio.found(self._id), self._versions()
        if not versions or version_number(found[1]):
            return False
        self._delete_predictions(versions)
        self._label_studio.restore(self._id, *found)
        return True

    def _versions(self) -> list[str]:
        """Ours that Label Studio holds predictions of."""
        return [name for name in self._label_studio.version_sizes(self._id) if version_number(name)]

    def _delete_predictions(self, versions: list[str]) -> None:
        for name in versions:
            self._label_studio.delete_version(self._id, name)
        self._say("predictions", f"deleted, of {len(versions)} versions of ours")

    def _close_again(self) -> None:
        """Tasks that we opened for one annotator more need no more of them than before, unless somebody has
        set their overlap since."""
        opened = read_opened(self._files)
        if opened is None:
            return
        closed = 0
        for task in self._label_studio.tasks_by_id(self._id, opened.overlap):
            before, now = opened.overlap[task["id"]]
            if task["overlap"] == now:
                is_labeled = task["total_annotations"] >= before
                self._label_studio.close_again(task["id"], overlap=before, is_labeled=is_labeled)
                closed += 1
        self._label_studio.serve_overlap_first(self._id, opened.served_first)
        forget_opened(self._files)
        self._say("overlap", f"of {closed} tasks as it was before they were opened again")

    def _restore(self, found: FoundBefore, *, is_known: bool) -> None:
        version = found.model_version
        try:
            self._label_studio.restore(self._id, found.sampling, version, found.prelabels)
        except Rejected:  # nobody has predictions of that version any more
            self._say("model version", f"{version} is gone; the project has none now", State.NOTE)
            self._label_studio.restore(self._id, found.sampling, "", found.prelabels)
            version = ""
        how = "as `connect` found it" if is_known else "Label Studio's own: what it was before is not known"
        shows = "on" if found.prelabels else "off"
        self._say("sampling", f"{found.sampling}, {how}")
        self._say("model version", f"{version or 'none'}, prelabelling {shows}")
