"""`disconnect` leaves a project as `connect` found it, and its annotations as they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.connecting import NotConnected, connect
from backend.disconnecting import Disconnecting
from backend.doctor.bench import Bench
from backend.doctor.finding import State
from backend.jobs.heeding import heed_selection
from backend.jobs.project_tabs import TITLES, UNCERTAIN, want_tabs
from backend.jobs.selections import SHOW, Selection
from backend.jobs.studying import study
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.tabs import Tab
from backend.results.asking_again import ask_again
from backend.store.forwarded import TOLD, Event, Forwarded
from backend.store.found_before import read_found
from backend.store.locations import project_files
from backend.store.model_version import version_number
from backend.store.opened_again import read_opened
from backend.store.wrapped_access import WrappedAccess, keep_access, read_access
from backend.web import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject

URL = "http://backend.internal:9090"
Connect = Callable[[FakeProject], None]


@pytest.fixture
def connected(loop: Loop, answering: dict[str, FlaskClient]) -> Connect:
    """Connects a project as the command does."""

    def act(project: FakeProject) -> None:
        answering[URL] = create_app(loop.settings).test_client()
        loop.fake.reach = lambda project, connection: "CO"
        with Bench() as bench:
            connect(bench, URL, project.id, lambda what, done, state=State.OK: None)

    return act


def disconnect(loop: Loop, project: FakeProject, *, delete: bool = False, wait: float = 0) -> list[str]:
    said: list[str] = []

    def say(what: str, done: str, state: State = State.OK) -> None:
        said.append(f"{what}: {done}")

    work = Disconnecting(loop.settings, loop.dispatcher, loop.client, project.id, say, wait)
    work.run(None, delete_predictions=delete)
    return said


def theirs(loop: Loop) -> FakeProject:
    """Of a team that had another model's predictions, hidden, before it connected."""
    project = loop.fake.create(["storm", "tea", "flood", "book"], connected=False)
    loop.fake.import_predictions(
        project.id,
        [
            {"task": task, "result": [], "score": 0.5, "model_version": "theirs"}
            for task in sorted(project.tasks)
        ],
    )
    project.settings |= {"sampling": "Uniform sampling", "model_version": "theirs"}
    return project


def test_a_project_is_as_connect_found_it(loop: Loop, connected: Connect) -> None:
    project = theirs(loop)
    other = loop.fake.connect(project.id, url="http://other:9090", title="theirs too")
    loop.fake.add_webhook(project.id, "http://elsewhere/hook")
    connected(project)
    connected(project)  # again keeps what was found first
    loop.retrain(project)
    loop.label(project, min(project.tasks))
    annotations = [dict(each) for each in project.annotations]
    assert project.settings["sampling"] == "Uncertainty sampling"
    assert version_number(project.settings["model_version"])
    disconnect(loop, project)
    assert project.settings["sampling"] == "Uniform sampling"
    assert project.settings["model_version"] == "theirs"
    assert project.settings["show_collab_predictions"] is True
    assert list(project.connections) == [other["id"]]
    assert [hook["url"] for hook in project.webhooks.values()] == ["http://elsewhere/hook"]
    assert [dict(each) for each in project.annotations] == annotations
    assert any(version_number(each["model_version"]) for each in project.predictions)  # they stay
    assert read_found(project_files(loop.settings, project.id)) is None


def test_predictions_go_only_when_asked_for_and_others_stay(loop: Loop, connected: Connect) -> None:
    project = theirs(loop)
    connected(project)
    loop.retrain(project)
    disconnect(loop, project, delete=True)
    assert {each["model_version"] for each in project.predictions} == {"theirs"}
    assert project.settings["model_version"] == "theirs"


def test_predictions_that_stayed_can_go_later(loop: Loop, connected: Connect) -> None:
    project = theirs(loop)
    connected(project)
    loop.retrain(project)
    disconnect(loop, project)
    settings = dict(project.settings)
    disconnect(loop, project, delete=True)
    assert {each["model_version"] for each in project.predictions} == {"theirs"}
    assert project.settings == settings
    with pytest.raises(NotConnected, match="not connected"):
        disconnect(loop, project, delete=True)


def test_predictions_that_order_a_project_do_not_go_while_it_is_another_backends(
    loop: Loop, connected: Connect
) -> None:
    project = theirs(loop)
    connected(project)
    loop.retrain(project)
    ours = project.settings["model_version"]
    disconnect(loop, project)
    project.settings["model_version"] = ours  # of a backend that was connected by hand
    with pytest.raises(NotConnected, match="not connected"):
        disconnect(loop, project, delete=True)
    assert ours in {each["model_version"] for each in project.predictions}


def test_nothing_is_published_after_it(loop: Loop, connected: Connect) -> None:
    project = theirs(loop)
    connected(project)
    loop.retrain(project)
    loop.dispatcher.demand_retrain(project.id)
    loop.dispatcher.request_refill(project.id)
    disconnect(loop, project)
    assert not {job for job in loop.jobs() if job.endswith(f"-{project.id}")}
    assert loop.state(project).disconnected


