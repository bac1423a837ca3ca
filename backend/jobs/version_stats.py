"""What a version tells of itself beside what it says of tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from backend.jobs.estimating import Estimated
from backend.jobs.forecasting import asked_of, forecast_told
from backend.jobs.learners.base import Learned
from backend.jobs.material import Material
from backend.jobs.orders import Orders
from backend.jobs.shifting import in_words
from backend.labelstudio.suggestions import said_of
from backend.labelstudio.survey import doubts
from backend.settings import Settings
from backend.store.tasks import fingerprint


@dataclass(frozen=True)
class VersionStats:
    """Of one version. main: what the control that orders the queue learned; estimated: how right that is on
    what waits, None where nothing is learned or drawn at random; before: the stats of the version before."""

    settings: Settings
    strategy: str
    material: Material
    main: Learned
    orders: Orders
    estimated: Estimated | None
    before: Mapping[str, Any]

    def told(self, notes: Sequence[str], shift: Mapping[str, Any], theirs: str | None) -> dict[str, Any]:
        """notes: on the target domain; shift: of `shift_told`; theirs: the version whose suggestions are
        shown until there is a model of ours, None for none."""
        trained, orders = self.main.is_trained, self.orders.each
        return {
            **self._of_the_tasks(),
            "trained_on": self.main.taught.own if trained else 0,
            "labels": self.main.labels(),
            "strategy": self.strategy,
            "settings": settings_told(self.settings),
            "suggestions": theirs,
            "notes": self._notes(notes, shift, theirs),
            **shift,
            **self.main.how_well(orders[0].scene),
            **self._estimate(),
            **({} if len(orders) == 1 else {"controls": {each.name: each.told() for each in orders}}),
        }

    def _estimate(self) -> dict[str, Any]:
        estimated, settings = self.estimated or Estimated(), self.settings
        told = {"estimate": estimated.told(settings.audit_share)}
        if not (self.main.is_forecast and (settings.audit_share or estimated.audited)):
            return told
        labels, asked = self.main.taught.own, asked_of(self.main.control)
        goal, tasks = settings.goal_accuracy, len(self.material.every)
        return {**told, "forecast": forecast_told(goal, labels, estimated, self.before, asked, tasks)}

    def _of_the_tasks(self) -> dict[str, Any]:
        every, behind, later = self.material.every, self.material.behind, self.material.later
        return {
            "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
            "fingerprint": fingerprint(every),
            "tasks": len(every),
            "newest_task": every[-1].id,
            "waiting": len(self.material.waiting) + len(behind) + len(later),
            "copies": len(behind),
        }

    def _notes(self, notes: Sequence[str], shift: Mapping[str, Any], theirs: str | None) -> list[str]:
        every = self.material.every
        unknown = Counter(answer for task in every for answer in task.unknown)
        kind = shift["new_kind"]
        return [
            *self.material.pool.notes,
            *notes,
            *self.orders.one.ranking.notes,
            *doubts([task.text for task in every], unknown, self.material.scheme),
            *([] if theirs is None else [said_of(theirs)]),
            *([] if kind is None else [in_words(kind)]),
        ]


def settings_told(settings: Settings) -> dict[str, Any]:
    """Of those that a version depends on, what it tells."""
    told = settings.model_dump(include={"folds", "seed", "device", "queue_head", "rank_on"})
    if told["rank_on"] == "frozen":  # versions of releases before, which knew no other, tell nothing of it
        del told["rank_on"]
    return told
