"""One case in a process of its own: python -m benchmarks.speed.case MODULE CASE N POOL_FILE REPEATS

Prints one line of JSON: CPU and wall seconds of each repetition, peak memory in MB, how many picks.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import resource
import sys
import time
from pathlib import Path

ENOUGH = 20
"""Seconds after which a slow case is not repeated again."""


def main(module: str, case: str, n: str, pool_file: str, repeats: str) -> None:
    limit_threads()
    run = importlib.import_module(f"benchmarks.speed.{module}").make(case, Path(pool_file), int(n))
    cpu, wall, picked = [], [], 0
    while len(cpu) < int(repeats) and sum(wall) < ENOUGH:
        started = time.process_time(), time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):  # the reference prints as it goes
            picked = run()
        cpu.append(time.process_time() - started[0])
        wall.append(time.perf_counter() - started[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": cpu, "wall": wall, "peak": peak, "picked": picked}))


def limit_threads() -> None:
    """torch and the linear algebra libraries read OMP_NUM_THREADS; torch alone wants to be told again."""
    import os

    import torch

    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


if __name__ == "__main__":
    main(*sys.argv[1:])
