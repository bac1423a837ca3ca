"""What a project costs the machines that serve it and work for it, by its number of tasks.

Each size in a process of its own: the first retrain (all texts new), the next one (all texts known), one
answer of /predict, the peak of memory, and what is kept on disk. Label Studio's own part, which does not
depend on this machine, is in `queue_latency.py`. Texts are 20 words drawn from the demo's headlines.
Usage: python benchmarks/capacity.py [LABELS] [TASKS ...]
"""

from __future__ import annotations

import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = 20
ANSWERS = 20


def main(labels: int = 300, *sizes: int) -> None:
    print(f"{labels} labels, one thread; seconds of CPU\n")
    print("| tasks | first retrain | next retrain | one answer | peak memory, MB | disk, MB |")
    print("| --- | --- | --- | --- | --- | --- |")
    for tasks in sizes or (1_000, 10_000, 100_000):
        command = [sys.executable, __file__, "--one", str(labels), str(tasks)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end="", flush=True)


def measure(labels: int, tasks: int) -> None:
    """Print one row of the table."""
    import torch

    torch.set_num_threads(1)
    from backend.loaded import load_version
    from backend.predicting import answers
    from backend.said.base import Contents
    from backend.settings import Settings
    from backend.store.locations import version_store

    texts, classes = _texts(tasks)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        store = version_store(settings, 1)
        first = _cpu(lambda: store.save(_retrain(settings, texts, classes[:labels], 1)))
        following = _cpu(lambda: store.save(_retrain(settings, texts, classes[:labels], 2)))
        loaded = load_version(settings, 1, "atlas-000002")
        answer = (
            _cpu(
                lambda: [
                    answers(loaded, [1], Contents(texts[:1], loaded.vectors(texts[:1]).features))
                    for _ in range(ANSWERS)
                ]
            )
            / ANSWERS
        )
        disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {tasks:,} | {first:.1f} | {following:.1f} | {answer:.3f} | {peak:,.0f} | {disk / 1e6:,.0f} |")


def _retrain(settings, texts, classes, number):  # type: ignore[no-untyped-def]
    """What the retrain job does between its pull from Label Studio and its import."""
    import torch

    from backend import sampling
    from backend.controls.base import CLASSES
    from backend.controls.config import parse_label_config
    from backend.learning.training import train
    from backend.store.locations import feature_cache
    from backend.store.model_version import ControlModel, ModelVersion, version_name

    features, encoder = feature_cache(settings, 1).encode(texts)
    labeled, targets = features[: len(classes)], torch.tensor(classes)
    trained = train(labeled, targets, 2, folds=settings.folds, seed=0)
    scene = sampling.make_scene(features[len(classes) :], labeled, targets, trained=trained)
    ranking = sampling.rank_scene(settings.strategy, scene, settings.queue_head)
    worth = torch.zeros(0) if ranking.worth is None else ranking.worth[ranking.order].float()
    choices = '<Choices name="label" toName="text"><Choice value="a"/><Choice value="b"/></Choices>'
    scheme = parse_label_config(f'<View><Text name="text" value="$text"/>{choices}</View>')
    models = (ControlModel(scheme.main, {CLASSES: trained.network}),)
    return ModelVersion(
        version_name(number), scheme, settings.strategy, encoder, models, ranking.scorer_head,
        ranking.order, worth, {}, scene.error_head,
    )  # fmt: skip


def _texts(number: int) -> tuple[list[str], list[int]]:
    """Texts, and a class for each that goes with some of its words."""
    from backend.demo.data import load

    words = sorted({word for text, _ in load(None, 0).pool for word in text.split()})
    chance = random.Random(0)
    texts, classes = [], []
    for _ in range(number):
        kind = chance.random() < 0.3
        half = words[: len(words) // 2] if kind else words
        texts.append(" ".join(chance.choices(half, k=WORDS)))
        classes.append(int(kind))
    return texts, classes


def _cpu(act) -> float:  # type: ignore[no-untyped-def]
    started = time.process_time()
    act()
    return time.process_time() - started


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        measure(*map(int, sys.argv[2:]))
    else:
        main(*map(int, sys.argv[1:]))
