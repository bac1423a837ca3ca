"""Predictions of every kind of part are kept by a real Label Studio as they were sent, and read back as what
they say: what tests/e2e/test_answers.py is for answers about a whole content."""

from __future__ import annotations

from backend.demo.label_studio import LabelStudioServer
from backend.labelstudio.client import LabelStudioClient
from tests.e2e.published import made, publish, submitted
from tests.unit.test_regions import Case, control_of, each_case, sure


@each_case
def test_parts_that_are_predicted_are_kept_as_they_were_sent(
    label_studio: LabelStudioServer, client: LabelStudioClient, case: Case
) -> None:
    http, control = label_studio.admin.http, control_of(case)
    content = control.source.content(case.data)
    project, tasks = made(http, "parts", f"<View>{case.xml}</View>", [case.data] * len(case.answers))
    told = dict(zip(tasks, case.answers, strict=True))
    sent = {task: control.regions_of(said, sure(control, said), content) for task, said in told.items()}
    publish(client, project, sent)
    kept = http.get("/api/predictions/", params={"task__project": project}).json()
    assert {each["task"]: each["result"] for each in kept} == sent
    for task, said in told.items():
        assert control.read(submitted(http, task, sent[task]), content) == said
