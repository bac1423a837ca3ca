"""Connect a project of Label Studio's to this backend, and prove that every road is open."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from backend.addresses import address_of_backend
from backend.controls.any_config import lacking_in, parse_config
from backend.controls.scheme import LabelScheme
from backend.controls.weights import unknown_weights
from backend.doctor.bench import Bench, classes_in_words
from backend.doctor.finding import State
from backend.errors import AtlasError, DamagedFile, LabelStudioError, NotFound, Unreachable
from backend.jobs.state import digest
from backend.jobs.status import job_status
from backend.jobs.webhook_secrets import WebhookSecrets
from backend.labelstudio.administration import (
    Administration,
    Connection,
    Webhook,
    former_webhook_url,
    webhook_url,
)
from backend.labelstudio.connection import TITLE
from backend.labelstudio.project import Project
from backend.labelstudio.refusals import explain
from backend.labelstudio.suggestions import others_version, said_of
from backend.labelstudio.survey import survey
from backend.settings import Settings
from backend.store.found_before import PATH, FoundBefore, keep_found
from backend.store.locations import project_files, version_store
from backend.store.model_version import version_number
from backend.store.paths import is_own

POLL_SECONDS = 0.5
T = TypeVar("T")


class Say(Protocol):
    """Tells one thing that was done: what it was done to, what, and whether that is bad news (NOTE)."""

    def __call__(self, what: str, done: str, state: State = State.OK, /) -> None: ...


class NotConnected(AtlasError):
    """Label Studio refused; nothing of ours was left behind."""


def connect(
    bench: Bench,
    url: str,
    project_id: int,
    say: Say,
    more: Callable[[Connection | None], Mapping[str, Any]] = lambda mine: {},
    going: Sequence[Connection] = (),
) -> bool:
    """Set everything up that a person can set up, in an order that leaves no half of it working.

    url: where Label Studio reaches this backend. Doing it again changes only what is not as it should be.
    more: tells of the connection there is what else is to be set of it, see `Administration.save_connection`;
    going: others that are removed afterwards.
    Returns whether a retrain was asked for.
    Raises NotConnected, with the one thing to do; LabelConfigError; LabelStudioError.
    """
    url = backend_address(url)
    _refuse_another(bench, url)
    label_studio, settings = bench.label_studio, bench.settings
    project = _project(label_studio, project_id)
    wraps = bench.dispatcher.state(project_id).wraps is not None
    scheme = parse_config(project.label_config, settings.queue_controls, wraps=wraps)
    if (unknown := unknown_weights(scheme, settings.weights)) is not None:
        raise NotConnected(f"{unknown}. Correct it here and where the backend runs. Nothing was changed")
    _tell_of(project, scheme, bench, say)
    _keep_found(label_studio, settings, project_id, url)
    secret, new_webhook = _set_webhook(bench, project_id, url, say)
    try:
        _set_connection(label_studio, settings, project_id, url, say, more)
    except AtlasError:
        if new_webhook is not None:
            label_studio.delete_webhook(new_webhook)
            say("webhook", "removed again", State.NOTE)
        raise
    _tell_of_others(label_studio.connections(project_id), url, going, say)
    WebhookSecrets(bench.redis, settings).remember(project_id, digest(secret))
    _remove_former_webhooks(label_studio, project_id, url, say)
    label_studio.set_sampling(project_id)
    say("sampling", "Uncertainty sampling: Label Studio follows the order of predictions")
    return _set_version(bench, project_id, project.model_version, say)


def _tell_of(project: Project, scheme: LabelScheme, bench: Bench, say: Say) -> None:
    """What is to be learned of the project, what is not, and what may surprise in what it has."""
    label_studio, settings = bench.label_studio, bench.settings
    say("project", f"{project.task_count} tasks; to be learned: {classes_in_words(scheme)}")
    for lacking in lacking_in(scheme, project.label_config, settings.queue_controls):
        say("not learned", lacking, State.NOTE)
    found = survey(label_studio, project.id, scheme)
    for subject, doubt in (("texts", found.texts), ("annotations", found.answers)):
        if doubt is not None:
            say(subject, doubt, State.NOTE)
    theirs = others_version(label_studio, project)
    if theirs is not None and version_store(settings, project.id).published() is None:
        say("suggestions", f"tasks have another model's: {said_of(theirs)}; the order is ours", State.NOTE)


def _keep_found(label_studio: Administration, settings: Settings, project_id: int, url: str) -> None:
    """How the project was, for `disconnect`: once, and not where a release before has connected it."""
    files, present = project_files(settings, project_id), label_studio.connections(project_id)
    made_by_us = any(each.title == TITLE for each in present)
    if made_by_us or not is_own(settings.data_dir) or files.size_here(PATH) is not None:
        return
    sampling, version, prelabels = label_studio.found(project_id)
    version = "" if version_number(version) else version
    keep_found(files, FoundBefore(sampling, version, prelabels, tuple(each.id for each in present)))


def _project(label_studio: Administration, project_id: int) -> Project:
    try:
        return label_studio.project(project_id)
    except NotFound as error:
        raise NotConnected(
            f"Label Studio has no project {project_id}, or hides it from this user: "
            "the number is in the address of the project's page"
        ) from error


def backend_address(url: str) -> str:
    """Without a slash at its end. Raises NotConnected for what is no address, saying what is one."""
    try:
        return address_of_backend(url)
    except ValueError as error:
        raise NotConnected(str(error)) from error


def _refuse_another(bench: Bench, url: str) -> None:
    """Raises NotConnected where another backend answers than the one these settings are of."""
    if bench.is_another(url):
        raise NotConnected(
            f"at {url} another label-studio-atlas answers, with another Redis; the one of this shell's "
            f"settings is at {bench.backend_url}: run `connect` with its address, or set HOST, PORT, "
            "DATA_DIR and REDIS_URL here as the other one has them. Nothing was changed"
        )


def wait_for_order(bench: Bench, project_id: int, seconds: float, *, renewed: bool = False) -> str | None:
    """The model version the project follows, once it is the one last published here.

    renewed: not the present one while a retrain is under way, which may fail, or publish another.
    None if that does not come in time, or cannot: no task waits for a label, or the retrain failed.
    """
    versions = version_store(bench.settings, project_id)
    before = versions.published() if renewed else None
    deadline = time.monotonic() + seconds
    while True:
        under_way = bench.dispatcher.is_retraining(project_id)  # first: what it publishes is read then
        project, published = bench.label_studio.project(project_id), versions.published()
        failed = _failure(bench, project_id) is not None
        may_change = renewed and published == before and (under_way or failed)
        if published is not None and project.model_version == published and not may_change:
            return published
        hopeless = project.is_finished or failed
        if hopeless or time.monotonic() > deadline:
            return None
        time.sleep(POLL_SECONDS)


def _set_webhook(bench: Bench, project_id: int, url: str, say: Say) -> tuple[str, Webhook | None]:
    """The project's own webhook, in addition to those that are there: until the connection stands they count.

    Returns the Authorization header that it carries, and the webhook if it is new.
    """
    label_studio = bench.label_studio
    all_present = label_studio.webhooks(project_id)
    secret = _own_secret(all_present, _known_digest(bench, project_id))
    wanted = Webhook(webhook_url(url, project_id), {"Authorization": secret})
    present = [hook for hook in all_present if hook.url == wanted.url]
    for double in present[1:]:
        label_studio.delete_webhook(double)
    if present and replace(present[0], id=None) == wanted:
        say("webhook", f"found as it should be, to {wanted.url}, with a secret of its own")
        return secret, None
    wanted = replace(wanted, id=present[0].id if present else None)
    saved = _explained(lambda: label_studio.save_webhook(project_id, wanted), wanted.url)
    done = "corrected" if present else "registered"
    say("webhook", f"{done}, to {wanted.url}, with a secret of its own")
    return secret, None if present else saved


def _known_digest(bench: Bench, project_id: int) -> str | None:
    try:
        return WebhookSecrets(bench.redis, bench.settings).digest(project_id)
    except DamagedFile:  # it is written anew
        return None


def _own_secret(present: Sequence[Webhook], known: str | None) -> str:
    """As an Authorization header: the one a webhook has, if this backend knows it, or a new one."""
    carried = [hook.headers.get("Authorization", "") for hook in present]
    mine = (header for header in carried if digest(header) == known)
    return next(mine, f"Bearer {secrets.token_urlsafe(24)}")


def _remove_former_webhooks(label_studio: Administration, project_id: int, url: str, say: Say) -> None:
    """Those that Label Studio makes by itself with a connection, and that releases before registered."""
    for hook in label_studio.webhooks(project_id):
        if hook.url == former_webhook_url(url):
            label_studio.delete_webhook(hook)
            say("webhook", f"removed the one to {hook.url}, which this one replaces")


def _set_connection(
    label_studio: Administration,
    settings: Settings,
    project_id: int,
    url: str,
    say: Say,
    more: Callable[[Connection | None], Mapping[str, Any]],
) -> Connection:
    present = label_studio.connections(project_id)
    mine = next((each for each in present if each.url.rstrip("/") == url), None)
    known = None if mine is None else mine.id
    auth, wanted = settings.basic_auth, more(mine)
    saved = _explained(lambda: label_studio.save_connection(project_id, url, auth, known, wanted), url)
    how = "with basic auth" if settings.basic_auth else "without basic auth (BASIC_AUTH_USER is not set)"
    say("connection", f"{'made' if mine is None else 'updated'}, to {url}, {how}")
    return saved


def _tell_of_others(present: Sequence[Connection], url: str, going: Sequence[Connection], say: Say) -> None:
    """Of what stays connected beside ours."""
    gone = {each.id for each in going}
    for other in present:
        if other.url.rstrip("/") != url and other.id not in gone:
            remedy = "remove it under Settings > Model if unused"
            say("connection", f"there is another, to {other.url}; {remedy}", State.NOTE)


def _set_version(bench: Bench, project_id: int, current: str | None, say: Say) -> bool:
    """Have the version last published put in order, or a new one made, by whoever does that: then True."""
    published = version_store(bench.settings, project_id).published()
    aside = bench.dispatcher.state(project_id).aside
    if aside is not None or _failure(bench, project_id) is not None:
        bench.dispatcher.insist_on_retrain(project_id)
        say("model version", "a new order is tried once more")
        return True
    if published is None:
        bench.dispatcher.request_retrain(project_id)
        say("model version", "a new order is being made")
        return True
    if current != published:
        bench.dispatcher.request_refill(project_id)
        say("model version", f"{published}, the one last published, is to replace {current or 'none'}")
    return False


def _failure(bench: Bench, project_id: int) -> str | None:
    """Why the last retrain failed, unless it is tried again just now."""
    job: dict[str, Any] = job_status(bench.redis, f"retrain-{project_id}") or {}
    return job.get("error") if job.get("status") in ("failed", "scheduled") else None


def _explained(act: Callable[[], T], url: str) -> T:
    """Raises NotConnected, saying what to do, where Label Studio refuses to call `url`."""
    try:
        return act()
    except Unreachable:  # that is Label Studio itself
        raise
    except LabelStudioError as error:
        found, remedy = explain(str(error))
        raise NotConnected(f"{url}: {found}. {remedy}") from error
