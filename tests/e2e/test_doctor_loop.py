"""What `doctor` finds of the loop: the order, the version that Label Studio follows, and retrains."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from redis import Redis

from backend.jobs.state import ProjectState
from tests.e2e.installation import Installation, assert_only, unheard, wrong
from tests.e2e.steps import wait_until


@contextmanager
def tasks_out_of_reach(installed: Installation) -> Iterator[None]:
    """There is a folder in the place of the local copy of the tasks, which does not mend by itself."""
    store = Path(installed.env["DATA_DIR"]) / "projects" / str(installed.project.id) / "tasks.sqlite"
    kept = store.rename(store.with_name("kept"))
    store.mkdir()
    try:
        yield
    finally:
        store.rmdir()
        kept.rename(store)


def set_aside(installed: Installation) -> None:
    with Redis.from_url(installed.env["REDIS_URL"]) as redis:
        ProjectState(redis, installed.project.id).set_aside("it kills its process", 600)


def test_sampling_changed(installed: Installation) -> None:
    with unheard(installed):
        installed.patch(sampling="Sequential sampling")
    assert_only(installed.doctor(), "sampling", "Sequential sampling", "label-studio-atlas connect")
    assert installed.connect().exit_code == 0


def test_an_old_model_version_put_back_or_none(installed: Installation) -> None:
    old = installed.project.model_version()
    installed.annotate(10, 15)
    current = installed.project.wait_for_version_after(old, lambda: None)
    for version in (old, ""):
        wait_until(lambda: not wrong(installed.doctor()))
        with unheard(installed):
            installed.patch(model_version=version)
        findings = installed.doctor()
        assert_only(findings, "model version", f"follows {version or 'none'}", "label-studio-atlas connect")
        assert current in findings["model version"]["found"]
        assert installed.connect().exit_code == 0
        assert installed.project.model_version() == current


def test_a_retrain_fails(installed: Installation) -> None:
    project = installed.project
    with tasks_out_of_reach(installed):
        installed.annotate(5, 10)
        wait_until(lambda: "retrain" in wrong(installed.doctor()))
        findings = installed.doctor()
        before = project.model_version()
    assert_only(findings, "retrain", "unable to open database file", "next annotation")
    project.wait_for_version_after(before, lambda: None)  # RQ tries again by itself
    wait_until(lambda: not wrong(installed.doctor()))


def test_a_project_set_aside(installed: Installation) -> None:
    """`connect` waits for what it starts: the order of before would not tell whether it works again."""
    set_aside(installed)
    reason = "set aside, since each retrain failed: it kills its process"
    assert_only(installed.doctor(), "retrain", reason, "label-studio-atlas connect")
    before = installed.project.model_version()
    with tasks_out_of_reach(installed):
        connected = installed.connect()
        assert connected.exit_code == 1, connected.output
        assert "there is no new one yet" in connected.output
        assert "unable to open database file" in connected.output
        assert installed.project.model_version() == before
    set_aside(installed)
    connected = installed.connect()
    assert connected.exit_code == 0, connected.output
    after = installed.project.model_version()
    assert after != before
    assert f"{after} is published" in connected.output
    assert not wrong(installed.doctor())
