"""From an annotation to the re-ordered queue, beside what Label Studio's own calls cost alone.

Starts a fresh Label Studio and the backend, labels one task at a time with RETRAIN_EVERY=1, and waits
each time until the project's version has changed. Then the same import and switch of version are made
by this script, with nothing else going on. Usage: python benchmarks/queue_latency.py [TASKS] [REPEATS]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from backend.demo.data import load
from backend.demo.environment import install_label_studio
from backend.demo.label_studio import free_port, start_label_studio
from backend.demo.project import DemoProject
from backend.running.backend import inherited_environment, start_backend
from backend.running.supervisor import Supervisor
from backend.settings import Settings


def main(tasks: int = 2000, repeats: int = 15) -> None:
    data = load(None, 0)
    rows = [(f"{text} ({i})", label) for i in range(tasks) for text, label in [data.pool[i % len(data.pool)]]]
    with tempfile.TemporaryDirectory() as folder, Supervisor() as supervisor:
        server = start_label_studio(
            supervisor, install_label_studio(Settings().cache_dir), Path(folder) / "ls", free_port(0)
        )
        settings = Settings(data_dir=Path(folder) / "atlas", port=free_port(0))
        settings.data_dir.mkdir()
        env = {
            **inherited_environment(),
            "LABEL_STUDIO_URL": server.url,
            "LABEL_STUDIO_API_KEY": server.access_token(),
            "RETRAIN_EVERY": "1",
            "RETRAIN_PAUSE": "0",
            "REDIS_URL": "",
        }
        start_backend(supervisor, settings, env, logs=settings.data_dir)
        http = server.admin.http
        project = DemoProject(http, "latency", data.labels, [text for text, _ in rows])
        project.connect(f"http://localhost:{settings.port}")
        version = project.wait_for_version_after("", supervisor.check)
        label_of = dict(zip(project.task_ids, (label for _, label in rows), strict=True))
        seconds = []
        for task in project.task_ids[: repeats + 20]:
            choice = {"choices": [label_of[task]]}
            result = [{"from_name": "label", "to_name": "text", "type": "choices", "value": choice}]
            http.post(f"/api/tasks/{task}/annotations/", json={"result": result}).raise_for_status()
            started = time.perf_counter()
            version = project.wait_for_version_after(version, supervisor.check)
            seconds.append(time.perf_counter() - started)
        seconds = seconds[20:]  # the first ones come before there are two classes

        template = http.get("/api/predictions", params={"project": project.id}).json()
        head = [item for item in template if item["model_version"] == version]
        alone = []
        for repeat in range(repeats):
            name = f"alone-{repeat}"
            body = [
                {"task": p["task"], "result": p["result"], "score": p["score"], "model_version": name}
                for p in head
            ]
            started = time.perf_counter()
            http.post(f"/api/projects/{project.id}/import/predictions", json=body).raise_for_status()
            http.patch(f"/api/projects/{project.id}/", json={"model_version": name}).raise_for_status()
            alone.append(time.perf_counter() - started)
        print(f"{tasks} tasks, head of {len(head)}, median of {repeats}:")
        print(f"  annotation to re-ordered queue      {statistics.median(seconds):.2f} s")
        print(f"  import of the head + switch alone   {statistics.median(alone):.2f} s")
        print("  last retrain:", (settings.data_dir / "worker.log").read_text().splitlines()[-1])


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
