"""Checks of what the last pull found in a project's tasks."""

from __future__ import annotations

import sqlite3

from backend.controls.reading import unreadable_in_words
from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, not_checked, note, ok
from backend.jobs.image_failures import ImageFailures, of_tasks
from backend.jobs.pull import unreadable_tasks, values_of_tasks
from backend.store.paths import project_dir

IMAGES = (
    "docs/images.md says from where images are fetched (CONTENT_HOSTS) and which are read; "
    "they are asked for again after ten minutes."
)


@project_check("tasks", "project", "settings")
def tasks(bench: ProjectBench) -> Finding:
    """By the local copy: the machine that retrains may be another one, and says it in its log."""
    directory = project_dir(bench.bench.settings.data_dir, bench.id)
    try:
        problems = unreadable_tasks(directory)
        images = ImageFailures(bench.bench.redis, bench.id).reasons(values_of_tasks(directory))
    except sqlite3.Error as error:  # the retrain meets it too, and "retrain" says so
        return not_checked(f"the local copy of the tasks cannot be read ({error})")
    if images:
        more = f"; {unreadable_in_words(problems)}" if problems else ""
        return note(of_tasks(images) + more, IMAGES)
    if not problems:
        return ok("no task is known that cannot be read")
    return note(unreadable_in_words(problems), "Correct them in Label Studio, or delete them.")
