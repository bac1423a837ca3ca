"""The label-studio-ml contract, for those who run or embed the backend through that package.

Works with both generations of it: 1.0.x of the package index makes `model(label_config=...)`, calls
`fit((), event=..., data=...)` and never tells the project; 2.x of its repository makes
`model(project_id, label_config=...)` and calls `fit(event, data)`. The work itself is the same as behind
our own routes.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import Any

from label_studio_ml.model import LabelStudioMLBase

from backend.controls.config import parse_label_config
from backend.errors import UnknownStrategy
from backend.generation.named import wrapped_place
from backend.jobs.dispatch import Dispatcher
from backend.labelstudio.connection import strategy_in, wraps_in
from backend.passing_through import PassingThrough
from backend.predicting import Predictor
from backend.sampling import check_name
from backend.settings import Settings


class ActiveTransferModel(LabelStudioMLBase):  # type: ignore[misc]
    """Predicts from the published model; fits by queueing a retrain."""

    def __init__(self, project_id: str | int | None = None, label_config: str | None = None, **kwargs: Any):
        # First: 2.x asks for the version while it is being made.
        self._project = project_id
        self._config = label_config
        given = {"project_id": project_id, "label_config": label_config, **kwargs}
        super().__init__(**_taken_by(super().__init__, given))

    def use_label_config(self, label_config: str) -> None:
        """How the first releases of 2.x give the label config."""
        self._config = label_config
        super().use_label_config(label_config)

    @property
    def model_version(self) -> str | None:
        """The published version; None where the project has none yet, or is not known."""
        project_id = _number(self._project)
        return None if project_id is None else _predictor().version_of(project_id)

    def get(self, key: str) -> Any:
        """What 2.x keeps of a project; the version, which its /setup tells, is ours."""
        return self.model_version if key == "model_version" else super().get(key)

    def set_extra_params(self, extra_params: Any) -> None:
        """Those of the connection, which are followed as Label Studio has them: here they are only checked.

        Raises UnknownStrategy.
        """
        strategy, wraps = strategy_in(extra_params), wraps_in(extra_params)
        try:
            if strategy is not None:
                check_name(strategy)
            if wraps is not None:
                wrapped_place(wraps, Settings(), knows_who_asks=False)
        except ValueError as error:
            raise UnknownStrategy(f"extra params: {error}") from error

    def predict(self, tasks: list[dict[str, Any]], context: Any = None, **kwargs: Any) -> list[Any]:
        """One prediction per task, in order; [] where there is nothing to say (no model yet). Of a project
        that wraps another ML backend, that one's answers.

        Raises LabelConfigError for a label config with nothing to learn.
        """
        project_id = _number(tasks[0].get("project") if tasks else None) or _number(self._project)
        if project_id is None:
            return []
        settings, passing = Settings(), _passing()
        standing = passing.standing(project_id)
        if standing is not None:
            named = str(self._project if self._project is not None else project_id)
            params = {"context": context or None}  # 2.x has {} for none
            body = {"tasks": tasks, "project": named, "label_config": self._config, "params": params}
            kept, until = passing.kept(project_id, body), monotonic() + settings.wrapped_timeout
            return passing.results(project_id, standing, body, kept, until)
        scheme = parse_label_config(self._config, settings.queue_controls)
        return _predictor().predict(project_id, scheme, tasks)

    def fit(self, *args: Any, data: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Queue a retrain of the event's project, or of the tasks'; returns its job id.

        Called as `fit(event, data)`, `fit(event=..., data=...)`, `fit((), event=..., data=...)` or, by the
        oldest Label Studios, `fit(tasks, workdir)`.
        """
        if len(args) == 2 and isinstance(args[0], str):
            data = args[1]
        if isinstance(data, dict):
            project = data.get("project")
            named = project.get("id") if isinstance(project, dict) else project
        else:
            named = _project_of(args[0] if args else ())
        project_id = _number(named) or _number(self._project)
        if project_id is None:
            return {}
        dispatcher = Dispatcher.from_settings(Settings())
        if dispatcher.state(project_id).wraps is not None:
            dispatcher.request_forwarding(project_id)
        return {"job": dispatcher.demand_retrain(project_id)}


def _taken_by(function: Callable[..., object], given: dict[str, Any]) -> dict[str, Any]:
    """The arguments that the function has a name for, or all where it takes any."""
    names = inspect.signature(function).parameters
    takes_any = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in names.values())
    return {name: value for name, value in given.items() if takes_any or name in names}


def _project_of(tasks: Any) -> Any:
    """That of the first of them; None where there is none."""
    first = None if isinstance(tasks, str) else next(iter(tasks), None)
    return first.get("project") if isinstance(first, dict) else None


def _number(project: object) -> int | None:
    """A project's id as Label Studio writes it, "5" or "5.1795472207" or 5; None for anything else."""
    number = str(project).split(".")[0]
    return int(number) if number.isascii() and number.isdigit() and len(number) <= 18 else None


@lru_cache(maxsize=1)
def _predictor() -> Predictor:
    """label-studio-ml makes a new model object per request; the loaded weights outlive it here."""
    return Predictor(Settings())


@lru_cache(maxsize=1)
def _passing() -> PassingThrough:
    """To the ML backends that projects wrap, over connections that are kept. label-studio-ml's own server
    lets in whom it likes, whatever BASIC_AUTH_USER says."""
    settings = Settings()
    return PassingThrough(settings, Dispatcher.from_settings(settings), _predictor(), knows_who_asks=False)
