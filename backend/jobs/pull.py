"""Bring the local copy of a project's tasks up to date with Label Studio."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from backend.controls.reading import unreadable_in_words
from backend.controls.scheme import LabelScheme
from backend.controls.votes import Vote, consensus
from backend.errors import DamagedFile
from backend.jobs.read_task import read_task
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.project import Project
from backend.store.paths import exclusive
from backend.store.tasks import StoredTask, TaskStore

logger = logging.getLogger(__name__)

OVERLAP = timedelta(seconds=10)
"""How far each pull reaches back behind the last: a transaction may commit after a later one did."""
BATCH = 1000
"""Tasks written in one transaction."""
FILE = "tasks.sqlite"
FIELDS = "fields"
Read = Callable[[dict[str, Any]], StoredTask]


def pull(
    client: LabelStudioClient,
    project: Project,
    scheme: LabelScheme,
    directory: Path,
    fields: Collection[str] | None = None,
    seconds: float = math.inf,
) -> list[StoredTask]:
    """Every task of the project, by id, with its present text and target; the copy in `directory` too.

    fields: of the tasks' data, to be kept, too; None for those that are kept already. seconds: after which
    the very first pull leaves it at what it has read, annotated tasks among it; the next one begins anew.
    The first pull, and the first after a change of what is learned or of the overlap, or that asks for more
    fields, reads everything; later ones read what changed since, and compare ids only when the number of
    tasks tells that some were deleted. Two at a time would read the same twice, and could undo each other's
    writing: the second waits. A damaged copy is thrown away: Label Studio has all of it. A task that cannot
    be read counts as empty, and is named in the log once.
    """
    with exclusive(directory, "pull"):
        try:
            return _pull(client, project, scheme, directory, fields, seconds)
        except DamagedFile as damage:
            logger.warning("%s; all tasks are read anew", damage)
            TaskStore.forget(directory / FILE)
            return _pull(client, project, scheme, directory, fields, seconds)


def _pull(
    client: LabelStudioClient,
    project: Project,
    scheme: LabelScheme,
    directory: Path,
    fields: Collection[str] | None,
    seconds: float,
) -> list[StoredTask]:
    with TaskStore(directory / FILE) as store:
        wanted, known = repr((scheme, project.overlap)), store.problems()
        kept = (store.get_meta(FIELDS) or "").split()
        fields = kept if fields is None else sorted(fields)
        read = partial(read_task, scheme=scheme, fields=fields)
        fits = store.get_meta("pulled_for") == wanted and set(fields) <= set(kept)
        since = store.get_meta("updated_at") if fits else None
        latest = _read_changes(client, project, read, store, since) if since else None
        if latest is None:
            latest = _read_all(client, project, read, store, math.inf if store.count() else seconds)
        _settle(scheme, store)
        if latest is not None:
            store.set_meta("updated_at", latest)
            store.set_meta("pulled_for", wanted)
            store.set_meta(FIELDS, " ".join(fields))
        store.commit()
        new = {i: reason for i, reason in store.problems().items() if known.get(i) != reason}
        if new:
            logger.warning("%s", unreadable_in_words(new))
        return store.tasks()


def unreadable_tasks(directory: Path) -> dict[int, str]:
    """By task, why the last pull could not read it; without asking Label Studio."""
    if not (directory / FILE).exists():
        return {}
    try:
        with TaskStore(directory / FILE) as store:
            return store.problems()
    except DamagedFile as damage:
        logger.warning("%s", damage)
        return {}


def values_of_tasks(directory: Path) -> list[tuple[int, str]]:
    """By task, its content as the last pull left it: a text, or an image's address."""
    return [(task.id, task.text) for task in last_pulled(directory)] if (directory / FILE).exists() else []


def last_pulled(directory: Path) -> list[StoredTask]:
    """The tasks as the last pull left them, by id, without asking Label Studio.

    [] where there was no pull yet, and where the copy is damaged: the next pull reads all tasks anew.
    """
    try:
        with TaskStore(directory / FILE) as store:
            return store.tasks()
    except DamagedFile as damage:
        logger.warning("%s", damage)
        return []


