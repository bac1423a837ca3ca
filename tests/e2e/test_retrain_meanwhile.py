"""What happens in the middle of a retrain; its job is done here, by hand, on a real Label Studio."""

from __future__ import annotations

import threading

import pytest

from backend.demo.project import label_config
from backend.errors import LabelStudioError, LostLock, Unavailable
from backend.jobs.pinning import pin
from backend.jobs.reconcile import reconcile
from backend.jobs.refill import refill
from backend.jobs.retrain import retrain
from backend.labelstudio.client import LabelStudioClient
from backend.settings import Settings
from tests.e2e.by_hand import HEAD, ByHand
from tests.e2e.steps import follow_queue


def fail() -> None:
    raise LabelStudioError("Label Studio answered 502")


def test_a_head_used_up_while_its_retrain_took_its_time_is_refilled_at_once(hand: ByHand) -> None:
    project = hand.connected("slow")
    with hand.meanwhile("import_predictions", lambda: hand.state(project).note_changes(HEAD)):
        retrain(project.id)
    assert f"refill-{project.id}" in hand.waiting()


def test_a_pin_made_while_a_retrain_publishes_stands(hand: ByHand) -> None:
    project = hand.connected("pin")
    first = retrain(project.id)["model_version"]
    client = LabelStudioClient.from_settings(Settings())
    person = threading.Thread(target=pin, args=(Settings(), client, project.id, first))

    def pin_it() -> None:
        person.start()
        person.join(2)  # done by now, if nothing makes it wait

    with hand.meanwhile("import_predictions", pin_it):
        retrain(project.id)
    person.join()
    client.close()
    assert (hand.versions(project).published(), hand.versions(project).pinned()) == (first, True)
    assert project.model_version() == first


@pytest.mark.parametrize("call", ["wishes", "import_predictions"])
def test_a_retrain_that_has_lost_its_project_publishes_nothing(hand: ByHand, call: str) -> None:
    """As when its machine stood still before, or in, the import: another worker has the project by then."""
    project = hand.connected(f"lost at {call}")
    first = retrain(project.id)["model_version"]
    lock = f"atlas:lock:{project.id}"
    with (
        hand.meanwhile(call, lambda: hand.dispatcher.redis.set(lock, "another's", ex=600)),
        pytest.raises(LostLock),
    ):
        retrain(project.id)
    assert (project.model_version(), hand.versions(project).published()) == (first, first)
    sizes = hand.http.get(f"/api/projects/{project.id}/model-versions/").json()
    assert (list(sizes) == [first]) == (call == "wishes")  # else it was imported, and not switched to


def test_label_studio_orders_by_the_version_before_until_the_next_is_whole(hand: ByHand) -> None:
    project = hand.connected("whole")
    first = retrain(project.id)
    told = []

    def look() -> None:
        sizes = hand.http.get(f"/api/projects/{project.id}/model-versions/").json()
        told.append((project.model_version(), sizes))

    with hand.meanwhile("import_predictions", look), hand.meanwhile("publish", look):
        second = retrain(project.id)
    old, new = first["model_version"], second["model_version"]
    assert told == [(old, {old: first["head"]}), (old, {old: first["head"], new: second["head"]})]
    assert project.model_version() == new


def test_a_publication_that_fails_is_made_up_for(hand: ByHand) -> None:
    project = hand.connected("fails", sampling="Sequential sampling")
    keep = Settings().keep_versions
    for _ in range(keep + 2):
        with hand.meanwhile("publish", fail), pytest.raises(LabelStudioError):
            retrain(project.id)
    assert len(hand.versions(project).names()) <= keep + 1
    refill(project.id)
    assert hand.project(project)["sampling"] == "Uncertainty sampling"
    assert project.model_version() == hand.versions(project).published()


def test_a_version_that_was_saved_but_not_published_is_noticed(hand: ByHand) -> None:
    project = hand.connected("unpublished")
    first = retrain(project.id)["model_version"]
    with hand.meanwhile("import_predictions", fail), pytest.raises(LabelStudioError):
        retrain(project.id)
    hand.drop_jobs()
    assert reconcile()[str(project.id)] == "the newest version was never published"
    assert hand.retrains() == {f"retrain-{project.id}"}
    assert project.model_version() == first


def test_classes_renamed_while_their_retrain_publishes(hand: ByHand) -> None:
    project = hand.connected("renamed")
    retrain(project.id)
    renamed = label_config(["emergency", "other"])
    with hand.meanwhile("import_predictions", lambda: hand.patch(project, label_config=renamed)):
        done = retrain(project.id)
    assert (done["published"], done["labels"]) == (True, {"other": 2})
    served = follow_queue(hand.server, project)
    assert [item["model_version"] for item in served["predictions"]] == [done["model_version"]]
    assert hand.retrains() == {f"retrain-{project.id}"}  # the event: one more, in case it was not seen


def test_a_project_deleted_while_its_retrain_publishes(hand: ByHand) -> None:
    project = hand.connected("deleted meanwhile")

    def delete() -> None:
        hand.http.delete(f"/api/projects/{project.id}/").raise_for_status()

    # To this call Label Studio answers with a web page, which proves nothing; the next try is told.
    with hand.meanwhile("import_predictions", delete), pytest.raises(Unavailable):
        retrain(project.id)
    assert "no such project" in retrain(project.id)["reason"]
    assert "No Project matches" in refill(project.id)["reason"]
