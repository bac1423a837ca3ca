"""What an installation of before left: files, Redis's keys, and what Label Studio held, in one archive."""

from __future__ import annotations

import base64
import io
import json
import tarfile
import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from redis import Redis

from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json, Rows

COMMIT = "edd26f8"
ARCHIVE = Path(__file__).with_name(f"{COMMIT}.tar.xz")
KINDS = {
    1: "single",
    2: "two controls",
    3: "multiple",
    4: "taxonomy",
    5: "HyperText",
    6: "may be blank",
    7: "dynamic",
    8: "single",
}
"""By project: the case of tests/golden/cases.py."""
PROJECTS = {
    "waiting": 1,
    "pinned": 2,
    "strategy": 3,
    "set aside": 4,
    "tried again": 5,
    "few": 6,
    "in order": 7,
    "cold": 8,
}
"""By what is special about it."""
A_TIME = 1e9
"""Unix time: larger numbers in Redis's sorted sets are moments."""
LEFT_OUT = ("lock", "metrics", "redis", "__pycache__")
"""Of the data folder: what belongs to processes that run."""


def dump_redis(redis: Redis) -> Json:
    """Each key as DUMP gives it, and the milliseconds that it has to live."""
    keys = [key for key in redis.keys("*") if not key.startswith((b"rq:worker", b"rq:scheduler"))]
    return {
        "made": time.time(),
        "keys": {
            key.decode(): [base64.b64encode(redis.dump(key)).decode(), redis.pttl(key)]
            for key in sorted(keys)
        },
    }


def restore_redis(redis: Redis, dumped: Json) -> None:
    """As if it had been left just now: what was due in five minutes is due in five minutes."""
    passed = time.time() - dumped["made"]
    for key, (content, lives) in dumped["keys"].items():
        redis.restore(key, max(lives, 0), base64.b64decode(content))
        if redis.type(key) == b"zset":
            moments = {member: at for member, at in redis.zrange(key, 0, -1, withscores=True) if at > A_TIME}
            for member in moments:
                redis.zincrby(key, passed, member)


def dump_label_studio(fake: FakeLabelStudio) -> list[Json]:
    return [
        {**vars(project), "annotations": list(project.annotations), "predictions": list(project.predictions)}
        for project in fake.projects.values()
    ]


def restore_label_studio(fake: FakeLabelStudio, dumped: list[Json]) -> None:
    used = 0
    for each in dumped:
        project = FakeProject(each["id"], each["settings"])
        for name in ("tasks", "connections", "webhooks"):
            setattr(project, name, {int(key): row for key, row in each[name].items()})
        for name in ("annotations", "predictions"):
            rows: Rows = getattr(project, name)
            for row in each[name]:
                rows.add(row)
                used = max(used, row["id"])
        used = max(used, *project.tasks, *project.connections, *project.webhooks)
        fake.projects[project.id] = project
    fake._ids = count(used + 1)


def pack(folder: Path) -> None:
    """Solid: the installations have much in common."""
    with tarfile.open(ARCHIVE, "w:xz", preset=9) as archive:
        # By name and not by installation, so that what is alike lies side by side.
        files = [path for path in folder.rglob("*") if path.is_file()]
        for path in sorted(files, key=lambda path: (path.suffix, path.name, path)):
            inside = path.relative_to(folder)
            if not set(LEFT_OUT) & set(inside.parts) and not path.name.endswith((".lock", ".log")):
                archive.addfile(_described(inside, path), io.BytesIO(path.read_bytes()))


def _described(inside: Path, path: Path) -> tarfile.TarInfo:
    """Without the owner and the time."""
    made = tarfile.TarInfo(inside.as_posix())
    made.size = path.stat().st_size
    return made


@dataclass
class Installation:
    """One that was unpacked below `folder`: `data` is DATA_DIR, `bucket` what MODEL_STORE held."""

    folder: Path
    shared: bool

    @property
    def model_store(self) -> str:
        return f"file://{self.folder / 'bucket'}" if self.shared else ""

    def read(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text())


def unpacked(name: str, folder: Path) -> Installation:
    """name: "folder" or "bucket"."""
    with tarfile.open(ARCHIVE) as archive:
        members = [each for each in archive if each.name.startswith(f"{name}/")]
        archive.extractall(folder, members, filter="data")
    return Installation(folder / name, name == "bucket")
