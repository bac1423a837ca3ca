"""Sets as vectors, encoded once and kept as files."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from backend.encoders.base import encoded
from backend.encoders.images import find_image_encoder
from backend.encoders.registry import find_encoder
from backend.encoders.use import DIMS
from backend.sampling.rows import unit_rows

CHOOSING = (
    "ag-news",
    "banking77",
    "disaster-headlines",
    "sst2",
    "notmnist",
    "subj",
    "mpqa",
    "trec",
    "tweet-irony",
    "tweet-offensive",
    "tweet-hate",
    "ag-skewed",
)
"""What a rule and its parameters may be chosen on. From "subj" on: of harvardnlp/sent-conv-torch and
cardiffnlp/tweeteval, fetched for hard cases, where a classifier of few labels knows next to nothing. The last
is ag-news with all of World, and of Business, Sports and Sci/Tech 50, 15 and 5 % of the texts."""
REPORTING = (
    "customer-reviews",
    "germeval2018-de",
    "reuters-r8",
    "tweeteval-emotion",
    "kmnist",
    "cifar10-sample",
)
"""What numbers are told of, once everything is chosen."""
MOST_TEXTS, MOST_PICTURES, MOST_TEST = 3_000, 2_000, 2_000
PIXELS = 256
"""Directions that plain pixels are brought to, as n-grams are: what images have in place of hashed words."""


class Data(NamedTuple):
    """pool, test: float32 [N, D] and [T, D]; targets, truth: int64 [N] and [T]; blocks: see `Scene`."""

    pool: Tensor
    targets: Tensor
    test: Tensor
    truth: Tensor
    blocks: tuple[int, ...] = ()


PARTS = ("pool", "targets", "test", "truth")
"""What is kept of a set in its file."""


def vectors(folder: Path, name: str, features: str, kept: Path) -> Data:
    """A set by one kind of features, "plain" or "pretrained"; from `kept`, where it is put at first."""
    file = kept / features / f"{name}.npz"
    pictures = (folder / f"{name}.npz").exists()
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        found = (_pictures if pictures else _texts)(folder, name, features)
        np.savez(file, **{part: getattr(found, part).numpy() for part in PARTS})
    with np.load(file, allow_pickle=False) as arrays:
        found = Data(*(torch.from_numpy(arrays[part]) for part in PARTS))
    if features == "plain":
        return found
    width = found.pool.shape[1]
    widths = find_image_encoder("lite0").block_widths if pictures else (DIMS, width - DIMS)
    return found._replace(blocks=widths)


def cut(data: Data, most: int) -> Data:
    """The first so many of the pool and of the test part; both are in random order."""
    return data._replace(
        pool=data.pool[:most], targets=data.targets[:most], test=data.test[:most], truth=data.truth[:most]
    )


def _texts(folder: Path, name: str, features: str) -> Data:
    rows = _read(folder / f"{name}.csv.gz", MOST_TEXTS)
    others = _read(folder / f"{name}.test.csv.gz", MOST_TEST)
    encoder = {"plain": "lsa", "pretrained": "use+lsa"}[features]
    fitted = find_encoder(encoder).fit([text for text, _ in rows], seed=0)
    classes = {label: place for place, label in enumerate(sorted({label for _, label in rows + others}))}
    pool = encoded(fitted, [text for text, _ in rows]).float()
    targets, truth = (torch.tensor([classes[label] for _, label in part]) for part in (rows, others))
    if features == "pretrained":
        return _parted(pool, targets)
    return Data(pool, targets, encoded(fitted, [text for text, _ in others]).float(), truth)


def _parted(rows: Tensor, targets: Tensor) -> Data:
    """The last third as the test part: half as much to encode as with a test part beside."""
    pool = len(rows) * 2 // 3
    return Data(rows[:pool], targets[:pool], rows[pool:], targets[pool:])


def _read(file: Path, most: int) -> list[tuple[str, str]]:
    """At most so many texts and labels; the files are in random order."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(lines)]
    return rows[:most]


def _pictures(folder: Path, name: str, features: str) -> Data:
    shown, targets = _images(folder / f"{name}.npz", MOST_TEXTS if features == "plain" else MOST_PICTURES)
    if features == "pretrained":
        return _parted(find_image_encoder("lite0").encode(list(shown)), targets)
    others, truth = _images(folder / f"{name}.test.npz", MOST_TEST)
    pool, test = (torch.from_numpy(each).float().flatten(1) / 255 for each in (shown, others))
    center = pool.mean(0)
    directions = torch.linalg.svd(pool - center, full_matrices=False).Vh[:PIXELS].T
    return Data(
        unit_rows((pool - center) @ directions), targets, unit_rows((test - center) @ directions), truth
    )


def _images(file: Path, most: int) -> tuple[np.ndarray, Tensor]:
    """uint8 [n, height, width, 3] and int64 [n]."""
    with np.load(file, allow_pickle=False) as arrays:
        pictures, labels = arrays["images"][:most], arrays["labels"][:most]
    if pictures.ndim == 3:
        pictures = np.repeat(pictures[..., None], 3, -1)
    return pictures, torch.tensor(labels.tolist())
