"""The label-studio-ml contract, for those who run or embed the backend through that package.

Works with both generations of it: 1.0.x of the package index calls `fit((), event=..., data=...)` and
never tells the project, 2.x of its repository calls `fit(event, data)`. The work itself is the same as
behind our own routes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

from backend.jobs.dispatch import Dispatcher
from backend.labelstudio.label_config import parse_label_config
from backend.predicting import Predictor
from backend.settings import Settings


class ActiveTransferModel(LabelStudioMLBase):  # type: ignore[misc]
    """Predicts from the published model; fits by queueing a retrain."""

    def __init__(self, label_config: str | None = None, project_id: str | int | None = None, **kwargs: Any):
        super().__init__(label_config=label_config, project_id=project_id, **kwargs)
        self._config = label_config
        self._project = project_id

    def predict(
        self, tasks: list[dict[str, Any]], context: Any = None, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """One prediction per task, in order; [] where there is nothing to say (no model yet).

        Raises LabelConfigError for a label config with nothing to learn.
        """
        project_id = self._project_id(tasks[0].get("project") if tasks else None)
        if project_id is None:
            return []
        return _predictor().predict(
            project_id, parse_label_config(self._config, Settings().queue_control), tasks
        )

    def fit(self, *args: Any, data: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Queue a retrain of the event's project; returns its job id."""
        if len(args) == 2:
            data = args[1]
        project = data.get("project") if isinstance(data, dict) else None
        project_id = self._project_id(project.get("id") if isinstance(project, dict) else project)
        if project_id is None:
            return {}
        return {"job": Dispatcher.from_settings(Settings()).demand_retrain(project_id)}

    def _project_id(self, told: object) -> int | None:
        number = str(told if told is not None else self._project).split(".")[0]
        return int(number) if number.isdigit() else None


@lru_cache(maxsize=1)
def _predictor() -> Predictor:
    """label-studio-ml makes a new model object per request; the loaded weights outlive it here."""
    return Predictor(Settings())
