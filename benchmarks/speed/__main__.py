"""Time every query strategy, and where they are given, the reference and other libraries, in one run.

python -m benchmarks.speed                                  this project alone, 1,000 to 100,000 items
python -m benchmarks.speed --sizes 1000000 --threads 2      a million items
python -m benchmarks.speed --reference ../pytorch_active_learning --peers ../peers/bin/python

--reference: a checkout of rmunro/pytorch_active_learning. --peers: a Python with torch and any of
small-text, scikit-activeml, modAL and baal. Each case runs in a process of its own; both sides get a
trained classifier, and what is timed is the choice of 100 items. CPU seconds, since machines are shared.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.speed import ours, peers, reference
from benchmarks.speed.data import write_pool

ROOT = Path(__file__).parents[2]


@dataclass
class Bench:
    """Where the pools lie, and how long and with how many threads a case may run."""

    folder: Path
    threads: int
    limit: float

    def pool(self, n: int) -> Path:
        path = self.folder / f"pool-{n}.npy"
        if not path.exists():
            write_pool(path, n)
        return path

    def time(self, module: str, case: str, n: int, python: str = sys.executable, **env: str) -> dict | str:
        """What the case's process printed; a sentence where it did not end well."""
        repeats = "7" if n <= 100_000 else "2"
        try:
            done = self.run(
                *("benchmarks.speed.case", module, case, str(n), str(self.pool(n)), repeats),
                python=python,
                **env,
            )
        except subprocess.TimeoutExpired:
            return f"> {self.limit:.0f} s"
        if done.returncode:
            return (done.stderr.strip().splitlines() or ["failed"])[-1][:60]
        return json.loads(done.stdout.strip().splitlines()[-1])

    def run(self, *module: str, python: str = sys.executable, **env: str) -> subprocess.CompletedProcess[str]:
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(self.threads))
        return subprocess.run(
            [python, "-m", *module],
            env={**os.environ, **threads, **env, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=self.limit,
            cwd=ROOT,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", default="1000,10000,100000", help="pool sizes, with commas")
    parser.add_argument("--only", default="", help="cases to run, with commas; all by default")
    parser.add_argument("--reference", help="checkout of the reference")
    parser.add_argument("--peers", help="Python with other libraries")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=600, help="seconds one case may take, set-up included")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.threads, options.limit)
        only = [case for case in options.only.split(",") if case]
        for n in map(int, options.sizes.split(",")):
            _table(bench, n, options, only)


def _table(bench: Bench, n: int, options: argparse.Namespace, only: list[str]) -> None:
    print(f"\n## {n:,} items, {bench.threads} thread(s): CPU seconds (wall seconds, peak MB) for 100 picks\n")
    print("| case | ours | others (and how many times ours) |\n|---|---|---|", flush=True)
    for case in ours.CASES:
        if only and case not in only:
            continue
        mine = bench.time("ours", case, n)
        others = [] if isinstance(mine, str) else list(_others(bench, case, n, options, _seconds(mine)))
        print(f"| {case} | {_show(mine)} | {'; '.join(others)} |", flush=True)
    print(flush=True)
    if not only:
        print(bench.run("benchmarks.speed.rates", str(bench.pool(n))).stdout)


def _others(bench: Bench, case: str, n: int, options: argparse.Namespace, mine: float) -> Iterator[str]:
    plain = case.removesuffix(ours.LINEAR)
    if options.reference and case in reference.CASES and n <= 10_000:
        found = bench.time("reference", case, n, REFERENCE=str(Path(options.reference).resolve()))
        yield f"reference {_compare(found, mine)}"
    if options.peers:
        for name, same in peers.CASES.items():
            # Others are given a linear classifier, so ours has one too where the classifier does the work.
            like = case.endswith(ours.LINEAR) if same in ("margin", "entropy", "least_confidence") else True
            if same == plain and like:
                found = bench.time("peers", name, n, python=options.peers)
                yield f"{name.split(':')[0]} {_compare(found, mine)}"


def _seconds(found: dict) -> float:
    return statistics.median(found["cpu"])


def _compare(found: dict | str, mine: float) -> str:
    return found if isinstance(found, str) else f"{_seconds(found):.3g} (x {_seconds(found) / mine:.3g})"


def _show(found: dict | str) -> str:
    if isinstance(found, str):
        return found
    return f"{_seconds(found):.4f} ({statistics.median(found['wall']):.4f}, {found['peak']:.0f})"


if __name__ == "__main__":
    main()
