"""What a queue's head costs in batches, beside an earlier checkout of this project: CPU seconds, in turn.

python -m benchmarks.speed.heads --before ../edd26f8                       all strategies, 100,000 items
python -m benchmarks.speed.heads --before ../edd26f8 --only atlas,clusters --size 10000

Both trees rank the same pool (benchmarks/speed/data.py) with the same classifier's recipe; the first HEAD
tasks of the queue are made, here in batches of 5. The two are run one after the other, REPEATS rankings each,
each in a process of its own, and the least CPU seconds of each are compared: a machine that is shared can
only make them more.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.speed.data import CLASSES, write_pool

HEAD = 200
REPEATS = 3
HERE = Path(__file__).parents[2]
CASE = """
import sys, time, json, torch
from pathlib import Path
import numpy as np
tree, pool_file, classes, head, repeats, strategy = sys.argv[1:]
sys.path.insert(0, tree)
import backend
assert backend.__file__.startswith(tree), backend.__file__
from backend.learning.training import train
from backend.sampling import make_scene, rank_scene
torch.set_num_threads(1)
features, targets = np.load(pool_file), np.load(Path(pool_file).with_suffix(".targets.npy"))
labeled, pool = torch.from_numpy(features[: len(targets)]), torch.from_numpy(features[len(targets) :])
targets = torch.from_numpy(targets)
trained = train(labeled, targets, int(classes))
seconds = []
for _ in range(int(repeats)):
    scene = make_scene(pool, labeled, targets, trained=trained)
    began = time.process_time()
    rank_scene(strategy, scene, int(head))
    seconds.append(time.process_time() - began)
print(json.dumps(seconds))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--before", type=Path, required=True, help="checkout to compare with")
    parser.add_argument("--size", type=int, default=100_000, help="items in the pool")
    parser.add_argument("--only", default="", help="strategies, with commas; all by default")
    options = parser.parse_args()
    from backend.sampling import names

    print(f"{options.size:,} items, head of {HEAD}: CPU seconds before, now, ratio")
    with tempfile.TemporaryDirectory() as folder:
        pool = Path(folder) / "pool.npy"
        write_pool(pool, options.size)
        for strategy in options.only.split(",") if options.only else names():
            before = least(options.before.resolve(), pool, strategy)
            now = least(HERE, pool, strategy)
            print(f"| {strategy} | {before:.3f} | {now:.3f} | {now / before:.2f} |", flush=True)


def least(tree: Path, pool: Path, strategy: str) -> float:
    """CPU seconds of the quickest of REPEATS rankings by the code of that checkout."""
    arguments = [str(tree), str(pool), str(CLASSES), str(HEAD), str(REPEATS), strategy]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-c", CASE, *arguments],
        env={**os.environ, **threads},
        cwd=tree,
        capture_output=True,
        text=True,
        check=True,
    )
    return min(json.loads(done.stdout.strip().splitlines()[-1]))


if __name__ == "__main__":
    main()
