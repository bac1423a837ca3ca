"""Simulated annotators: they ask Label Studio for their next task, look its label up, and submit it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from backend.demo.label_studio import User
from backend.demo.project import DemoProject, Prediction


@dataclass(frozen=True)
class Served:
    """One task Label Studio handed out, and what the best one would have been at that moment.

    `score` is None when the task had no prediction of the published version: a random one. `lowest` is
    the lowest score among the predictions of that version, read from Label Studio, for tasks that were
    unlabelled and that no other annotator held.
    """

    task: int
    annotator: str
    model_version: str
    score: float | None
    lowest: float | None


class Team:
    """Annotators who work at the same time: each holds a task while the others submit theirs."""

    def __init__(self, project: DemoProject, members: list[User], pool: Sequence[tuple[str, str]]):
        """pool: of each task what stands in it, and the right answer."""
        self._project = project
        self._members = {member.email: member for member in members}
        self._holding: deque[tuple[str, int]] = deque()  # who asked first submits first
        self._content_of = {task: item for task, (item, _) in zip(project.task_ids, pool, strict=True)}
        self._answer_of = {task: answer for task, (_, answer) in zip(project.task_ids, pool, strict=True)}

    def work(self) -> Iterator[tuple[Served, str]]:
        """Label on and on: each time what was served, and the label that was submitted for it.

        Ends when Label Studio has nothing left to serve.
        """
        served: dict[int, Served] = {}
        while True:
            for name in self._members:
                if name not in {holder for holder, _ in self._holding}:
                    moment = self._ask(name)
                    if moment is not None:
                        served[moment.task] = moment
            if not self._holding:
                return
            name, task = self._holding.popleft()
            self._submit(name, task)
            yield served.pop(task), self._answer_of[task]

    def _ask(self, name: str) -> Served | None:
        before = self._project.model_version()
        answer = self._members[name].http.get(f"/api/projects/{self._project.id}/next")
        if answer.status_code == 404:
            return None
        answer.raise_for_status()
        task = answer.json()["id"]
        after = self._project.model_version()
        moment = self._compare(name, task, after)
        if before != after and moment.score != moment.lowest:
            # A new version came out while Label Studio chose: it chose by the one before.
            moment = self._compare(name, task, before)
        self._holding.append((name, task))
        return moment

    def _compare(self, name: str, task: int, version: str) -> Served:
        """What was served beside the best there was, by Label Studio's own predictions of a version."""
        predictions = self._project.predictions(version)
        score = next((item.score for item in predictions if item.task == task), None)
        return Served(task, name, version, score, self._lowest(predictions))

    def _lowest(self, predictions: list[Prediction]) -> float | None:
        """The first, from the lowest score up, that is unlabelled and not in another's hands."""
        held = {task for _, task in self._holding}
        for item in predictions:
            if item.task not in held and not self._project.is_labeled(item.task):
                return item.score
        return None

    def _submit(self, name: str, task: int) -> None:
        project, answer = self._project, self._answer_of[task]
        result = project.asked.regions(project.objects.name, answer, self._content_of[task])
        body = {"result": result, "lead_time": 1.0}
        self._members[name].http.post(f"/api/tasks/{task}/annotations/", json=body).raise_for_status()
