"""How label-studio-ml 2.x calls a model's class. It is in no package index; this is written from its call
sites: `label_studio_ml/model.py` and `api.py` of HumanSignal/label-studio-ml-backend (Apache 2.0) at d02cedf,
and, in `EarlyBase` and `early_calls`, at ffb0a5b, where 2.x began."""

from __future__ import annotations

import json
from typing import Any

from flask import Flask, Response, jsonify, request

TRAIN_EVENTS = ("ANNOTATION_CREATED", "ANNOTATION_UPDATED", "ANNOTATION_DELETED", "START_TRAINING")


class LabelStudioMLBase:
    """Takes a project's id and its label config, no more. What it knows of a project outlives the object."""

    INITIAL_MODEL_VERSION = "0.0.1"
    CACHE: dict[tuple[str, str], str] = {}  # noqa: RUF012  a table of SQLite's in the original

    def __init__(self, project_id: str | None = None, label_config: str | None = None):
        self.project_id = project_id or ""
        if label_config is not None:
            self.use_label_config(label_config)
        if not self.model_version:
            self.set("model_version", self.INITIAL_MODEL_VERSION)
        self.setup()

    def setup(self) -> None:
        pass

    def use_label_config(self, label_config: str) -> None:
        if self.get("label_config") != label_config:
            self.set("label_config", label_config)

    def set_extra_params(self, extra_params: Any) -> None:
        self.set("extra_params", extra_params)

    def get(self, key: str) -> Any:
        return self.CACHE.get((self.project_id, key))

    def set(self, key: str, value: Any) -> None:
        if not isinstance(value, str):
            raise ValueError("Value must be a string")
        self.CACHE[self.project_id, key] = value

    @property
    def label_config(self) -> Any:
        return self.get("label_config")

    @property
    def model_version(self) -> Any:
        return self.get("model_version")

    def process_event(self, event: str, data: Any, job_id: str, additional_params: dict[str, Any]) -> Any:
        if event in TRAIN_EVENTS:
            return self.fit(event=event, data=data, job_id=job_id, **additional_params)  # type: ignore
        return None


class EarlyBase(LabelStudioMLBase):
    """Is given the label config after it was made."""

    def __init__(self, project_id: str | None = None):
        super().__init__(project_id)


def server(model_class: type, *, early: bool = False) -> Flask:
    """Its routes, as far as they call the class."""
    app = Flask("label_studio_ml_2")

    def made(project_id: str | None, label_config: Any) -> Any:
        model = model_class(project_id)
        model.use_label_config(label_config)
        return model

    @app.post("/predict")
    def predict() -> Response:
        data = request.get_json()
        project = str(data.get("project"))
        project_id = project.split(".", 1)[0] if project else None
        params = data.get("params", {})
        context = params.pop("context", {})
        config = data.get("label_config")
        model = made(project_id, config) if early else model_class(project_id=project_id, label_config=config)
        results = model.predict(data.get("tasks"), context=context, **params)
        return jsonify({"results": [] if results is None else results})

    @app.post("/setup")
    def setup() -> Response:
        data = request.get_json()
        project_id, config = data.get("project").split(".", 1)[0], data.get("schema")
        model = made(project_id, config) if early else model_class(project_id=project_id, label_config=config)
        if data.get("extra_params") and not early:
            model.set_extra_params(data["extra_params"])
        return jsonify({"model_version": model.get("model_version")})

    @app.post("/webhook")
    def webhook() -> tuple[Response, int]:
        data = json.loads(request.get_data())
        event = data.pop("action")
        if event not in TRAIN_EVENTS:
            return jsonify({"status": "Unknown event"}), 200
        project_id, config = str(data["project"]["id"]), data["project"]["label_config"]
        model = made(project_id, config) if early else model_class(project_id, label_config=config)
        return jsonify({"result": model.fit(event, data), "status": "ok"}), 201

    return app
