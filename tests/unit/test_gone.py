"""A project counts as gone when Label Studio itself goes on saying so; until then nothing is forgotten."""

from __future__ import annotations

import shutil
from pathlib import Path

from werkzeug.wrappers import Response

from backend.jobs import state as remembering
from backend.jobs.housekeeping import GONE_SECONDS
from backend.jobs.state import known_projects
from backend.store.locations import stored_projects
from backend.store.paths import project_dir
from backend.store.words import words_of_project
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.routes import problem


def hidden(loop: Loop, project: FakeProject) -> None:
    """Label Studio's own 404, as of a project that does not exist, or is another user's."""
    loop.fake.before = lambda request: Response(
        problem(404, "No Project matches the given query.")[0].get_data(), 404, mimetype="application/json"
    )


def long_ago(loop: Loop, project: FakeProject) -> None:
    """As if the first look that did not find it had been that long ago."""
    then = loop.redis.time()[0] - remembering.GONE_AFTER
    assert loop.redis.hexists(f"atlas:project:{project.id}", "absent")
    loop.redis.hset(f"atlas:project:{project.id}", "absent", then)


def test_a_project_that_is_away_for_a_while_is_not_forgotten(loop: Loop) -> None:
    project = loop.create(8, labeled=4)
    loop.retrain(project)
    state = loop.state(project)
    state.strategy = "margin"
    hidden(loop, project)
    for _ in range(3):
        assert "looked for once more" in loop.reconcile(project)
        assert not loop.retrain(project)["published"]
    assert state.strategy == "margin"
    assert known_projects(loop.redis) == [project.id]

    loop.fake.before = None
    loop.reconcile(project)
    hidden(loop, project)
    assert "looked for once more" in loop.reconcile(project)  # the time begins anew
    assert known_projects(loop.redis) == [project.id]


def test_one_that_stays_away_is(loop: Loop) -> None:
    project = loop.create(8, labeled=4)
    loop.retrain(project)
    hidden(loop, project)
    loop.reconcile(project)
    long_ago(loop, project)
    assert loop.reconcile(project) == "gone"
    assert known_projects(loop.redis) == []
    assert (project_dir(loop.settings.data_dir, project.id) / "gone").exists()
    assert loop.reconcile(project) == "gone"  # and stays so
    assert loop.redis.hgetall(f"atlas:project:{project.id}") == {}

    loop.fake.before = None
    assert loop.reconcile(project) != "gone"
    assert not (project_dir(loop.settings.data_dir, project.id) / "gone").exists()


def test_what_the_model_store_keeps_of_one_that_stays_away_goes_after_a_week(
    loop: Loop, tmp_path: Path
) -> None:
    loop.set(model_store=f"file://{tmp_path}/bucket")
    project, other = loop.create(8, labeled=4), loop.create(8, labeled=4)
    for each in (project, other):
        loop.retrain(each)
    words_of_project(loop.settings, project.id).files.write("beside.safetensors", b"")
    folders = tmp_path / "bucket" / "projects"
    assert len(list((folders / str(project.id)).rglob("*"))) > 5
    hidden(loop, project)
    loop.reconcile(project)
    long_ago(loop, project)
    assert loop.reconcile(project) == "gone"
    assert (folders / str(project.id)).is_dir()
    shutil.rmtree(project_dir(loop.settings.data_dir, project.id))  # as on a machine that never had it
    loop.redis.hincrby("atlas:gone", str(project.id), -GONE_SECONDS)
    loop.reconcile(project)
    assert not [path for path in (folders / str(project.id)).rglob("*") if path.is_file()]
    assert stored_projects(loop.settings) == [other.id]


def test_one_that_came_back_in_between_keeps_what_the_model_store_has(loop: Loop, tmp_path: Path) -> None:
    loop.set(model_store=f"file://{tmp_path}/bucket")
    project = loop.create(8, labeled=4)
    loop.retrain(project)
    for _ in range(2):
        hidden(loop, project)
        loop.reconcile(project)
        long_ago(loop, project)
        assert loop.reconcile(project) == "gone"
        loop.redis.hincrby("atlas:gone", str(project.id), -GONE_SECONDS // 2 - 9)
        loop.fake.before = None
        loop.reconcile(project)
    assert loop.versions(project).published() is not None


def test_a_404_that_a_proxy_made_says_nothing_of_the_project(loop: Loop) -> None:
    project = loop.create(8, labeled=4)
    loop.retrain(project)
    loop.fake.before = lambda request: Response("<h1>Not Found</h1>", 404, mimetype="text/html")
    assert "none of Label Studio's own" in loop.reconcile(project)
    assert not loop.redis.hexists(f"atlas:project:{project.id}", "absent")
    assert known_projects(loop.redis) == [project.id]
