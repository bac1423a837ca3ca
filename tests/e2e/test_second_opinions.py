"""A labelled task that is opened for one more annotator, as a real Label Studio serves it."""

from __future__ import annotations

from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from backend.results.second_opinions import ask_again
from tests.e2e.published import VERSION, annotation_of, publish
from tests.e2e.steps import TEXTS, annotate, follow_queue, new_project


def test_somebody_else_gets_it_before_new_tasks_and_finishes_it(
    label_studio: LabelStudioServer, client: LabelStudioClient
) -> None:
    http = label_studio.admin.http
    project = new_project(label_studio, "second opinions", TEXTS[:6])
    *new, labelled = project.task_ids
    annotate(label_studio, labelled, "other")
    said = annotation_of(http, labelled)
    publish(client, project.id, dict.fromkeys(new, said))
    http.patch(f"/api/projects/{project.id}/", json={"model_version": VERSION}).raise_for_status()
    second = label_studio.sign_up("second-opinion").http

    assert ask_again(client, project.id, [labelled]) == [labelled]
    assert not project.is_labeled(labelled)
    assert follow_queue(label_studio, project)["id"] == new[0]  # who labelled it does not get it again
    served = follow_queue(label_studio, project, second)
    assert (served["id"], served["predictions"]) == (labelled, [])
    second.post(f"/api/tasks/{labelled}/annotations/", json={"result": said}).raise_for_status()
    assert project.is_labeled(labelled)
    assert follow_queue(label_studio, project, second)["id"] in new
