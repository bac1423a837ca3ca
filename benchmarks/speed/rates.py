"""How near scoring a pool comes to what the machine can do: python -m benchmarks.speed.rates POOL_FILE"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from backend.learning.training import outputs, train
from backend.sampling.uncertainty import margin
from benchmarks.speed.case import limit_threads
from benchmarks.speed.data import CLASSES, DIMS, read_pool


def main(pool_file: str) -> None:
    limit_threads()
    pool, labeled, targets = (torch.from_numpy(part) for part in read_pool(Path(pool_file)))
    network = train(labeled, targets, CLASSES).network
    width = network.shape.hidden[0]
    seconds = _best(lambda: margin(outputs(network, pool).probabilities))
    square = torch.randn(2048, 2048)
    multiply = 2 * 2048**3 / _best(lambda: square @ square)
    copy = pool.numel() * 4 / _best(pool.clone)
    done = 2 * len(pool) * (DIMS * width + width * CLASSES) / seconds
    read = pool.numel() * 4 / seconds
    print(
        f"Scoring {len(pool):,} items by margin: {seconds:.3f} s. {done / 1e9:.1f} GFLOP/s, "
        f"{done / multiply:.0%} of this machine's matrix multiply ({multiply / 1e9:.1f}, 2048 x 2048); "
        f"{read / 1e9:.1f} GB/s of features, {read / copy:.0%} of its memory copy ({copy / 1e9:.1f})."
    )


def _best(run: Callable[[], object], repeats: int = 5) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


if __name__ == "__main__":
    main(sys.argv[1])
