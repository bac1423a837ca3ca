"""What happens before and between jobs; each done here, by hand, on a real Label Studio."""

from __future__ import annotations

import os
import time

from backend.jobs import housekeeping, state
from backend.jobs.housekeeping import clear_old_versions
from backend.jobs.kinds import CLEAR
from backend.jobs.reconcile import reconcile
from backend.jobs.refill import refill
from backend.jobs.retrain import retrain
from backend.jobs.state import digest
from backend.settings import Settings
from backend.store.paths import project_dir
from tests.e2e.by_hand import HEAD, ByHand
from tests.e2e.steps import TEXTS, annotate, follow_queue, scores, tasks_of


def skip(hand: ByHand, task: int) -> None:
    annotate(hand.server, task, "other", was_cancelled=True)


def test_who_skips_tasks_is_never_served_a_random_one(hand: ByHand) -> None:
    project = hand.connected("skips")
    version = retrain(project.id)["model_version"]
    skipped = set()
    for _ in range(3 * HEAD):
        served = follow_queue(hand.server, project)
        assert [item["model_version"] for item in served["predictions"]] == [version]
        skip(hand, served["id"])
        skipped.add(served["id"])
        if f"refill-{project.id}" in hand.waiting():
            refill(project.id)
            hand.drop_jobs()
    hand.state(project).want_version()  # from skips alone there is nothing to learn
    version = retrain(project.id)["model_version"]
    untouched = set(scores(project, version)) - skipped
    assert len(untouched) == 40 - 4 - 3 * HEAD  # all that is left, the skipped ones behind them
    assert follow_queue(hand.server, project)["id"] in untouched


def test_what_label_studio_serves_first_is_what_is_published(hand: ByHand) -> None:
    overlap = {"maximum_annotations": 2, "overlap_cohort_percentage": 40, "show_overlap_first": True}
    project = hand.connected("overlap", **overlap)
    version = retrain(project.id)["model_version"]
    tasks = hand.http.get("/api/tasks", params={"project": project.id, "page_size": 100}).json()["tasks"]
    several = {task["id"] for task in tasks if task["overlap"] > 1 and not task["is_labeled"]}
    published = scores(project, version)
    assert set(published) <= several
    served = follow_queue(hand.server, project, hand.server.sign_up(f"overlap-{project.id}").http)
    begun = {task["id"] for task in tasks if task["total_annotations"]}
    assert served["id"] in begun or published[served["id"]] == min(published.values())


def test_new_tasks_and_told_labels_are_no_reason_to_retrain_for_the_clock(hand: ByHand) -> None:
    hand.monkeypatch.setenv("QUEUE_HEAD", "100")
    project = hand.connected("clock", texts=20)
    version = retrain(project.id)["model_version"]
    new = [{"data": {"text": text}} for text in TEXTS[50:55]]
    answer = hand.http.post(f"/api/projects/{project.id}/import?return_task_ids=true", json=new)
    hand.drop_jobs()
    reconcile()
    assert hand.waiting() == set()
    assert set(answer.json()["task_ids"]) <= set(scores(project, version))
    annotate(hand.server, tasks_of(project, "other")[2], "other")
    assert reconcile()[str(project.id)] == "tasks or annotations changed, as was told: a retrain is due"
    assert hand.retrains() == set()


def test_the_clock_keeps_the_head_full_while_a_retrain_waits(hand: ByHand) -> None:
    project = hand.connected("busy")
    version = retrain(project.id)["model_version"]
    published = scores(project)
    every = {"selectedItems": {"all": True, "excluded": []}}
    action = {"id": "delete_tasks_predictions", "project": project.id}
    hand.http.post("/api/dm/actions", params=action, json=every).raise_for_status()
    hand.dispatcher.request_retrain(project.id)
    reconcile()
    assert scores(project, version) == published


def test_the_second_look_of_a_refill_mends_the_version_too(hand: ByHand) -> None:
    project = hand.connected("second", texts=20)
    version = retrain(project.id)["model_version"]
    for task in project.task_ids:
        if not project.is_labeled(task):
            annotate(hand.server, task, "other")
    refill(project.id)  # knows now that no task waits
    hand.patch(project, model_version="")
    hand.http.post(f"/api/projects/{project.id}/import", json=[{"data": {"text": TEXTS[70]}}])
    refill(project.id)
    assert project.model_version() == version
    assert follow_queue(hand.server, project)["predictions"]


def test_a_disconnected_project_is_left_alone_until_it_is_connected_again(hand: ByHand) -> None:
    project = hand.connected("disconnected")
    version = retrain(project.id)["model_version"]
    hand.state(project).webhook_digest = digest("of the webhook that `connect` made")
    (connection,) = hand.http.get("/api/ml", params={"project": project.id}).json()
    hand.http.delete(f"/api/ml/{connection['id']}").raise_for_status()
    assert reconcile()[str(project.id)] == "no connection to this backend"
    hand.drop_jobs()
    hand.patch(project, model_version="")  # the webhook is still there, and the project its owner's
    annotate(hand.server, tasks_of(project, "other")[2], "other")
    assert hand.state(project).changes == 1  # it has arrived
    assert hand.waiting() == set()
    reconcile()
    assert (project.model_version(), hand.waiting()) == ("", set())

    project.connect(hand.url)
    annotate(hand.server, tasks_of(project, "other")[3], "other")
    assert hand.state(project).changes == 2
    reconcile()
    assert project.model_version() == version


