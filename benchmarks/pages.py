"""How long a project's page takes, as a browser has it: first paint, the map of 100,000 items and its frames,
and whether a long history opens as fast as a short one.

python -m benchmarks.pages [ITEMS]

Needs Chromium, and no Label Studio, as benchmarks.lasso_latency does.
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from flask.testing import FlaskClient
from redis import Redis

from backend.jobs.page_links import Invited, make_link
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from backend.settings import Settings
from backend.store.history import Entry, History
from backend.store.item_map import NONE, packed
from backend.store.label_record import LabelledFor, LabelRecord
from backend.store.locations import item_maps, project_files
from backend.store.reason import Reason
from tests.browser import Browser, browser
from tests.entering import enter_by, entered
from tests.pages_served import pages_served

RETRAINS = (20, 20_000)
"""Of the projects 1 and 2."""
LABELS = 5
"""Between two retrains."""
WHY = Reason("picked", "auto", "atlas-000001", place=1, of=200, doubt=0.4, p_wrong=0.3)
AGAIN, LOADS, FRAMES = 100, 5, 60
ZOOMED = """
const times = [], canvas = document.getElementById('map-canvas');
const box = canvas.getBoundingClientRect();
const wheel = { clientX: box.left + box.width / 2, clientY: box.top + box.height / 2, cancelable: true };
let last = 0;
const frame = (now) => {
  if (last) times.push(now - last);
  last = now;
  if (times.length >= %d) { window.frames_measured = times; return; }
  canvas.dispatchEvent(new WheelEvent('wheel', { ...wheel, deltaY: times.length %% 2 ? 20 : -20 }));
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
"""
"""Turns the wheel in each frame, and notes how long it took."""


def main(items: int = 100_000) -> None:
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder, Supervisor() as supervisor:
        url = start_redis(supervisor, Path(folder), dict(os.environ))
        settings = Settings(data_dir=Path(folder), redis_url=url)
        for project, retrains in enumerate(RETRAINS, 1):
            files = project_files(settings, project)
            History(files).add([entry(i) for i in range(retrains)])
            LabelRecord(files).add([LabelledFor(i, i, WHY) for i in range(LABELS * retrains)])
        item_maps(settings, 2).show(map_of(items))
        histories(entered(settings, Invited("bench", False)))
        with pages_served(settings) as address, browser(Path(folder)) as opened:
            with Redis.from_url(url) as redis:
                enter_by(opened, make_link(redis, settings, Invited("bench", False), address))
            in_browser(opened, f"{address}/projects/2", items)


def entry(i: int) -> Entry:
    """Of a project with 30 classes, about as long as real ones."""
    labels = {f"class {c}": i for c in range(30)}
    estimate = {"accuracy": {"value": 0.8, "low": 0.75, "high": 0.85}, "audited": i, "share": 0.05}
    told = {"version": f"atlas-{i + 1:06d}", "at": "2026-11-27T20:00:00+00:00", "published": True}
    return {**told, "trained_on": LABELS * i, "accuracy": 0.7, "labels": labels, "estimate": estimate}


def map_of(items: int) -> bytes:
    """Of 20 clusters, a tenth of it labelled."""
    chance = np.random.default_rng(0)
    cluster = chance.integers(0, 20, items)
    middles = chance.uniform(9_000, 56_000, (20, 2))
    places = np.clip(middles[cluster] + chance.normal(0, 3_000, (items, 2)), 0, 65_535)
    labelled = chance.random(items) < 0.1
    columns = {"task": np.arange(1, items + 1), "x": places[:, 0], "y": places[:, 1], "guess": cluster}
    columns |= {"label": np.where(labelled, cluster, NONE), "annotator": np.where(labelled, 0, NONE)}
    columns["doubt"] = chance.integers(0, 255, items)
    names = [f"class {c}" for c in range(20)]
    told = {"version": "atlas-020000", "changes": 0, "encoder": "none", "kept": 0.4}
    return packed({**told, "labels": names, "annotators": ["1"]}, columns)


def histories(client: FlaskClient) -> None:
    """In turn, so that a load of the machine's strikes both."""
    took: list[list[float]] = [[] for _ in RETRAINS]
    for _ in range(AGAIN + 1):
        for i in range(len(RETRAINS)):
            took[i].append(seconds_of(client, i + 1))
    medians = [statistics.median(later) for _, *later in took]
    for retrains, (first, *_), again in zip(RETRAINS, took, medians, strict=True):
        print(f"{retrains:6} retrains: first {1000 * first:.0f} ms, then {1000 * again:.1f} ms (median)")
    print(f"the longer history takes {medians[-1] / medians[0]:.2f} times as long (asked: 1)")


def seconds_of(client: FlaskClient, project: int) -> float:
    began = time.perf_counter()
    answer = client.get(f"/projects/{project}")
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer.status_code
    assert "cannot be shown" not in answer.text
    return took


def in_browser(opened: Browser, address: str, items: int) -> None:
    opened.cdp("Network.setCacheDisabled", cacheDisabled=True)
    paints, drawn = [], []
    for _ in range(LOADS):
        opened.go("about:blank")
        opened.go(address)
        drawn.append(opened.wait("return document.getElementById('map-root').dataset.drawnAt"))
        paints.append(first_paint(opened))
    print(f"first paint: {told(paints)} (asked: 2000 at most)")
    print(f"map of {items:,} items drawn: {told([float(each) for each in drawn])} (asked: 3000 at most)")
    opened.run(ZOOMED % FRAMES)
    frames = opened.wait("return window.frames_measured")
    print(f"a frame of zooming it: {told(frames)}")


def first_paint(opened: Browser) -> float:
    """In milliseconds since the address was asked for."""
    found: Any = opened.run(
        "return performance.getEntriesByName('first-contentful-paint').map((each) => each.startTime)"
    )
    return float(found[0])


def told(milliseconds: list[float]) -> str:
    middle, most = statistics.median(milliseconds), max(milliseconds)
    return f"{middle:.0f} ms (median of {len(milliseconds)}; {most:.0f} at most)"


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
