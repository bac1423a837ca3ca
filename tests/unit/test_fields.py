"""Fields of tasks order the live queue: what is kept of them, and when they are read."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from backend.controls.config import parse_label_config
from backend.fields import LONGEST, condition_in, values_of
from backend.jobs.pull import FILE, last_pulled, pull
from backend.settings import Settings
from backend.store.paths import project_dir
from tests.fakes.loop import Loop, texts
from tests.fakes.project import CONFIG, FakeProject

SOURCES = ["forum", "forum", "forum", "mail"]


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """60 tasks, 15 of them mails; the 20 that are labelled are from the forum."""
    project = loop.create(0)
    for number, text in enumerate(texts(60)):
        loop.fake.add_tasks(project.id, [{"text": text, "source": SOURCES[number % 4], "secret": "x" * 5000}])
    labelled = [task for task in project.tasks if source(project, task) == "forum"][:20]
    for task in labelled:
        loop.label(project, task)
    loop.fake.spread(project.id)
    return project


def source(project: FakeProject, task: int) -> Any:
    return project.tasks[task]["data"]["source"]


def test_each_source_is_served_in_turn_and_the_one_without_labels_first(
    loop: Loop, project: FakeProject
) -> None:
    loop.set(strategy="margin by source")
    done = loop.retrain(project)
    served = [source(project, task) for task in loop.queue(project)]
    assert served[:6] == ["mail", "forum"] * 3
    assert done["strategy"] == "margin by source"
    loop.set(strategy="margin by sorce")
    loop.label(project, loop.queue(project)[0])
    assert any("no task that waits has a field 'sorce'" in note for note in loop.retrain(project)["notes"])


def test_a_project_without_labels_and_one_without_waiting_tasks_go_by_source(loop: Loop) -> None:
    loop.set(strategy="60% auto and clusters by source", target_domain="source=mail")
    project = loop.create(0)
    loop.fake.add_tasks(project.id, [{"text": text, "source": "mail"} for text in texts(6)])
    assert loop.retrain(project)["published"]
    for task in project.tasks:
        loop.label(project, task)
    done = loop.retrain(project)
    assert done["waiting"] == 0
    assert done["trained_on"] == 6


def test_the_strategy_of_a_connection_goes_by_source(loop: Loop, project: FakeProject) -> None:
    loop.set(strategy="margin by source within 50% by representative")
    loop.state(project).strategy = "random by source"  # its connection's, which wins
    loop.retrain(project)
    assert [source(project, task) for task in loop.queue(project)[:4]] == ["mail", "forum"] * 2


def test_a_machine_whose_copy_has_no_fields_finds_nothing_to_do(loop: Loop, project: FakeProject) -> None:
    loop.set(strategy="margin by source")
    loop.fake.connect(project.id)
    loop.retrain(project)
    copy = project_dir(loop.settings.data_dir, project.id) / FILE
    assert copy.exists()
    copy.unlink()
    assert loop.reconcile(project) == "in order"
    assert not any(task.fields for task in last_pulled(copy.parent))
    loop.label(project, loop.queue(project)[0])
    loop.retrain(project)
    assert all(task.fields for task in last_pulled(copy.parent))


def test_the_named_value_is_the_target_domain(loop: Loop, project: FakeProject) -> None:
    loop.set(strategy="representative", target_domain="source=mail")
    assert not loop.retrain(project)["notes"]
    served = [source(project, task) for task in loop.queue(project)[:10]]
    loop.set(target_domain="source=letter")
    loop.label(project, loop.queue(project)[0])
    notes = loop.retrain(project)["notes"]
    assert "TARGET_DOMAIN is source=letter, which no task is that waits: all of them count" in notes
    loop.set(target_domain="source=forum")
    loop.label(project, loop.queue(project)[0])
    loop.retrain(project)
    others = [source(project, task) for task in loop.queue(project)[:10]]
    assert served.count("mail") > others.count("mail")


def test_fields_are_kept_where_they_are_named_and_read_once(
    loop: Loop, project: FakeProject, tmp_path: Path
) -> None:
    scheme = parse_label_config(CONFIG)

    def read(fields: list[str] | None) -> tuple[set[str], int]:
        """The fields that are kept, and how many tasks Label Studio handed out."""
        loop.fake.handed_out = 0
        tasks = pull(loop.client, loop.client.project(project.id), scheme, tmp_path, fields)
        assert tasks == last_pulled(tmp_path)
        return {name for task in tasks for name in task.fields}, loop.fake.handed_out

    assert read(None)[0] == set()
    few = read(None)[1]
    kept, handed_out = read(["source"])
    assert kept == {"source"}
    assert handed_out >= 60 > few
    assert read(["source"]) == (kept, few)
    assert read(None) == (kept, few)
    task = next(iter(project.tasks))
    loop.fake.annotate(project.id, task, [])
    assert read(None)[0] == kept
    assert next(each for each in last_pulled(tmp_path) if each.id == task).fields == {"source": "forum"}
    assert read([])[1] < 60
    assert read(["source"])[1] >= 60
    assert "xxxxx" not in str(sqlite3.connect(tmp_path / FILE).execute("SELECT * FROM tasks").fetchall())


def test_values_are_short_texts() -> None:
    data = {"a": " forum ", "b": True, "c": 3, "d": None, "e": ["x"], "f": "", "g": "y" * 1000}
    assert values_of(data, "abcdefgh") == {"a": "forum", "b": "true", "c": "3", "g": "y" * LONGEST}
    assert values_of("no data", ["a"]) == {}


@pytest.mark.parametrize(
    ("domain", "reason"),
    [
        (
            "neuest",
            "must be one of all, newest, or name a field of the tasks and its value, such as",
        ),
        ("source=", "such as source=forum; not 'source='"),
        ("=forum", "such as source=forum"),
        ("source!=forum", "such as source=forum"),
        ("source==forum", "one field and one value"),
        ("source=forum and lang=de", "one field and one value"),
        ("source=" + "x" * 101, "names a value of 101 characters: 100 of each are kept"),
        ("source=\udcff", "such as source=forum"),
    ],
)
def test_a_wrong_target_domain_says_what_to_write(domain: str, reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Settings(target_domain=domain)


def test_a_target_domain_is_named_or_a_condition() -> None:
    assert condition_in(Settings(target_domain="newest").target_domain) is None
    assert condition_in("item.source = Customer forum") == ("item.source", "Customer forum")
