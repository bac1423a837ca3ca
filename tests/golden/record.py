"""Record what the loop publishes today: python -m tests.golden.record

Only where a change of it is meant. `test_golden.py` compares.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from redis import Redis

from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.fakes.label_studio import FakeLabelStudio
from tests.fakes.loop import Loop
from tests.fakes.server import served
from tests.golden.cases import CASES, STRATEGIES
from tests.golden.run import run

RECORDING = Path(__file__).with_name("recording.json.gz")


def recorded() -> dict[str, dict[str, object]]:
    """By case, then by strategy."""
    found: dict[str, dict[str, object]] = json.loads(gzip.decompress(RECORDING.read_bytes()))
    return found


def main() -> None:
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
    whole = json.dumps(made, separators=(",", ":")).encode()
    RECORDING.write_bytes(gzip.compress(whole, mtime=0))
    print(f"{RECORDING}: {RECORDING.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
