"""Checks of what the last pull found in a project's tasks."""

from __future__ import annotations

import sqlite3

from backend.controls.reading import unreadable_in_words
from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, not_checked, note, ok
from backend.jobs.pull import unreadable_tasks
from backend.store.paths import project_dir


@project_check("tasks", "project", "settings")
def tasks(bench: ProjectBench) -> Finding:
    """By the local copy: the machine that retrains may be another one, and says it in its log."""
    try:
        problems = unreadable_tasks(project_dir(bench.bench.settings.data_dir, bench.id))
    except sqlite3.Error as error:  # the retrain meets it too, and "retrain" says so
        return not_checked(f"the local copy of the tasks cannot be read ({error})")
    if not problems:
        return ok("no task is known that cannot be read")
    return note(unreadable_in_words(problems), "Correct them in Label Studio, or delete them.")
