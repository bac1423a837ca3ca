"""People decide which version a project works with, on a fake Label Studio."""

from __future__ import annotations

import pytest

from backend.errors import AtlasError
from backend.jobs.pinning import pin, roll_back, unpin
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """With three versions, the last of which it follows."""
    project = loop.create(20, labeled=4)
    loop.retrain(project)
    for _ in range(2):
        loop.label(project, loop.queue(project)[0])
        loop.retrain(project)
    assert len(loop.versions(project).names()) == 3
    return project


def test_a_pinned_version_orders_and_stays_through_retrains(loop: Loop, project: FakeProject) -> None:
    first = loop.versions(project).names()[0]
    assert pin(loop.settings, loop.client, project.id, first) == first
    assert project.settings["model_version"] == first
    loop.label(project, loop.queue(project)[0])
    done = loop.retrain(project)
    assert not done["published"]
    assert done["model_version"] in loop.versions(project).names()  # made, and kept
    assert project.settings["model_version"] == first
    assert f"refill-{project.id}" in loop.jobs()


def test_the_present_version_is_pinned_where_none_is_named(loop: Loop, project: FakeProject) -> None:
    version = project.settings["model_version"]
    assert pin(loop.settings, loop.client, project.id) == version
    assert loop.versions(project).pinned()


def test_unpinned_the_newest_is_published(loop: Loop, project: FakeProject) -> None:
    pin(loop.settings, loop.client, project.id, loop.versions(project).names()[0])
    loop.label(project, loop.queue(project)[0])
    newest = loop.retrain(project)["model_version"]
    assert unpin(loop.settings, loop.client, project.id) == newest
    assert project.settings["model_version"] == newest
    assert not loop.versions(project).pinned()


def test_rolled_back_it_is_the_version_before_until_there_is_none(loop: Loop, project: FakeProject) -> None:
    first, second, _ = loop.versions(project).names()
    assert roll_back(loop.settings, loop.client, project.id) == second
    assert project.settings["model_version"] == second
    assert roll_back(loop.settings, loop.client, project.id) == first
    with pytest.raises(AtlasError, match="no version before"):
        roll_back(loop.settings, loop.client, project.id)
    assert project.settings["model_version"] == first


def test_a_version_that_is_not_kept_is_refused_with_those_that_are(loop: Loop, project: FakeProject) -> None:
    before = project.settings["model_version"]
    with pytest.raises(AtlasError, match="atlas-000001"):
        pin(loop.settings, loop.client, project.id, "atlas-000099")
    assert project.settings["model_version"] == before
    assert not loop.versions(project).pinned()


def test_a_version_for_another_config_is_refused(loop: Loop, project: FakeProject) -> None:
    config = project.settings["label_config"].replace('"other"', '"else"')
    loop.fake.change_project(project.id, label_config=config)
    with pytest.raises(AtlasError, match="another label config"):
        pin(loop.settings, loop.client, project.id)


def test_a_project_without_versions_says_so(loop: Loop) -> None:
    project = loop.create(3)
    for ask in (pin, roll_back, unpin):
        with pytest.raises(AtlasError, match="no version"):
            ask(loop.settings, loop.client, project.id)


def test_what_label_studio_cannot_be_brought_to_is_an_error(loop: Loop, project: FakeProject) -> None:
    first = loop.versions(project).names()[0]
    (weights,) = loop.settings.data_dir.glob(f"**/{first}/model.safetensors")
    weights.write_bytes(b"cut off")
    with pytest.raises(AtlasError, match="could not be brought"):
        pin(loop.settings, loop.client, project.id, first)


def test_a_hold_in_label_studio_counts_like_a_pin(loop: Loop, project: FakeProject) -> None:
    version = project.settings["model_version"]
    (connection,) = project.connections.values()
    connection["auto_update"] = False
    loop.label(project, loop.queue(project)[0])
    assert not loop.retrain(project)["published"]
    assert project.settings["model_version"] == version
    connection["auto_update"] = True
    assert loop.retrain(project)["published"]
