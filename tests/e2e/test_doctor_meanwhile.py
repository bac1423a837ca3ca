"""What `doctor` and `connect` find while a retrain publishes; its job is done here, by hand."""

from __future__ import annotations

import backend.doctor.examine  # noqa: F401  (registers the checks)
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.finding import Finding
from backend.jobs.retrain import retrain
from tests.e2e.by_hand import ByHand

model_version = CHECKS["model version"].function


def test_a_version_published_since_the_doctor_read_the_project_is_no_fault(hand: ByHand) -> None:
    project = hand.connected("read before", texts=20)
    retrain(project.id)
    with Bench() as bench:
        patient = ProjectBench(bench, project.id)
        assert patient.project.model_version  # read for an earlier check
        newer = retrain(project.id)["model_version"]
        finding = model_version(patient)
    assert (finding.state.value, finding.found) == ("ok", f"{newer}, the one last published")


def test_a_version_that_is_being_published_is_no_fault(hand: ByHand) -> None:
    """It is noted as published just before Label Studio is told."""
    project = hand.connected("switching", texts=20)
    first = retrain(project.id)["model_version"]
    found: list[Finding] = []

    def look() -> None:
        with Bench() as bench:
            found.append(model_version(ProjectBench(bench, project.id)))

    hand.dispatcher.request_retrain(project.id)  # what a worker would be doing
    with hand.meanwhile("publish", look):
        retrain(project.id)
    assert found[0].state.value == "note"
    assert f"follows {first}" in found[0].found
    hand.drop_jobs()
    hand.patch(project, model_version=first)
    look()
    assert found[1].state.value == "wrong"  # nothing is under way that would mend it
