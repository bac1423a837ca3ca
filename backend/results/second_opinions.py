"""Which labelled tasks of a project are worth another annotator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from backend.controls.votes import Vote
from backend.jobs.pull import last_votes
from backend.labelstudio.client import LabelStudioClient
from backend.learning.second_opinions import Votes, opinions
from backend.learning.suspects import Floats, judged
from backend.results.files import cell
from backend.results.held_out import Labels, labels_of, page_of
from backend.results.listed import write_list
from backend.settings import Settings
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask

COMPARED = 1_000
"""Tasks without a label, at random, that a labelled one is compared with."""


@dataclass(frozen=True)
class SecondOpinion:
    """votes: what its annotators said, in words; likeliest, p_likeliest: what is likeliest, all told; worth:
    what one more vote is expected to tell, in nats; address: of the task's page in Label Studio."""

    task: int
    text: str
    votes: list[list[str]]
    likeliest: list[str]
    p_likeliest: float
    worth: float
    address: str


@dataclass(frozen=True)
class SecondOpinions:
    """rows: what is worth most first; judged: of how many labelled tasks; above: how many of them are worth
    more than the middle one of the tasks that have no label, None where there is none to compare with."""

    rows: list[SecondOpinion]
    judged: int
    above: int | None


def find_second_opinions(
    settings: Settings, client: LabelStudioClient, project_id: int, most: int
) -> SecondOpinions:
    """Of the control that orders the queue, as the annotations are in Label Studio now: at most so many rows.

    A task that was marked as ground truth, or is open for more annotators already, needs none. Raises as
    `labels_of`.
    """
    labels = labels_of(settings, client, project_id)
    all_votes = last_votes(project_dir(settings.data_dir, project_id), labels.scheme.main.from_name)
    cast = {task: votes for task, votes in all_votes.items() if not any(vote.truth for vote in votes)}
    asked = [task for task in labels.tasks if task.is_labeled and task.id in cast]
    chance = np.random.default_rng(settings.seed)
    waiting = [task for task in labels.tasks if task.waits]
    sample = [waiting[i] for i in np.sort(chance.permutation(len(waiting))[:COMPARED]).tolist()]
    tasks, likely = _likely(settings, labels, [*asked, *sample])
    votes, annotators = _numbered(labels, tasks, cast)
    found = opinions(likely, votes, annotators)
    has = np.zeros(len(tasks), bool)
    has[votes.task] = True
    new = np.array([task.waits for task in tasks], bool)
    above = int((found.worth[has] > np.median(found.worth[new])).sum()) if new.any() else None
    main, order = labels.scheme.main, np.argsort(-np.where(has, found.worth, -1), kind="stable")
    rows = [
        SecondOpinion(
            *(tasks[i].id, tasks[i].text),
            [main.in_words(vote.label) for vote in cast[tasks[i].id]],
            main.in_words(main.classes[int(found.likely[i].argmax())]),
            round(float(found.likely[i].max()), 4),
            round(float(found.worth[i]), 4),
            page_of(settings, project_id, tasks[i].id),
        )
        for i in order[: min(most, int(has.sum()))].tolist()
    ]
    return SecondOpinions(rows, int(has.sum()), above)


def _likely(
    settings: Settings, labels: Labels, tasks: Sequence[StoredTask]
) -> tuple[list[StoredTask], Floats]:
    """Those that have a vector, and what models say that saw no vote on them: [N, C]."""
    vectors = labels.loaded.vectors([task.text for task in tasks])
    known = vectors.of([*tasks])
    held_out, others = judged(
        labels.features,
        labels.targets,
        len(labels.scheme.main.classes),
        vectors.features.numpy(),
        together=labels.together,
        seed=settings.seed,
    )
    own = {labels.tasks[row].id: i for i, row in enumerate(labels.rows)}
    for place, task in enumerate(known):
        if task.id in own:
            others[place] = held_out[own[task.id]]
    return known, others


def _numbered(labels: Labels, tasks: Sequence[StoredTask], cast: dict[int, list[Vote]]) -> tuple[Votes, int]:
    """The votes on the tasks for one of the classes, and how many annotators there are."""
    said = [
        (place, vote.annotator, vote.label)
        for place, task in enumerate(tasks)
        for vote in cast.get(task.id, ())
        if not task.waits
    ]
    main = labels.scheme.main
    classes = main.placed([label for *_, label in said], main.classes)
    number_of = {who: i for i, who in enumerate(dict.fromkeys(who for _, who, _ in said))}
    rows = [(place, number_of[who], c) for (place, who, _), c in zip(said, classes, strict=True) if c >= 0]
    return Votes(*np.array(rows, np.int64).reshape(-1, 3).T), len(number_of)


def write_second_opinions(found: SecondOpinions, path: Path) -> None:
    """path: its ending, .csv or .json, says which. Raises AtlasError where it cannot be written."""
    columns = ["task", "text", "votes", "likeliest", "p_likeliest", "worth", "address"]
    lines = (
        (row.task, row.text, votes, cell(row.likeliest), row.p_likeliest, row.worth, row.address)
        for row in found.rows
        for votes in [" | ".join(map(cell, row.votes))]
    )
    write_list(path, columns, lines, map(asdict, found.rows))
