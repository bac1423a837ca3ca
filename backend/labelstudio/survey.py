"""A look at a project's tasks in Label Studio: whether what is learned from them can be right."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from backend.controls.reading import text_in
from backend.controls.scheme import LabelScheme
from backend.controls.tags import shortened
from backend.controls.unknown import unknown_answers, unknown_in_words
from backend.labelstudio.client import LabelStudioClient

LOOKED_AT = 1000
"""Tasks, and annotated tasks: a second and a few of Label Studio's time."""


@dataclass(frozen=True)
class Survey:
    """tasks, annotated: how many were looked at; texts, answers: what is wrong with them, None if nothing."""

    tasks: int
    annotated: int
    texts: str | None
    answers: str | None


def survey(client: LabelStudioClient, project_id: int, scheme: LabelScheme) -> Survey:
    """Of the project's first tasks and first annotated tasks. Raises LabelStudioError."""
    tasks = list(islice(client.all_tasks(project_id), LOOKED_AT))
    annotated = list(islice(client.annotated_tasks(project_id), LOOKED_AT))
    counts = Counter(
        answer for task in annotated for answer in unknown_answers(task.get("annotations") or [], scheme)
    )
    texts = [text_in(scheme, task.get("data"))[0] for task in tasks]
    return Survey(len(tasks), len(annotated), alarm(texts, scheme), unknown_in_words(counts))


def doubts(texts: Sequence[str], answers: Counter[str], scheme: LabelScheme) -> list[str]:
    """Why what is learned of a project may be little. texts: of all its tasks; answers: of how many tasks
    each unknown answer is."""
    return [found for found in (alarm(texts, scheme), unknown_in_words(answers)) if found is not None]


def alarm(texts: Sequence[str], scheme: LabelScheme) -> str | None:
    """What is wrong with texts that are all empty, or all equal: no model can tell their tasks apart."""
    distinct = {text.strip() for text in islice(texts, LOOKED_AT)}
    if len(distinct) > 1 or not texts:  # the usual case, without a look at all of them
        return None
    distinct |= {text.strip() for text in texts}
    source = scheme.source
    where = f'<{source.tag} name="{shortened(scheme.main.to_name)}"> shows ({shortened(source.field)})'
    if distinct == {""}:
        return f"all texts that {where} are empty: does the value name a field that the tasks have?"
    if len(distinct) == 1 and len(texts) > 1:
        return f"all texts that {where} are equal, so nothing can be learned from them: {_begin(texts[0])}"
    return None


def _begin(text: str) -> str:
    return f'"{shortened(" ".join(text.split()))}"'
