"""The fake Label Studio's Data Manager: tabs, as far as this backend makes them."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import NotFound

from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.project import FakeProject


def add_tabs(app: Blueprint, state: FakeLabelStudio) -> None:
    @app.get("/api/dm/views/")
    def tabs() -> Response:
        return jsonify(list(state.projects[int(request.args["project"])].tabs.values()))

    @app.post("/api/dm/views/")
    def create() -> tuple[Response, int]:
        body = request.get_json(force=True)
        with state.lock:
            number = 1 + max((tab for project in state.projects.values() for tab in project.tabs), default=0)
            made = {"id": number, "project": body["project"], "data": body["data"]}
            state.projects[body["project"]].tabs[number] = made
        return jsonify(made), 201

    @app.patch("/api/dm/views/<int:tab>/")
    def change(tab: int) -> Response:
        changed = _holding(state, tab).tabs[tab]
        changed["data"] = request.get_json(force=True)["data"]
        return jsonify(changed)

    @app.delete("/api/dm/views/<int:tab>/")
    def delete(tab: int) -> tuple[str, int]:
        del _holding(state, tab).tabs[tab]
        return "", 204


def _holding(state: FakeLabelStudio, tab: int) -> FakeProject:
    for project in state.projects.values():
        if tab in project.tabs:
            return project
    raise NotFound("No View matches the given query.")
