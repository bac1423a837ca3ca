"""Record what the loop publishes today: python -m tests.golden.record

Only where a change of it is meant. `test_golden.py` compares. The loop runs in a process of its own, in which
all processors round alike, as far as that can be had.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from redis import Redis

from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.loop import Loop
from tests.fakes.server import served
from tests.golden.cases import CASES, STRATEGIES
from tests.golden.rounding import ALIKE, rounding
from tests.golden.run import run

RECORDING = Path(__file__).with_name("recording.json.gz")


@dataclass(frozen=True)
class Recording:
    """published: by case, then by strategy; rounding: how the processor rounds on which it was made."""

    published: dict[str, dict[str, Any]]
    rounding: str


def recorded() -> Recording:
    return Recording(**json.loads(gzip.decompress(RECORDING.read_bytes())))


def made_now() -> Recording:
    """Every case by every strategy, as today's code publishes it."""
    with TemporaryDirectory() as folder:
        to = Path(folder) / "published.json"
        environment = {**os.environ, **ALIKE}
        done = subprocess.run(
            [sys.executable, "-m", "tests.golden.record", str(to)],
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return Recording(**json.loads(to.read_bytes()))


def main() -> None:
    if len(sys.argv) > 1:  # in the process of its own
        Path(sys.argv[1]).write_text(json.dumps({"published": _published(), "rounding": rounding()}))
        return
    whole = json.dumps(asdict(made_now()), separators=(",", ":")).encode()
    RECORDING.write_bytes(gzip.compress(whole, mtime=0))
    print(f"{RECORDING}: {RECORDING.stat().st_size / 1000:.0f} kB")


def _published() -> dict[str, dict[str, object]]:
    made: dict[str, dict[str, object]] = {}
    with (
        TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as environment,
        Supervisor() as supervisor,
        served() as server,
    ):
        redis_url = start_redis(supervisor, Path(folder), dict(os.environ))
        for case in CASES:
            for strategy in STRATEGIES:
                with Redis.from_url(redis_url) as redis:
                    redis.flushall()
                    loop = Loop(server.show(FakeLabelStudio()), redis, environment)
                    loop.set(
                        data_dir=Path(folder) / f"{case}-{strategy}",
                        label_studio_url=server.url,
                        label_studio_api_key="a-legacy-token",
                        redis_url=redis_url,
                        retrain_pause=0,
                    )
                    made.setdefault(case, {})[strategy] = run(loop, case, strategy)
                print(f"{case}: {strategy}", file=sys.stderr)
    return made


if __name__ == "__main__":
    main()
