"""The simulation on what a real Label Studio exports."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from backend.cli import main
from backend.demo.data import load
from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.labelled import load as load_texts


def test_a_projects_json_export_is_replayed(label_studio: LabelStudioServer, tmp_path: Path) -> None:
    http = label_studio.admin.http
    data = load(None, seed=0)
    rows = data.pool[:80]
    project = DemoProject(http, "exported", data.labels, [text for text, _ in data.pool[:90]])
    for number, (task, (_, label)) in enumerate(zip(project.task_ids, data.pool[:85], strict=False)):
        region = {"from_name": "label", "to_name": "text", "type": "choices", "value": {"choices": [label]}}
        # The last five are skipped, which Label Studio exports with their full result.
        body = {"result": [region], "was_cancelled": number >= len(rows)}
        http.post(f"/api/tasks/{task}/annotations/", json=body).raise_for_status()
    answer = http.get(f"/api/projects/{project.id}/export", params={"exportType": "JSON"})
    answer.raise_for_status()
    file = tmp_path / "project.json"
    file.write_bytes(answer.content)

    assert len(json.loads(answer.content)) == 85
    assert sorted(load_texts(file).rows) == sorted(rows)
    arguments = ["--seeds", "1", "--start", "10", "--batch", "10", "--budget", "20", "--processes", "1"]
    result = CliRunner().invoke(main, ["simulate", str(file), *arguments, "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    assert "field text, control label" in (tmp_path / "out" / "report.html").read_text()
