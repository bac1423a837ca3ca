"""Hours of ordinary work on many projects: is what the processes hold flat?

Every second a task of one of the projects that are worked on is annotated (or an annotation corrected) and
its webhook sent, and any project's task pages ask for predictions. The team moves on to other projects
every minute. What each process holds is noted all the while.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

import httpx
from redis import Redis

from benchmarks.load.memory import Curve, children, resident
from benchmarks.load.stage import Project, Stage, stage
from tests.fakes.project import CONFIG

NOTE_EVERY = 20
"""Seconds between two notes of the memory."""
AT_ONCE = 5
"""Projects that are worked on in the same minute."""


def soak(folder: Path, minutes: float, n_projects: int, n_tasks: int) -> int:
    """Runs it, prints a table, writes every number to `folder`/soak.json. Returns an exit code."""
    with stage(folder) as running:
        rng = random.Random(0)
        for project_id in range(1, n_projects + 1):
            running.create(project_id, n_tasks)
        curves = _live(running, rng, minutes)
        late = running.wait_until_trained(900)
        left = _left_behind(running)
    _report(curves, minutes)
    print(f"  projects whose last annotation was not trained: {len(late)} of {n_projects}")
    print(f"  left behind: {left}")
    told = {curve.name: [curve.minutes, curve.values] for curve in curves}
    (folder / "soak.json").write_text(json.dumps({"curves": told, "late": len(late), "left": left}))
    return 1 if late else 0


def _live(running: Stage, rng: random.Random, minutes: float) -> list[Curve]:
    curves = {name: Curve(name) for name in ("web", "worker", "upkeep", "cron", "redis", "retrain's child")}
    curves |= {
        "Redis keys": Curve("Redis keys", ""),
        "Redis data": Curve("Redis data"),
        "files": Curve("files", ""),
        "errors": Curve("errors", ""),
    }
    projects = list(running.projects.values())
    started = next_note = time.monotonic()
    errors, asked = 0, 0
    with Redis.from_url(running.env["REDIS_URL"]) as redis:
        while (now := time.monotonic()) - started < minutes * 60:
            running.supervisor.check()
            shift = int((now - started) / 60) * AT_ONCE
            worked_on = projects[(shift + rng.randrange(AT_ONCE)) % len(projects)]
            running.send(running.annotate_some(worked_on, rng))
            errors += not _ask(running, rng.choice(projects), rng)
            asked += 1
            if now >= next_note:
                next_note += NOTE_EVERY
                _note(running, redis, curves, (now - started) / 60)
                curves["errors"].note((now - started) / 60, errors)
            time.sleep(max(0.0, 1 - (time.monotonic() - now)))
    print(f"{asked} annotations and requests for predictions, {errors} without an answer")
    return list(curves.values())


def _ask(running: Stage, project: Project, rng: random.Random) -> bool:
    """One task page, or now and then a batch. Whether the answer was whole; none is one before a model."""
    ids = rng.sample(project.tasks, rng.choice([1, 1, 1, 25]))
    tasks = [{"id": task, "data": {"text": f"flood in town {task}"}} for task in ids]
    body = {"tasks": tasks, "project": f"{project.id}.1", "label_config": CONFIG}
    try:
        results = (
            httpx.post(f"{running.url}/predict", json=body, headers=running.headers, timeout=60)
            .raise_for_status()
            .json()["results"]
        )
    except httpx.HTTPError:
        return False
    return len(results) in (0, len(tasks)) and len({item["model_version"] for item in results}) <= 1


def _note(running: Stage, redis: Redis, curves: dict[str, Curve], minute: float) -> None:
    pids = running.pids()
    web = pids["web server"]
    curves["web"].note(minute, sum(resident(child) for child in children(web)))
    for name in ("worker", "upkeep", "cron", "redis"):
        curves[name].note(minute, resident(pids[name]))
    horses = [resident(child) for child in children(pids["worker"])]
    curves["retrain's child"].note(minute, max(horses, default=0.0))
    curves["Redis keys"].note(minute, redis.dbsize())
    curves["Redis data"].note(minute, redis.info("memory")["used_memory"] / 2**20)
    curves["files"].note(minute, sum(1 for path in running.data_dir.rglob("*") if path.is_file()))


def _left_behind(running: Stage) -> dict[str, int]:
    """Temporary files and half-built versions; there should be none."""
    names = [path.name for path in running.data_dir.glob("projects/**/*")]
    return {"temporary": sum(name.startswith(".") for name in names)}


def _report(curves: list[Curve], minutes: float) -> None:
    marks = [round(minutes * share, 1) for share in (0.05, 0.25, 0.5, 0.75, 1.0)]
    print(f"{'':<18}" + "".join(f"{f'{mark:g} min':>10}" for mark in marks) + f"{'per hour':>12}")
    for curve in curves:
        row = "".join(f"{curve.near(mark):>10.1f}" for mark in marks)
        print(f"{curve.name:<18}{row}{curve.slope(minutes / 4):>+12.1f} {curve.unit}")
