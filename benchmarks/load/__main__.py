"""The backend under load, beside a fake Label Studio that keeps up with it.

python -m benchmarks.load webhooks              2,000 webhooks at full speed while a retrain runs
python -m benchmarks.load predict               8 clients ask for 100 tasks each while models are replaced
python -m benchmarks.load soak --minutes 60     an hour with 50 projects: is the memory flat?
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.load.predict import predict
from benchmarks.load.soak import soak
from benchmarks.load.webhooks import webhooks


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load")
    parser.add_argument("--out", type=Path, help="Folder for logs and numbers.  [default: a temporary one]")
    loads = parser.add_subparsers(dest="load", required=True)
    burst = loads.add_parser("webhooks")
    burst.add_argument("--count", type=int, default=2000)
    burst.add_argument("--connections", type=int, default=16)
    burst.add_argument("--projects", type=int, default=10)
    asking = loads.add_parser("predict")
    asking.add_argument("--clients", type=int, default=8)
    asking.add_argument("--requests", type=int, default=40, help="Of each client.")
    asking.add_argument("--tasks", type=int, default=100, help="In each request.")
    long = loads.add_parser("soak")
    long.add_argument("--minutes", type=float, default=60)
    long.add_argument("--projects", type=int, default=50)
    long.add_argument("--tasks", type=int, default=300, help="Of each project.")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = told.out or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if told.load == "webhooks":
            return webhooks(folder, told.count, told.connections, told.projects)
        if told.load == "predict":
            return predict(folder, told.clients, told.requests, told.tasks)
        return soak(folder, told.minutes, told.projects, told.tasks)


if __name__ == "__main__":
    sys.exit(main())