def test_a_job_that_runs_is_waited_for_or_told_of(
    loop: Loop, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = theirs(loop)
    connected(project)
    monkeypatch.setattr("backend.jobs.dispatch.Dispatcher.withdraw", lambda self, project_id: True)
    with pytest.raises(NotConnected, match="run `disconnect` again"):
        disconnect(loop, project)
    monkeypatch.undo()


def test_a_project_that_a_release_before_connected_gets_label_studios_defaults(
    loop: Loop, connected: Connect
) -> None:
    project = theirs(loop)
    connected(project)
    project_files(loop.settings, project.id).delete("found-before-connect.json")
    connected(project)  # it is connected: what it was before cannot be told any more
    assert read_found(project_files(loop.settings, project.id)) is None
    said = disconnect(loop, project)
    assert project.settings["sampling"] == "Sequential sampling"
    assert any("not known" in line for line in said)


def test_a_connection_that_was_there_before_stays(loop: Loop, connected: Connect) -> None:
    project = theirs(loop)
    by_hand = loop.fake.connect(project.id, url=URL, title="mine")
    connected(project)
    disconnect(loop, project)
    assert list(project.connections) == [by_hand["id"]]


def test_tabs_are_made_where_they_are_wanted_kept_fresh_and_go(loop: Loop, connected: Connect) -> None:
    project = loop.create(30, labeled=8)
    connected(project)
    loop.retrain(project)
    study(project.id)
    assert not project.tabs
    want_tabs(project_files(loop.settings, project.id))
    study(project.id)
    assert {tab["data"]["title"] for tab in project.tabs.values()} == set(TITLES)
    uncertain = shown_in(project, UNCERTAIN)
    assert uncertain
    assert set(uncertain) <= set(loop.queue(project))
    loop.label(project, uncertain[0])
    loop.retrain(project)
    assert f"study-{project.id}" in loop.jobs()
    study(project.id)
    assert len(project.tabs) == len(TITLES)
    assert uncertain[0] not in shown_in(project, UNCERTAIN)
    disconnect(loop, project)
    assert not project.tabs


def test_a_tab_that_is_being_made_meanwhile_does_not_stay(
    loop: Loop, connected: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = loop.create(30, labeled=8)
    connected(project)
    loop.retrain(project)
    want_tabs(project_files(loop.settings, project.id))
    show = LabelStudioClient.show_in_tab

    def shown_before_somebody_leaves(*asked: Any) -> Tab:
        tab = show(*asked)
        disconnect(loop, project)
        return tab

    monkeypatch.setattr(LabelStudioClient, "show_in_tab", shown_before_somebody_leaves)
    study(project.id)
    assert not project.tabs


def shown_in(project: FakeProject, title: str) -> list[int]:
    """The tasks of a tab."""
    data = next(tab["data"] for tab in project.tabs.values() if tab["data"]["title"] == title)
    found = [item["value"] for item in data["filters"]["items"]]
    return [task for task in project.tasks if any(each["min"] <= task <= each["max"] for each in found)]


def test_the_maps_tab_goes(loop: Loop, connected: Connect) -> None:
    project = theirs(loop)
    connected(project)
    loop.retrain(project)
    key = loop.dispatcher.request_heed(project.id, Selection(SHOW, (min(project.tasks),)))
    heed_selection(project.id, key)
    assert project.tabs
    disconnect(loop, project)
    assert not project.tabs


def test_doing_it_again_changes_nothing(loop: Loop, connected: Connect) -> None:
    project = theirs(loop)
    connected(project)
    disconnect(loop, project)
    project.settings["sampling"] = "Uncertainty sampling"  # by hand, meanwhile
    with pytest.raises(NotConnected, match="not connected"):
        disconnect(loop, project)
    assert project.settings["sampling"] == "Uncertainty sampling"


def test_tasks_that_were_opened_again_need_no_more_annotators_than_before(
    loop: Loop, connected: Connect
) -> None:
    project = theirs(loop)
    connected(project)
    one, two, three, _ = sorted(project.tasks)
    for task in (one, two, three):
        loop.label(project, task)
    for _ in range(2):  # again keeps what was found first
        ask_again(loop.settings, loop.client, project.id, [one, two, three])
    loop.label(project, one)  # the second opinion that was asked for
    loop.fake.change_task(project.id, three, overlap=5)  # by a person, since
    assert [project.tasks[task]["overlap"] for task in (one, two, three)] == [2, 2, 5]
    assert project.settings["show_overlap_first"]
    said = disconnect(loop, project)
    assert "overlap: of 2 tasks as it was before they were opened again" in said
    assert [project.tasks[task]["overlap"] for task in (one, two, three)] == [1, 1, 5]
    assert [project.tasks[task]["is_labeled"] for task in (one, two, three)] == [True, True, False]
    assert not project.settings["show_overlap_first"]
    assert read_opened(project_files(loop.settings, project.id)) is None


def test_a_wrapped_backend_has_its_connection_and_webhook_again(loop: Loop, connected: Connect) -> None:
    project, url = theirs(loop), "http://theirs:9090"
    connected(project)
    files = project_files(loop.settings, project.id)
    connection = {"url": url, "title": "yolo", "is_interactive": True, "extra_params": {"k": 1}}
    hook = {"url": f"{url}/webhook", "headers": {"A": "b"}, "actions": ["ANNOTATION_CREATED"]}
    keep_access(files, WrappedAccess(url, "me", "secret", connection, hook, "2026-01-01T00:00:00Z"))
    loop.state(project).wraps = url
    Forwarded(files).add([Event(TOLD, 1, min(project.tasks), "2026-01-02T00:00:00Z", 1.0)])
    disconnect(loop, project)
    (found,) = project.connections.values()
    assert {name: found[name] for name in connection} == connection
    assert (found["basic_auth_user"], found["basic_auth_pass"]) == ("me", "secret")
    (again,) = project.webhooks.values()
    assert {name: again[name] for name in hook} == hook
    assert loop.state(project).wraps is None  # nobody can have a text passed on to it any more
    assert read_access(files) is None
    assert not Forwarded(files).read().began  # Label Studio tells it from now on


def test_a_model_that_writes_is_not_asked_again_before_connect_says_so(
    loop: Loop, connected: Connect
) -> None:
    project = theirs(loop)
    connected(project)
    files = project_files(loop.settings, project.id)
    keep_access(files, WrappedAccess("generation"))
    disconnect(loop, project)
    assert not project.connections
    assert read_access(files) is None
