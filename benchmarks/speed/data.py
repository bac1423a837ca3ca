"""The pools everybody picks from: made up, the same for the same size. No file of anyone's is needed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

DIMS, CLASSES, LABELED, PICKS = 384, 4, 200, 100
VOCABULARY = 2_000


def write_pool(path: Path, n: int, seed: int = 0) -> None:
    """Unit vectors like sentence embeddings, 4 classes in 40 sub-clusters, a tenth of the labels wrong.

    features: float32 [LABELED + n, DIMS], the labelled first; targets: int64 [LABELED].
    """
    generator = np.random.default_rng(seed)
    total = LABELED + n
    centers = generator.standard_normal((40, DIMS), np.float32)
    class_direction = generator.standard_normal((CLASSES, DIMS), np.float32)
    sub = generator.integers(0, 40, total)
    targets = sub % CLASSES
    features = np.empty((total, DIMS), np.float32)
    for start in range(0, total, 65_536):
        rows = slice(start, start + 65_536)
        block = centers[sub[rows]] + 0.7 * class_direction[targets[rows]]
        block += 1.6 * generator.standard_normal(block.shape, np.float32)
        features[rows] = block / np.linalg.norm(block, axis=1, keepdims=True)
    flipped = np.where(generator.random(total) < 0.1, generator.integers(0, CLASSES, total), targets)
    flipped[:CLASSES] = np.arange(CLASSES)
    np.save(path, features)
    np.save(path.with_suffix(".targets.npy"), flipped[:LABELED].astype(np.int64))


def read_pool(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(pool, labeled, targets)."""
    features = np.load(path)
    return features[LABELED:], features[:LABELED], np.load(path.with_suffix(".targets.npy"))


def headlines(n: int, seed: int, labelled: bool) -> list[list[object]]:
    """Rows [id, text, label, strategy, score] as the reference wants them: 4 to 10 words, 30 % of class 1."""
    generator = np.random.default_rng(seed)
    frequency = 1 / (np.arange(VOCABULARY) + 20)
    topic = np.random.default_rng(1).permutation(VOCABULARY)[:60]
    rows: list[list[object]] = []
    for i in range(n):
        label = int(generator.random() < 0.3)
        words = generator.choice(VOCABULARY, int(generator.integers(4, 11)), p=frequency / frequency.sum())
        if label:
            words[: int(generator.integers(1, 4))] = generator.choice(topic)
        text = " ".join(f"w{word}" for word in words)
        rows.append([f"{seed}-{i}", text, str(label) if labelled else "", "", 0])
    return rows
