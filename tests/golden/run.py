"""A case and a strategy through the loop, and what Label Studio is given."""

from __future__ import annotations

from typing import Any

import torch
from threadpoolctl import threadpool_limits

from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.golden.cases import CASES, LABELED, Case, texts

DIGITS = 6


def run(loop: Loop, case: str, strategy: str) -> dict[str, Any]:
    """The queue and its predictions before any label, and after LABELED of them."""
    loop.set(strategy=strategy, encoder="lsa", torch_threads=1, show_guess_from=0, audit_share=0)
    with threadpool_limits(1):
        torch.set_num_threads(1)
        project = _create(loop, CASES[case])
        cold = _published(loop, project)
        _label(loop, project, CASES[case])
        return {"cold": cold, "trained": _published(loop, project)}


def _create(loop: Loop, case: Case) -> FakeProject:
    data = [case.data(text) for text, _ in texts()]
    return loop.fake.create(data, label_config=f"<View>{case.config}</View>")


def _label(loop: Loop, project: FakeProject, case: Case) -> None:
    """The first tasks, whatever the order: each strategy learns from the same."""
    for task, (_, topics) in list(zip(project.tasks, texts(), strict=True))[:LABELED]:
        loop.fake.annotate(project.id, task, case.answer(topics))


def _published(loop: Loop, project: FakeProject) -> dict[str, Any]:
    """order: tasks by their number in the project; worth: what they were ranked by, if by a number; scores:
    of the predictions, by place; shown: what is ticked, and how sure the model is, by place."""
    done = loop.retrain(project)
    assert done["published"], done
    found = [each for each in project.predictions if each["model_version"] == done["model_version"]]
    found.sort(key=lambda each: each["score"])
    number = {task: i for i, task in enumerate(project.tasks)}
    version = loop.versions(project).load(done["model_version"])
    worth = dict(zip(version.queue_ids.tolist(), version.queue_worth.tolist(), strict=False))
    return {
        "order": [number[each["task"]] for each in found],
        "worth": [_rounded(worth[each["task"]]) for each in found] if worth else None,
        "scores": [_rounded(each["score"]) for each in found],
        "shown": [[_region(region) for region in each["result"]] for each in found],
    }


def _region(region: dict[str, Any]) -> list[Any]:
    (chosen,) = region["value"].values()
    score = region.get("score")
    return [region["from_name"], chosen, None if score is None else _rounded(score)]


def _rounded(value: float) -> float:
    return round(float(value), DIGITS)
