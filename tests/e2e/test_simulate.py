"""The simulation on what a real Label Studio exports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


SEVERAL = (
    '<View><Text name="t" value="$body"/>'
    '<Choices name="topics" toName="t" choice="multiple"><Choice value="a"/><Choice value="b"/></Choices>'
    '<Taxonomy name="kind" toName="t"><Choice value="animal"><Choice value="cat"/></Choice>'
    '<Choice value="plant"/></Taxonomy></View>'
)


def test_exports_of_several_choices_and_taxonomies_are_read_in_every_form(
    label_studio: LabelStudioServer, tmp_path: Path
) -> None:
    http = label_studio.admin.http
    project = http.post("/api/projects", json={"title": "several", "label_config": SEVERAL}).json()["id"]
    tasks = [{"data": {"body": f"text {number}"}} for number in range(8)]
    made = http.post(f"/api/projects/{project}/import?return_task_ids=true", json=tasks).json()["task_ids"]
    topics, paths = (["a"], ["a", "b"]), (["animal", "cat"], ["plant"])
    for number, task in enumerate(made):
        result = [
            region("topics", "choices", topics[number % 2]),
            region("kind", "taxonomy", [paths[number % 2]]),
        ]
        http.post(f"/api/tasks/{task}/annotations/", json={"result": result}).raise_for_status()
    expected = {
        "topics": [("a", "a + b")[number % 2] for number in range(8)],
        "kind": [("animal > cat", "plant")[number % 2] for number in range(8)],
    }
    for form, name in (("JSON", "p.json"), ("JSON_MIN", "min.json"), ("CSV", "p.csv"), ("TSV", "p.tsv")):
        answer = http.get(f"/api/projects/{project}/export", params={"exportType": form})
        answer.raise_for_status()
        (tmp_path / name).write_bytes(answer.content)
        for control, labels in expected.items():
            options = {} if form == "JSON" else {"text_field": "body"}
            texts = load_texts(tmp_path / name, control=control, **options)
            found = dict(texts.rows)
            assert [found[f"text {number}"] for number in range(8)] == labels, (form, control)


def region(control: str, kind: str, value: list[Any]) -> dict[str, Any]:
    return {"from_name": control, "to_name": "t", "type": kind, "value": {kind: value}}
