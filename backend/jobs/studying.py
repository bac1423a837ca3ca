"""The job that finds out for a project's page what would take too long there: it stands behind all others."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from datetime import datetime, timezone
from typing import Any

from backend.controls.any_config import parse_any_config
from backend.controls.regions import RegionControl
from backend.errors import AtlasError, LabelConfigError, LabelStudioError, NotFound
from backend.jobs.job_settings import job_settings
from backend.jobs.people import people_told
from backend.jobs.project_tabs import refresh_tabs
from backend.jobs.pull import FILE, pull
from backend.jobs.rare_finds import classes_in, rare_finds
from backend.jobs.sayers import with_sayers
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.users import Users
from backend.settings import Settings
from backend.store.judged_labels import JudgedLabels
from backend.store.label_record import LabelRecord
from backend.store.locations import project_files, version_store
from backend.store.paths import project_dir
from backend.store.study import read_study, write_study
from backend.store.tasks import TaskStore

MOST_SUSPECTS = 100
MOST_OPINIONS = 20
GROWTH = 1.1
"""So many times the labels of the last look for suspicious ones there must be for another."""


def study(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns of how many labels, or why nothing was found out."""
    settings = job_settings()
    with LabelStudioClient.from_settings(settings) as client:
        try:
            found = _studied(settings, client, project_id)
        except (NotFound, LabelConfigError) as error:
            return {"reason": str(error)}
        write_study(project_files(settings, project_id), found)
        refresh_tabs(settings, client, project_id, found)
    return {"labels": found["labels"]}


def _studied(settings: Settings, client: LabelStudioClient, project_id: int) -> dict[str, Any]:
    project = client.project(project_id, counted=False)
    scheme = parse_any_config(project.label_config, settings.queue_controls)
    directory = project_dir(settings.data_dir, project_id)
    tasks = pull(client, project, scheme, directory)
    with TaskStore(directory / FILE) as store:
        cast = store.votes()
    votes = cast.get(scheme.main.from_name, {})
    annotators = {vote.annotator for of in cast.values() for given in of.values() for vote in given}
    finished = {task.id for task in tasks if task.is_labeled}
    files = project_files(settings, project_id)
    JudgedLabels(files, directory).answered(finished)
    texts = {task.id: task.text for task in tasks if len(votes.get(task.id, ())) > 1}
    names = version_store(settings, project_id).names()
    found_in = {task.id: classes_in(scheme.main, task.target) for task in tasks if task.target is not None}
    labels = len(found_in)
    of_parts = isinstance(scheme.main, RegionControl)
    lists = {
        **_suspects(settings, client, project_id, labels, of_parts),
        **_opinions(settings, client, project_id, sum(map(len, votes.values()))),
    }
    return {
        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "labels": labels,
        "version": names[-1] if names else None,
        "title": project.title,
        "people": people_told(scheme.main, votes, texts),
        "names": _names(settings, annotators),
        "finds": rare_finds(found_in, LabelRecord(files).read()),
        **with_sayers(scheme.main, lists, votes),
    }


def _names(settings: Settings, annotators: AbstractSet[str]) -> dict[str, str]:
    """By annotator, of these alone: who may look at this project need not know whoever else is in Label
    Studio. {} where that does not tell our user."""
    try:
        with Users.from_settings(settings) as users:
            return {who: name for number, name in users.names().items() if (who := str(number)) in annotators}
    except LabelStudioError:
        return {}


def _suspects(
    settings: Settings, client: LabelStudioClient, project_id: int, labels: int, of_parts: bool
) -> dict[str, Any]:
    """As the last look has them while there are hardly more labels; of parts, which a version has found, as
    the labels are now."""
    from backend.results.suspects import find_suspects

    before = {} if of_parts else read_study(project_files(settings, project_id))
    if "by_lot" in before and before["suspects_of"] <= labels < GROWTH * before["suspects_of"]:
        kept = ("suspects", "suspects_of", "judged", "contradicted", "by_lot")
        return {name: before[name] for name in kept}
    try:
        found = find_suspects(settings, client, project_id, MOST_SUSPECTS)
    except AtlasError as error:
        return {"refused": str(error)}
    return {
        "suspects": [{**vars(row), "text": row.text[:300]} for row in found.rows],
        "suspects_of": labels,
        "judged": found.judged,
        "contradicted": found.contradicted,
        "by_lot": found.by_lot,
    }


def _opinions(settings: Settings, client: LabelStudioClient, project_id: int, votes: int) -> dict[str, Any]:
    """As the last look has them while there are no more votes."""
    from backend.results.second_opinions import find_second_opinions

    before = read_study(project_files(settings, project_id))
    if "opinions_in_all" in before and before["opinions_of"] == votes:
        return {name: before[name] for name in ("opinions", "opinions_of", "opinions_in_all")}
    try:
        found = find_second_opinions(settings, client, project_id, 10 * MOST_OPINIONS)
    except AtlasError as error:
        return {"opinions_refused": str(error)}
    unsettled = [row for row in found.rows if any(vote != row.likeliest for vote in row.votes)]
    above = {row.task for row in found.rows[: found.above or 0]}  # the rows are by falling worth
    rows = [
        {**vars(row), "text": row.text[:300], "above": row.task in above} for row in unsettled[:MOST_OPINIONS]
    ]
    return {"opinions": rows, "opinions_of": votes, "opinions_in_all": len(unsettled)}
