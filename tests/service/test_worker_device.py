"""A worker's parent, which forks its jobs, never touches a GPU: its children could not use one then."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor

PARENT = """
import json, sys
import torch
asked = []
for module, name in ((torch.cuda, "is_available"), (torch.cuda, "device_count"), (torch.cuda, "_lazy_init"),
                     (torch.cuda, "init"), (torch.backends.mps, "is_available")):
    def noted(*a, real=getattr(module, name), name=name, **k):
        asked.append(name)
        return real(*a, **k)
    setattr(module, name, noted)
from backend.jobs.dispatch import Dispatcher
from backend.jobs.worker import create_worker
from backend.settings import Settings
settings = Settings()
Dispatcher.from_settings(settings).demand_retrain(7)
create_worker(settings).work(burst=True, with_scheduler=True, logging_level="CRITICAL")
print(json.dumps([asked, torch.cuda.is_initialized()]))
"""


def test_the_parent_of_jobs_never_asks_for_a_gpu(tmp_path: Path) -> None:
    """Through its start, the fork of a job and its end; nobody answers for the project, so the job fails."""
    with Supervisor() as supervisor:
        env = {
            **inherited_environment(),
            "DEVICE": "auto",
            "REDIS_URL": start_redis(supervisor, tmp_path, dict(os.environ)),
            "LABEL_STUDIO_URL": "http://127.0.0.1:9",
            "LABEL_STUDIO_API_KEY": "a-legacy-token",
        }
        command = [sys.executable, "-c", PARENT]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [[], False]
