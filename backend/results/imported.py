"""Predictions of all tasks in Label Studio, under a version of their own beside the loop's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from redis import Redis, RedisError

from backend.errors import AtlasError
from backend.jobs.clearing import Clearing, Pace, TooSlow
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.publishing import prediction
from backend.results.collect import Results

PREFIX = "all-of-"
"""How the names of these versions begin; the number of the loop's own follows. The loop counts as its own
only those that are atlas- and a number (`store.versions.version_number`), so it neither follows nor clears
these. Nor do they hold such a name: Label Studio finds a version's tasks by parts of names."""
AT_ONCE = 20_000
"""Predictions in one call: each call costs Label Studio a look at all tasks, and is sent as one body."""


def import_all(client: LabelStudioClient, results: Results) -> tuple[str, int]:
    """Import the guesses for the tasks that wait for a label; returns the version's name and how many.

    The project goes on ordering by its own version. Raises AtlasError where they are there already, or where
    Label Studio does not keep all of them; then none is left.
    """
    name = PREFIX + results.version.removeprefix("atlas-")
    present = client.version_sizes(results.project).get(name, 0)
    if present:
        raise AtlasError(
            f"Label Studio has {present} predictions of {name} already: remove them first "
            f"(label-studio-atlas predictions --project {results.project} --remove)"
        )
    imported = 0
    for batch in _batches(results, name):
        try:
            kept = client.import_predictions(results.project, batch)
            if kept != len(batch):
                raise AtlasError(f"Label Studio kept {kept} of {len(batch)} predictions")
        except AtlasError as error:
            client.delete_version(results.project, name)
            raise AtlasError(
                f"{error}. Nothing was left behind; where tasks or the label config have changed, try again."
            ) from error
        imported += len(batch)
    return name, imported


def _batches(results: Results, name: str) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in results.rows:
        if row.waits and row.regions:
            sureness = min(float(region["score"]) for region in row.regions)
            batch.append({"task": row.task, **prediction(name, min(max(sureness, 0.0), 1.0), row.regions)})
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def imported_versions(client: LabelStudioClient, project_id: int) -> dict[str, int]:
    """Those that `import_all` made, and how many predictions each has."""
    sizes = client.version_sizes(project_id)
    return {name: size for name, size in sizes.items() if name.startswith(PREFIX)}


def remove_at_once(client: LabelStudioClient, project_id: int) -> int:
    """Each version in one call, which may hold annotators up for minutes; returns how many predictions."""
    present = imported_versions(client, project_id)
    for name in present:
        client.delete_version(project_id, name)
    return sum(present.values())


def remove_in_pieces(
    client: LabelStudioClient, project_id: int, redis: Redis, say: Callable[[int], None]
) -> int:
    """In pieces of half a second, between which others get at the database; returns how many predictions.

    say: called now and then with how many are gone. Raises AtlasError where a piece takes too long: what is
    left stays until it is removed at once.
    """
    deleted = 0
    while present := imported_versions(client, project_id):
        clearing = Clearing(client, project_id, Pace(redis, project_id), lambda: True)
        try:
            clearing.run(present)
        except TooSlow as slow:
            raise AtlasError(
                f"{slow}. {deleted + clearing.deleted} are gone; while nobody labels, remove the rest with "
                "--at-once"
            ) from slow
        except RedisError as error:
            raise AtlasError(
                f"Redis does not answer ({error}), which remembers how long a piece may take: set REDIS_URL "
                "as the backend has it, or use --at-once"
            ) from error
        deleted += clearing.deleted
        say(deleted)
        if not clearing.deleted:  # listed, but nothing of it is there
            break
    return deleted