def test_a_webhook_without_payload_counts_for_every_project_of_ours(hand: ByHand) -> None:
    project = hand.connected("no payload")
    retrain(project.id)
    (hook,) = hand.http.get("/api/webhooks/", params={"project": project.id}).json()
    hand.http.patch(f"/api/webhooks/{hook['id']}/", json={**hook, "send_payload": False}).raise_for_status()
    hand.dispatcher.redis.flushdb()  # a Redis without persistence was restarted
    annotate(hand.server, tasks_of(project, "other")[2], "other")
    assert hand.state(project).unseen == 1


def test_what_is_kept_of_a_deleted_project_goes_in_the_end(hand: ByHand) -> None:
    project = hand.connected("deleted")
    retrain(project.id)
    directory = project_dir(Settings().data_dir, project.id)
    hand.http.delete(f"/api/projects/{project.id}/").raise_for_status()
    assert "looked for once more" in reconcile()[str(project.id)]
    hand.monkeypatch.setattr(state, "GONE_AFTER", 0)
    assert reconcile()[str(project.id)] == "gone"
    assert directory.is_dir()  # it may only be hidden from our user for a while
    week_ago = time.time() - housekeeping.GONE_SECONDS - 1
    os.utime(directory / housekeeping.GONE_MARK, (week_ago, week_ago))
    reconcile()
    assert not directory.exists()
    assert str(project.id) not in reconcile()


def test_an_old_version_is_cleared_and_the_others_stay(hand: ByHand) -> None:
    project = hand.connected("portions")
    names = [retrain(project.id)["model_version"] for _ in range(3)]
    clear_old_versions(project.id)
    while hand.state(project).owes(CLEAR):  # a busy machine may need more than one job's time
        clear_old_versions(project.id)
    assert [len(project.predictions(name)) >= HEAD for name in names] == [False, True, True]
    assert project.predictions(names[0]) == []
    assert project.model_version() == names[2]


def test_tasks_that_a_change_of_the_overlap_reopens_come_back_into_the_queue(hand: ByHand) -> None:
    hand.monkeypatch.setenv("QUEUE_HEAD", "100")
    project = hand.connected("reopened", texts=20)
    task = tasks_of(project, "other")[2]
    annotate(hand.server, task, None)  # submitted empty: finished, and no label
    assert task not in scores(project, retrain(project.id)["model_version"])
    hand.patch(project, maximum_annotations=2)  # moves no task's updated_at
    assert task in scores(project, retrain(project.id)["model_version"])


def test_a_skip_taken_back_as_the_page_does_it_brings_the_task_back(hand: ByHand) -> None:
    project = hand.connected("taken back")
    retrain(project.id)
    best = next(iter(scores(project)))
    skip(hand, best)
    hand.state(project).want_version()
    retrain(project.id)
    assert best not in scores(project)
    (skipped,) = hand.http.get(f"/api/tasks/{best}/").json()["annotations"]
    seen = hand.state(project).changes
    draft = {"result": skipped["result"], "lead_time": 1}
    hand.http.post(f"/api/tasks/{best}/drafts", json=draft).raise_for_status()
    hand.http.delete(f"/api/annotations/{skipped['id']}/").raise_for_status()
    assert hand.state(project).changes == seen + 1  # a draft is no event, the deletion is one
    assert not retrain(project.id)["published"]
    assert f"refill-{project.id}" in hand.waiting()
    refill(project.id)
    assert next(iter(scores(project))) == best


def test_annotations_deleted_together_count_each(hand: ByHand) -> None:
    project = hand.connected("deleted together")
    assert retrain(project.id)["trained_on"] == 4
    seen = hand.state(project).changes
    every = {"selectedItems": {"all": True, "excluded": []}}
    action = {"id": "delete_tasks_annotations", "project": project.id}
    hand.http.post("/api/dm/actions", params=action, json=every).raise_for_status()
    assert hand.state(project).changes == seen + 4
    assert retrain(project.id)["trained_on"] == 0


def test_annotators_keep_their_tasks_and_see_the_newest_model_when_the_version_changes(hand: ByHand) -> None:
    project = hand.connected("several")
    retrain(project.id)
    team = [hand.server.sign_up(f"several{i}-{project.id}").http for i in range(3)]
    held = [follow_queue(hand.server, project, who)["id"] for who in team]
    assert len(set(held)) == 3
    version = retrain(project.id)["model_version"]
    again = [follow_queue(hand.server, project, who) for who in team]
    assert [task["id"] for task in again] == held
    assert [item["model_version"] for task in again for item in task["predictions"]] == [version] * 3
