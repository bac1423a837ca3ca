"""Pools in which a kind is planted, for measuring what finds it."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from backend.encoders.base import encoded
from backend.encoders.images import find_image_encoder
from backend.encoders.registry import find_encoder
from backend.encoders.use import DIMS
from backend.sampling.clusters import spherical_kmeans

FOREIGN = {"sst2": "ag-news", "disaster-headlines": "sst2"}
"""Of two classes none can be kept back: there another set's texts are the new kind."""
TEXTS, IMAGES = 1_400, 700
Vectors = tuple[Tensor, list[str], tuple[int, ...]]
"""float32 [N, D], the N labels, and the widths of the blocks."""


@dataclass(frozen=True)
class Planted:
    """features: float32 [N, D]; targets: int64 [N]; new: bool [N], what is planted; labeled: int64 [M];
    waiting: int64 [W]; blocks: see `Scene`."""

    features: Tensor
    targets: Tensor
    classes: int
    new: Tensor
    labeled: Tensor
    waiting: Tensor
    blocks: tuple[int, ...]


def vectors(folder: Path, name: str) -> Vectors:
    """Of a set in the form of its README: at most TEXTS or IMAGES of it, some of them a foreign set's."""
    if (folder / f"{name}.npz").exists():
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            pictures, labels = arrays["images"][:IMAGES], arrays["labels"][:IMAGES]
        encoder = find_image_encoder("lite0")
        squares = [np.repeat(each[..., None], 3, -1) if each.ndim == 2 else each for each in pictures]
        blocks = getattr(encoder, "block_widths", ())
        return encoder.encode(squares), [str(label) for label in labels.tolist()], blocks
    rows = _rows(folder, name, TEXTS)
    if name in FOREIGN:
        rows = rows[: TEXTS // 2] + [(text, "new") for text, _ in _rows(folder, FOREIGN[name], TEXTS // 3)]
    texts = [text for text, _ in rows]
    features = encoded(find_encoder("use+lsa").fit(texts, seed=0), texts)
    return features, [label for _, label in rows], (DIMS, features.shape[1] - DIMS)


def _rows(folder: Path, name: str, most: int) -> list[tuple[str, str]]:
    with gzip.open(folder / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as lines:
        return [(row["text"], row["label"]) for row in islice(csv.DictReader(lines), most)]


def shift(found: Vectors, seed: int, labels: int) -> Planted:
    """A third of the pool is of a kind that no label is of: one class, a third of 77, or foreign texts."""
    features, names, blocks = found
    classes = sorted(set(names))
    targets = torch.tensor([classes.index(name) for name in names])
    chance = torch.Generator().manual_seed(seed)
    if "new" in classes:
        kinds = torch.tensor([classes.index("new")])
    else:
        kinds = torch.randperm(len(classes), generator=chance)[
            : len(classes) // 3 if len(classes) > 20 else 1
        ]
    new = torch.isin(targets, kinds)
    old = _with_two_classes(_shuffled((~new).nonzero()[:, 0], chance), targets)
    fresh = _shuffled(new.nonzero()[:, 0], chance)
    size = min(len(fresh), (len(old) - labels) // 2)
    waiting = torch.cat([old[labels : labels + 2 * size], fresh[:size]])
    return Planted(features, targets, len(classes), new, old[:labels], _shuffled(waiting, chance), blocks)


def confident_errors(found: Vectors, seed: int, labels: int) -> Planted:
    """A tight cluster of a tenth of the items has the label of a class that it does not look like: a model
    that has seen few of it is sure, and wrong. Some of it is labelled, as chance will have it."""
    features, names, blocks = found
    classes = sorted(set(names))
    targets = torch.tensor([classes.index(name) for name in names])
    chance = torch.Generator().manual_seed(seed)
    rows = torch.nn.functional.normalize(features, dim=1)
    cluster = spherical_kmeans(rows, 10, torch.randperm(len(rows), generator=chance))[0]
    new = cluster == int(torch.randint(int(cluster.max()) + 1, (1,), generator=chance))
    targets = targets.clone()
    targets[new] = (int(targets[new].mode().values) + 1) % len(classes)
    order = torch.randperm(len(rows), generator=chance)
    return Planted(features, targets, len(classes), new, order[:labels], order[labels:], blocks)


def _with_two_classes(rows: Tensor, targets: Tensor) -> Tensor:
    """The first of another class than the first comes second."""
    other = int((targets[rows] != targets[rows[0]]).nonzero()[0])
    return torch.cat([rows[:1], rows[other : other + 1], rows[1:other], rows[other + 1 :]])


def _shuffled(rows: Tensor, chance: torch.Generator) -> Tensor:
    return rows[torch.randperm(len(rows), generator=chance)]
