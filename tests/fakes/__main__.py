"""The fake Label Studio as a process of its own: python -m tests.fakes PORT

Beside Label Studio's API it has two calls to set it up, which answer as quickly as a load needs.
"""

from __future__ import annotations

import sys

from flask import Flask, Response, jsonify, request

from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.server import make


def add_setting_up(app: Flask, state: FakeLabelStudio) -> None:
    @app.post("/fake/projects/<int:project_id>")
    def create(project_id: int) -> Response:
        """A project of the texts in the body; answers with the tasks' ids."""
        return jsonify(list(state.create(request.get_json(), project_id).tasks))

    @app.post("/fake/projects/<int:project_id>/tasks/<int:task_id>")
    def annotate(project_id: int, task_id: int) -> Response:
        """One annotation with the choice in the body, in place of any before; answers with its webhook."""
        for before in state.projects[project_id].annotations.of(task_id):
            state.projects[project_id].annotations.remove(before["id"])
        return jsonify(state.annotate(project_id, task_id, request.get_json()))


def main(port: int) -> None:
    state = FakeLabelStudio()
    server = make(lambda: state, port)
    add_setting_up(server.app, state)  # type: ignore[arg-type]
    server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
