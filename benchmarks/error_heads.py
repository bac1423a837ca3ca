"""Which error head ranks a classifier's errors best: what it reads, and one for all verdicts or per split.

python -m benchmarks.error_heads FOLDER SET,...      texts, as in FOLDER's README; sets to choose on

Random labels of each size, SEEDS draws. The area under the ROC curve of the errors on all other items, by:
margin; one head on all out-of-fold verdicts that reads the last hidden layer (the product's); the same on all
layers, the encoder's vector too; and a head for each of the ten splits, which learns from its verdicts alone
and reads what its sibling sees, averaged (splits with a verdict of one kind only are left out).
"""

from __future__ import annotations

import csv
import gzip
import sys
from itertools import islice
from pathlib import Path
from statistics import fmean, stdev

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from backend.encoders.base import encoded
from backend.encoders.registry import find_encoder
from backend.learning import heads
from backend.learning.heads import train_error_head
from backend.learning.training import Trained, outputs, stratified_folds, train
from backend.sampling import make_scene

TEXTS, SEEDS, LABELS = 2_000, 5, (60, 150, 300)
FOLDS = 10
NAMES = ("margin", "one head", "all layers", "one per split")


def main(arguments: list[str]) -> None:
    torch.set_num_threads(1)
    folder, names = arguments
    print(f"| set | labels | {' | '.join(NAMES)} |\n|{'---|' * (2 + len(NAMES))}", flush=True)
    every: list[dict[str, float]] = []
    for name in names.split(","):
        features, targets = _vectors(Path(folder), name)
        for labels in LABELS:
            found = [measured(features, targets, labels, seed) for seed in range(SEEDS)]
            every += found
            _tell(name, str(labels), found)
    _tell("all", "", every)
    for name in NAMES[1:]:
        gains = [each[name] - each["margin"] for each in every]
        print(f"{name} against margin: {fmean(gains):+.3f} ± {stdev(gains) / len(gains) ** 0.5:.3f}")


def _tell(name: str, labels: str, found: list[dict[str, float]]) -> None:
    cells = (f"{fmean(each[column] for each in found):.3f}" for column in NAMES)
    print(f"| {name} | {labels} | {' | '.join(cells)} |", flush=True)


def measured(features: Tensor, targets: Tensor, labels: int, seed: int) -> dict[str, float]:
    """By what ranks the errors, the area under the ROC curve. targets: int64 [N]."""
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(seed))
    known, waiting = order[:labels], order[labels:]
    classes = int(targets.max()) + 1
    trained = train(features[known], targets[known], classes, folds=FOLDS, seed=seed)
    scene = make_scene(features[waiting], features[known], targets[known], trained=trained, n_classes=classes)
    wrong = (scene.pool_layers.logits.argmax(1) != targets[waiting]).numpy()
    verdicts = scene.verdicts
    every = train_error_head(verdicts.layers, verdicts.correct, reads="all")
    said = {
        "margin": scene.margin,
        "one head": scene.margin if scene.error_head is None else scene.wrong(scene.error_head),
        "all layers": scene.margin if every is None else scene.wrong(every),
        "one per split": _by_split(trained, features[waiting], targets[known], scene.margin, seed),
    }
    return {name: float(roc_auc_score(wrong, each.numpy())) for name, each in said.items()}


def _by_split(trained: Trained, pool: Tensor, targets: Tensor, margin: Tensor, seed: int) -> Tensor:
    """float [N]; margin where no split has verdicts of both kinds."""
    fold, judged, said = stratified_folds(targets, FOLDS, seed), trained.out_of_fold, []
    least, heads.MIN_VERDICTS = heads.MIN_VERDICTS, 1
    for number in range(FOLDS):
        own = fold == number
        head = train_error_head(judged.layers.rows(own), judged.correct[own])
        if head is not None:
            said.append(head(outputs(trained.siblings.members(slice(number, number + 1)), pool)))
    heads.MIN_VERDICTS = least
    return torch.stack(said).mean(0) if said else margin


def _vectors(folder: Path, name: str) -> tuple[Tensor, Tensor]:
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        rows = [(row["text"], row["label"]) for row in islice(csv.DictReader(lines), TEXTS)]
    classes = sorted({label for _, label in rows})
    texts = [text for text, _ in rows]
    features = encoded(find_encoder("use+lsa").fit(texts, seed=0), texts)
    return features, torch.tensor([classes.index(label) for _, label in rows])


if __name__ == "__main__":
    main(sys.argv[1:])