def last_votes(directory: Path, control: str) -> dict[int, list[Vote]]:
    """By task, what its annotators said of one control, as the last pull left it."""
    with TaskStore(directory / FILE) as store:
        return store.votes().get(control, {})


def _read_changes(
    client: LabelStudioClient, project: Project, read: Read, store: TaskStore, since: str
) -> str | None:
    """Returns the newest change; None where tasks stay missing, so that only reading all of them helps."""
    # All is read before the first is written, so that nobody waits for Label Studio to read or write here.
    changed = list(client.tasks_changed_since(project.id, _earlier(since)))
    latest = {task["id"]: task for task in changed}
    store.upsert(read(task) for task in _completed(client, project, latest.values()))
    if store.count() != project.task_count:
        store.commit()
        # More here than there: deleted. Fewer: imported in this second, or hidden by equal time stamps.
        present = client.task_ids(project.id)
        store.delete(store.ids() - present)
        if present - store.ids():
            return None
    return max([since, *(task["updated_at"] for task in changed)])


def _read_all(
    client: LabelStudioClient, project: Project, read: Read, store: TaskStore, seconds: float
) -> str | None:
    """Page by page, each in a transaction of its own. Returns the newest change before the first was read:
    what changes meanwhile is read again next time. None where that took so many seconds and some are left."""
    until = time.monotonic() + seconds
    newest = client.newest_change(project.id)
    annotated = {task["id"]: read(task) for task in client.annotated_tasks(project.id)}
    present: set[int] = set()
    for page in _batches(client.all_tasks(project.id)):
        known = [annotated[task["id"]] for task in page if task["id"] in annotated]
        rest = _completed(client, project, (task for task in page if task["id"] not in annotated))
        found = [*known, *(read(task) for task in rest)]
        store.upsert(found)
        store.commit()
        present.update(task.id for task in found)
        if time.monotonic() >= until and len(present) < project.task_count:
            store.upsert(task for task in annotated.values() if task.id not in present)
            return None
    store.delete(store.ids() - present)
    return newest


def _completed(
    client: LabelStudioClient, project: Project, tasks: Iterable[dict[str, Any]]
) -> list[dict[str, Any]]:
    """The same tasks, with the annotations of those that were read without any and have some: annotated, or
    passed over, while the annotated ones were read."""
    read = {task["id"]: task for task in tasks}
    lacking = {i for i, task in read.items() if "annotations" not in task and _is_annotated(task)}
    if not lacking:
        return list(read.values())
    found = {task["id"]: task for task in client.tasks_by_id(project.id, lacking)}
    gone = lacking - found.keys()
    return [found.get(i, task) for i, task in read.items() if i not in gone]


def _is_annotated(task: dict[str, Any]) -> bool:
    """What is finished without a skip must be, too, whatever it is counted to have."""
    finished = task["is_labeled"] and not task["cancelled_annotations"]
    return task["total_annotations"] > 0 or bool(finished)


def _batches(tasks: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    rest = iter(tasks)
    while page := list(islice(rest, BATCH)):
        yield page


def _settle(scheme: LabelScheme, store: TaskStore) -> None:
    """Turn all annotators' votes into targets: each vote may change what its annotator's others weigh."""
    cast = store.votes()
    given = {name: (vote.label for each in votes.values() for vote in each) for name, votes in cast.items()}
    named = {control.from_name: control for control in scheme.with_classes(given).controls}
    targets = {
        name: consensus(votes, named[name].agreement, named[name].settled)
        for name, votes in cast.items()
        if name in named
    }
    others: dict[int, dict[str, str]] = {}
    for companion in scheme.companions:
        for task_id, target in targets.get(companion.from_name, {}).items():
            labels = others.setdefault(task_id, {})
            if target is not None:
                labels[companion.from_name] = target
    store.settle(targets.get(scheme.main.from_name, {}), others)


def _earlier(when: str) -> str:
    """Label Studio's filter wants milliseconds and a Z."""
    moment = datetime.fromisoformat(when.replace("Z", "+00:00")) - OVERLAP
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")
