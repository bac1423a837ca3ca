"""What somebody writes into a connection in Label Studio is taken up, whatever was lost on the way."""

from __future__ import annotations

from typing import Any

import pytest

from backend import sampling
from backend.jobs import reconcile as reconciling
from backend.jobs import retrain as retraining
from backend.jobs import wished
from backend.jobs.contact import Contact
from backend.jobs.dispatch import CONNECTION
from backend.jobs.look import look
from backend.jobs.make_version import VersionMaker
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """With a published model, known to lead here."""
    project = loop.create(16, labeled=6)

    def reach(project: FakeProject, connection: dict[str, Any]) -> str:
        Contact(loop.redis, project.id).note("setup")
        return "CO"

    loop.fake.reach = reach
    loop.retrain(project)
    loop.state(project).note_changes(0)  # an event makes it known
    loop.state(project).retrained(loop.state(project).changes)
    assert loop.reconcile(project) == "in order"
    return project


def save(loop: Loop, project: FakeProject, strategy: str, **more: Any) -> None:
    """As the Model page does."""
    (connection,) = project.connections.values()
    connection |= {"extra_params": {"strategy": strategy}, **more}


def listings(loop: Loop) -> int:
    return list(loop.fake.requests).count("GET /api/ml")


def test_no_job_undoes_what_is_saved_while_it_reads_the_connections(loop: Loop, project: FakeProject) -> None:
    """Label Studio's list of connections writes each back as it was before it asked the backends."""
    saved = []

    def saved_meanwhile(project: FakeProject, connection: dict[str, Any]) -> str:
        saved.append("margin")
        save(loop, project, "margin")
        return "CO"

    loop.fake.reach = saved_meanwhile
    loop.retrain(project)
    loop.reconcile(project)
    if not saved:
        save(loop, project, "margin")
    loop.reconcile(project)
    (connection,) = project.connections.values()
    assert connection["extra_params"] == {"strategy": "margin"}
    assert loop.state(project).strategy == "margin"


