"""Does adapting an encoder's layers pay, and what does it cost?

python -m benchmarks.fine_tuning FILE.csv.gz ... FILE.npz ... [--labels 100,300] [--seeds 0,1] [--no-folds]

Texts: columns text,label, by --encoder (minilm). Pictures: images, labels, by lite0, adapted to the small
copies that are kept of them (--whole: to the pictures themselves). FILE.test.* lies beside each. Of each
seed so many items are labelled at random. Macro-F1 and accuracy on at most 500 test items, of the frozen
classifier and of the adapted one; `said`: whether the held-out folds of the labelled items call it better, by
how much of the answers; CPU seconds of one thread, of the folds and of all labels together.
"""

from __future__ import annotations

import csv
import gzip
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import click
import numpy as np
import torch
from sklearn.metrics import f1_score
from torch import Tensor

from backend.content.pictures import Picture, decoded, thumbnail
from backend.encoders.backbones import DEPTHS, Adaptable, adaptable
from backend.encoders.base import Encoder
from backend.encoders.lite0_weights import lite0
from backend.encoders.pictures import Lite0Encoder
from backend.encoders.registry import find_encoder
from backend.learning.adapted_or_not import Compared, compare
from backend.learning.fine_tuning import Material, adapted_features, fine_tune, fitted
from backend.learning.training import outputs

MAX_TEST = 500
NOT_ASKED = Compared(0.0, 0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Measured:
    frozen: float
    adapted: float
    right_before: float
    right_after: float
    said: bool
    gain: float
    error: float
    seconds: float


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--encoder", default="minilm")
@click.option("--labels", default="100,300")
@click.option("--seeds", default="0,1")
@click.option("--folds/--no-folds", default=True, help="Without, the held-out folds are not asked.")
@click.option("--layers", type=click.Choice(["last", "all"]), default="last")
@click.option("--whole", is_flag=True, help="Pictures as they are, instead of small copies.")
def main(
    files: tuple[Path, ...], encoder: str, labels: str, seeds: str, folds: bool, layers: str, whole: bool
) -> None:
    torch.set_num_threads(1)
    click.echo("| set | labels | macro-F1 frozen | adapted | accuracy frozen | adapted | said | s CPU |")
    click.echo("|---" * 8 + "|")
    for file in files:
        is_text = file.name.endswith(".csv.gz")
        pool, y = _read(file)
        test, truth = (each[:MAX_TEST] for each in _read(_test_of(file)))
        fitted_encoder: Any = find_encoder(encoder).fit(pool, seed=0) if is_text else Lite0Encoder(lite0)
        part = adaptable(fitted_encoder, DEPTHS[layers])
        if part is None:
            raise click.ClickException(f"{encoder} has no layers to adapt")
        bench = Bench(fitted_encoder, part, pool, y, test, truth, small=not is_text and not whole)
        for count in map(int, labels.split(",")):
            found = [bench.measure(count, seed, folds) for seed in map(int, seeds.split(","))]
            _tell(file.name.split(".")[0], count, found)


def _tell(name: str, count: int, found: list[Measured]) -> None:
    means = ("frozen", "adapted", "right_before", "right_after")
    cells = [
        *(f"{fmean(getattr(each, field) for each in found):.3f}" for field in means),
        ", ".join(f"{'yes' if each.said else 'no'} ({each.gain:+.3f} ± {each.error:.3f})" for each in found),
        f"{fmean(each.seconds for each in found):.0f}",
    ]
    click.echo(f"| {name} | {count} | {' | '.join(cells)} |")


class Bench:
    """One set, one encoder."""

    def __init__(
        self,
        encoder: Encoder,
        part: Adaptable,
        pool: list[Any],
        y: Tensor,
        test: list[Any],
        truth: Tensor,
        *,
        small: bool,
    ):
        self._encoder = encoder
        self._part = part
        self._small = small
        self._pool, self._y = pool, y
        self._classes = int(y.max()) + 1
        self._test = self._material(test, truth)

    def measure(self, count: int, seed: int, folds: bool) -> Measured:
        chosen = torch.randperm(len(self._pool), generator=torch.Generator().manual_seed(seed))[:count]
        material = self._material([self._pool[i] for i in chosen.tolist()], self._y[chosen])
        every = torch.arange(count)
        began = time.process_time()
        found = compare(material, every, seed=seed) if folds else NOT_ASKED
        start = fitted(material, every, seed=seed, device="cpu")
        made = fine_tune(material, every, start, seed=seed)
        seconds = time.process_time() - began
        before = outputs(start, self._test.features).logits
        with torch.no_grad():
            pieces = torch.arange(len(self._test)).split(64)
            rows = [adapted_features(self._test, made.blocks, some, "cpu") for some in pieces]
            after = made.network(torch.cat(rows)).logits[0]
        scores = (*map(self._f1, (before, after)), *map(self._accuracy, (before, after)))
        return Measured(*scores, found.is_better, found.gain, found.error, seconds)

    def _material(self, contents: list[Any], targets: Tensor) -> Material:
        backbone = self._part.backbone
        return Material(
            features=self._encoder.encode(contents).clone(),
            inputs=backbone.inputs(list(map(_small, contents)) if self._small else contents),
            blocks=backbone.blocks(),
            start=self._part.start,
            targets=targets,
            n_classes=self._classes,
        )

    def _f1(self, logits: Tensor) -> float:
        said, every = logits.argmax(-1), range(self._classes)
        return float(f1_score(self._test.targets, said, average="macro", labels=every, zero_division=0))

    def _accuracy(self, logits: Tensor) -> float:
        return float((logits.argmax(-1) == self._test.targets).float().mean())


def _small(pixels: Any) -> Any:
    return decoded(thumbnail(Picture(pixels, *pixels.shape[:2]))).pixels


def _test_of(file: Path) -> Path:
    name, _, ending = file.name.partition(".")
    return file.with_name(f"{name}.test.{ending}")


def _read(file: Path) -> tuple[list[Any], Tensor]:
    if file.suffix == ".npz":
        with np.load(file, allow_pickle=False) as found:
            images, labels = found["images"], found["labels"]
        if images.ndim == 3:
            images = np.repeat(images[..., None], 3, axis=3)
        return list(images), torch.from_numpy(labels.astype(np.int64))
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = sorted({row["label"] for row in rows})
    return [row["text"] for row in rows], torch.tensor([names.index(row["label"]) for row in rows])


if __name__ == "__main__":
    main()