def test_label_studio_is_made_to_try_its_connections_only_where_they_may_lead_elsewhere(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = listings(loop)
    loop.retrain(project)
    loop.reconcile(project)
    assert listings(loop) == before
    (connection,) = project.connections.values()
    connection["url"] = "http://another.internal"
    loop.reconcile(project)
    assert listings(loop) == before + 1
    loop.reconcile(project)
    assert listings(loop) == before + 1
    monkeypatch.setattr(wished, "PROVEN_FOR", -1)  # nobody has opened a page of the project for long
    loop.reconcile(project)
    assert listings(loop) == before + 2


def test_a_connection_that_was_moved_to_another_backend_is_noticed(loop: Loop, project: FakeProject) -> None:
    (connection,) = project.connections.values()
    connection["url"] = "http://another.internal"
    loop.fake.reach = lambda project, connection: "CO"  # it answers, and no /setup arrives here
    assert loop.reconcile(project) == "no connection to this backend"
    assert loop.reconcile(project) == "no connection to this backend"


@pytest.mark.parametrize("way", ["retrain", "refill", "reconcile"])
def test_a_job_under_way_leaves_the_order_to_the_other_backend_once_its_own_connection_is_gone(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    mine = next(iter(project.connections))
    project.connections[mine + 1] = {**project.connections[mine], "id": mine + 1, "url": "http://other:9090"}
    loop.reconcile(project)
    ours = project.settings["model_version"]

    def removed_meanwhile(*_: object, **__: object) -> int:
        del project.connections[mine]
        project.settings["model_version"] = "atlas-000077"
        loop.fake.reach = lambda project, connection: "CO"  # the other one answers, and nothing arrives here
        return 0

    if way == "retrain":
        loop.label(project, loop.queue(project)[0])
        monkeypatch.setattr(retraining, "import_head", removed_meanwhile)
        assert not loop.retrain(project)["published"]
    elif way == "refill":
        removed_meanwhile()
        assert "a connection is gone" in loop.refill(project)["left_alone"]
    else:
        project.settings["title"] = "another"  # something to look at
        pull = reconciling.pull
        monkeypatch.setattr(
            reconciling,
            "pull",
            lambda *args: [removed_meanwhile(), pull(*args)][1],  # after the connections
        )
        assert "a connection is gone" in loop.reconcile(project)
    assert project.settings["model_version"] == "atlas-000077"
    assert loop.versions(project).published() == ours
    assert loop.reconcile(project) == "no connection to this backend"


@pytest.mark.parametrize("gone", [0, 1])
def test_an_order_that_was_left_alone_is_set_back_where_a_connection_still_leads_here(
    loop: Loop, project: FakeProject, gone: int
) -> None:
    mine = next(iter(project.connections))
    project.connections[mine + 1] = {**project.connections[mine], "id": mine + 1, "url": "http://other:9090"}
    loop.reconcile(project)
    ours = project.settings["model_version"]
    del project.connections[mine + gone]
    project.settings["model_version"] = "atlas-000077"
    loop.refill(project)
    assert project.settings["model_version"] == "atlas-000077"
    loop.reconcile(project)  # which has Label Studio try the connection that is left
    assert project.settings["model_version"] == ours


@pytest.mark.parametrize("way", ["retrain", "reconcile", "look"])
def test_a_strategy_of_which_no_setup_told_is_taken_up(loop: Loop, project: FakeProject, way: str) -> None:
    save(loop, project, "margin")
    if way == "retrain":
        loop.retrain(project)
        assert loop.versions(project).stats(loop.versions(project).names()[-1])["strategy"] == "auto"
        assert loop.state(project).unseen > 0  # one more, with what was read too late for this one
    elif way == "reconcile":
        assert loop.reconcile(project) == "another strategy is asked for"
    else:
        loop.dispatcher.request_look(project.id, CONNECTION)
        assert look(project.id) == {CONNECTION: "another strategy is asked for"}
    loop.retrain(project)
    assert loop.versions(project).stats(loop.versions(project).names()[-1])["strategy"] == "margin"


def test_a_version_is_of_one_strategy_though_another_is_asked_for_meanwhile(
    loop: Loop, project: FakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    ranked_by = []
    encoded, rank = VersionMaker._encoded, sampling.rank_scene

    def asked_for_meanwhile(maker: VersionMaker, *args: Any) -> Any:
        loop.state(project).strategy = "margin"
        return encoded(maker, *args)

    def ranked(strategy: str, *args: Any) -> Any:
        ranked_by.append(strategy)
        return rank(strategy, *args)

    monkeypatch.setattr(VersionMaker, "_encoded", asked_for_meanwhile)
    monkeypatch.setattr(sampling, "rank_scene", ranked)
    done = loop.retrain(project)
    manifest = loop.versions(project).load(done["model_version"])
    assert ranked_by == ["auto"]
    assert (manifest.strategy, done["strategy"]) == ("auto", "auto")


def test_a_hold_counts_at_the_next_retrain_and_so_does_a_project_without_connections(
    loop: Loop, project: FakeProject
) -> None:
    save(loop, project, "auto", auto_update=False)
    assert not loop.retrain(project)["published"]
    assert loop.state(project).held_by_label_studio
    project.connections.clear()
    loop.retrain(project)
    assert (loop.state(project).held_by_label_studio, loop.state(project).strategy) == (False, "auto")


def test_a_look_takes_over_what_the_connection_wraps_and_that_it_wraps_no_more(
    loop: Loop, project: FakeProject
) -> None:
    (connection,) = project.connections.values()
    theirs = "http://theirs.example:9090"
    for named, wraps in (({"wraps": theirs}, theirs), ({"wraps": ""}, None)):
        connection["extra_params"] = named
        loop.dispatcher.request_look(project.id, CONNECTION)
        assert look(project.id) == {CONNECTION: "another ML backend to be wrapped, or none, is asked for"}
        assert loop.state(project).wraps == wraps
