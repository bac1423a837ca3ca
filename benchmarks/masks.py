"""Which pictures first, where areas are painted: mean IoU by pictures, and by areas painted.

python -m benchmarks.masks [--strategies random,auto] [--seeds 5] [--kept FOLDER] [--curves FILE] SET ...

SET is `first` or `second`, a setting of `backend.demo.drawn_scenes`, or a folder with train/ and test/ of
*.jpg, a *.png of class numbers beside each, and classes.txt, in which Unlabelled is no class. Drawn sets have
320 pictures and 100 to test by. Each seed draws its own pool of at most --pool pictures, and those to begin
with, the same for all strategies; the test part stays the same. By strategy: mean IoU over the budgets; mean
IoU at equal work (areas that hang together, each painted once; interpolated between the first budget and
where the shortest curve ends), and its difference to `random` of the same seed with its standard error; mean
IoU at the last budget, areas painted and pictures with the rarest class by then; CPU seconds of training and
of choosing. Mean IoU is of all classes, the background among them where there is one, over 1,600 cells of
each picture. --kept: where encoded pictures are kept for another run; --curves: a line for each run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from torch import Tensor

from backend.controls import runs
from backend.demo.drawn_scenes import FIRST, SECOND, scenes
from backend.encoders.lite0_weights import lite0
from backend.encoders.maps import MASKS, MapEncoder, find_map_encoder
from backend.encoders.pictures import Lite0Encoder
from backend.learning.cells import UNSAID, centres
from backend.learning.segmentation import Segmenter, TrainedSegmenter, train_segmentation
from backend.learning.segmentation_units import units_learned
from backend.sampling import select

TRAIN, TEST = 320, 100
"""Pictures that are drawn."""
JUDGED = 40
"""Cells a side by which a picture is judged."""
SPECK = 0.0005
"""Of the picture: a smaller area is part of what it lies in, nobody paints it alone."""
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class Pictures:
    """rows: uint8 [N, B], maps as they are kept; vectors: float32 [N, D]; targets: int64 [N, G, G]; areas:
    int64 [N, C], how many hang together of each class."""

    rows: Tensor
    vectors: Tensor
    targets: Tensor
    areas: Tensor

    def of(self, which: Tensor) -> Pictures:
        return Pictures(self.rows[which], self.vectors[which], self.targets[which], self.areas[which])

    def look(self, items: Tensor, points: Tensor) -> Tensor:
        return ENCODER.at(self.rows[items], points)


@dataclass
class Curve:
    """Of one strategy and seed, at each budget. rare: pictures with the rarest class."""

    areas: list[int] = field(default_factory=list)
    iou: list[float] = field(default_factory=list)
    rare: list[int] = field(default_factory=list)
    training: float = 0.0
    choosing: float = 0.0


ENCODER: MapEncoder = find_map_encoder("lite0", MASKS)


def main() -> None:
    torch.set_num_threads(1)
    asked = _arguments()
    columns = ("set", "strategy", "mean", "by area", "to random", "at the end", "areas", "with the rarest")
    print(f"| {' | '.join(columns)} | s training | s choosing |\n|{'---|' * (len(columns) + 2)}", flush=True)
    for name in asked.sets:
        train, test, classes = _material(name, asked.kept)
        _compare(Path(name).name, asked, train, test, classes)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("sets", nargs="+")
    parser.add_argument("--strategies", default="random,auto,entropy,dropout_entropy")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--pool", type=int, default=200)
    parser.add_argument("--budgets", default="10,20,40,80")
    parser.add_argument("--kept", type=Path)
    parser.add_argument("--curves", type=Path)
    return parser.parse_args()


def _material(name: str, kept: Path | None) -> tuple[Pictures, Pictures, int]:
    """To draw pools of, to test by, and how many classes there are, the background among them."""
    settings = {"first": FIRST, "second": SECOND}
    file = None if kept is None else kept / f"{Path(name).name}.npz"
    if name in settings:
        classes, first_is_nothing = 1 + len(settings[name].classes), True
    else:
        named = (Path(name) / "classes.txt").read_text().split()
        classes, first_is_nothing = sum(each != "Unlabelled" for each in named), False
    if file is not None and file.is_file():
        with np.load(file) as found:
            whole = Pictures(
                *(torch.from_numpy(found[each]) for each in ("rows", "vectors", "targets", "areas"))
            )
            cut = int(found["cut"])
    else:
        if name in settings:
            drawn, cut = list(scenes(settings[name], TRAIN + TEST, 0)), TRAIN
            pictures, labels = [each.pixels for each in drawn], [each.mask for each in drawn]
        else:
            parts = [list(_read(Path(name) / part)) for part in ("train", "test")]
            pictures, labels = map(list, zip(*(parts[0] + parts[1]), strict=True))
            cut = len(parts[0])
        whole = _encoded(pictures, labels, classes, first_is_nothing)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez(file, cut=cut, **{name: each.numpy() for name, each in vars(whole).items()})
    return whole.of(torch.arange(cut)), whole.of(torch.arange(cut, len(whole.rows))), classes


def _read(folder: Path) -> Iterator[tuple[Labels, Labels]]:
    for file in sorted(folder.glob("*.jpg")):
        with Image.open(file) as picture, Image.open(file.with_suffix(".png")) as labels:
            yield np.array(picture.convert("RGB")), np.array(labels)


def _encoded(
    pictures: Sequence[Labels], labels: Sequence[Labels], classes: int, first_is_nothing: bool
) -> Pictures:
    targets = np.stack([_cells(each, classes) for each in labels])
    painted = range(1 if first_is_nothing else 0, classes)
    areas = [
        [_areas(each == label) if label in painted else 0 for label in range(classes)] for each in labels
    ]
    vectors = Lite0Encoder(lite0).encode(pictures)
    return Pictures(ENCODER.encode(pictures), vectors, torch.from_numpy(targets), torch.tensor(areas))


def _cells(labels: Labels, classes: int) -> NDArray[np.int64]:
    """What each cell mostly is; UNSAID where that is no class."""
    grid = (ENCODER.grid, ENCODER.grid)
    shares = np.stack([runs.shares(runs.runs_of(labels == i), labels.shape, grid) for i in range(classes)])
    return np.where(shares.sum(0) > 0.5, shares.argmax(0), UNSAID).astype(np.int64)


def _areas(marked: NDArray[np.bool_]) -> int:
    named, count = ndimage.label(marked)
    return int((np.bincount(named.ravel(), minlength=count + 1)[1:] >= SPECK * marked.size).sum())


def _compare(name: str, asked: argparse.Namespace, train: Pictures, test: Pictures, classes: int) -> None:
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    budgets = [int(each) for each in asked.budgets.split(",")]
    found: dict[str, list[Curve]] = {strategy: [] for strategy in asked.strategies.split(",")}
    for seed in seeds:
        chance = torch.Generator().manual_seed(seed)
        pool = train.of(torch.randperm(len(train.rows), generator=chance)[: asked.pool])
        first = _trained(pool, torch.arange(budgets[0]), classes, seed)
        for strategy, curves in found.items():
            curves.append(curve := _curve(strategy, seed, pool, test, classes, budgets, first))
            if asked.curves:
                with asked.curves.open("a") as file:
                    print(
                        json.dumps({"set": name, "strategy": strategy, "seed": seed, **vars(curve)}),
                        file=file,
                    )
    by_area = {strategy: [] for strategy in found}
    for i in range(len(seeds)):
        alike = [curves[i] for curves in found.values()]
        until = min(each.areas[-1] for each in alike)
        for strategy, curves in found.items():
            by_area[strategy].append(_by_area(curves[i], max(each.areas[0] for each in alike), until))
    for strategy, curves in found.items():
        print(_line(name, strategy, curves, by_area[strategy], by_area.get("random", [])), flush=True)


def _line(name: str, strategy: str, curves: list[Curve], by_area: list[float], random: list[float]) -> str:
    gains = [a - b for a, b in zip(by_area, random, strict=False)]
    error = f" ± {stdev(gains) / len(gains) ** 0.5:.3f}" if len(gains) > 1 else ""
    cells = (
        name,
        strategy,
        f"{fmean(fmean(each.iou) for each in curves):.3f}",
        f"{fmean(by_area):.3f}",
        f"{fmean(gains):+.3f}{error}" if gains and strategy != "random" else "",
        f"{fmean(each.iou[-1] for each in curves):.3f}",
        f"{fmean(each.areas[-1] for each in curves):.0f}",
        f"{fmean(each.rare[-1] for each in curves):.1f}",
        f"{fmean(each.training for each in curves):.1f}",
        f"{fmean(each.choosing for each in curves):.1f}",
    )
    return f"| {' | '.join(cells)} |"


def _curve(
    strategy: str,
    seed: int,
    pool: Pictures,
    test: Pictures,
    classes: int,
    budgets: Sequence[int],
    trained: TrainedSegmenter,
) -> Curve:
    """trained: on the first of the pool, which is in random order."""
    chosen, curve = torch.arange(budgets[0]), Curve()
    rarest = int(_often(pool).argmin())
    for budget in budgets:
        if budget > len(chosen):
            started = time.process_time()
            rest = _others(chosen, len(pool.rows))
            picked = _picked(strategy, trained, pool.of(chosen), pool.of(rest), budget - len(chosen), seed)
            chosen = torch.cat([chosen, rest[picked]])
            curve.choosing += time.process_time() - started
            started = time.process_time()
            trained = _trained(pool, chosen, classes, seed)
            curve.training = time.process_time() - started  # of the last
        labelled = pool.of(chosen)
        curve.iou.append(_mean_iou(trained.model, test, classes))
        curve.areas.append(int(labelled.areas.sum()))
        curve.rare.append(int((labelled.areas[:, rarest] > 0).sum()))
    return curve


def _trained(pool: Pictures, chosen: Tensor, classes: int, seed: int) -> TrainedSegmenter:
    labelled = pool.of(chosen)
    return train_segmentation(labelled.look, labelled.targets, classes, seed=seed)


def _picked(
    strategy: str, trained: TrainedSegmenter, labelled: Pictures, rest: Pictures, n: int, seed: int
) -> Tensor:
    if strategy == "random":
        return torch.randperm(len(rest.rows), generator=torch.Generator().manual_seed(seed))[:n]
    learned = units_learned(trained, rest.look, len(rest.rows))
    nothing = torch.zeros(len(labelled.rows), dtype=torch.int64)
    return select(strategy, rest.vectors, labelled.vectors, nothing, n, seed=seed, trained=learned)


def _often(pictures: Pictures) -> Tensor:
    """In how many pictures each class is; one that is in none is not looked for."""
    often = (pictures.areas > 0).sum(0)
    return torch.where(often > 0, often, len(pictures.rows) + 1)


def _others(chosen: Tensor, count: int) -> Tensor:
    left = torch.ones(count, dtype=torch.bool)
    left[chosen] = False
    return left.nonzero()[:, 0]


def _mean_iou(model: Segmenter, test: Pictures, classes: int) -> float:
    """Of the classes that are in the test part."""
    points = centres(JUDGED)
    step = ENCODER.grid // JUDGED
    confusion = torch.zeros(classes * classes)
    for batch in torch.arange(len(test.rows)).split(4):
        said = model(test.look(batch, points.expand(len(batch), -1, -1)).flatten(0, 1)).logits[0].argmax(-1)
        truth = test.targets[batch][:, step // 2 :: step, step // 2 :: step].flatten()
        known = truth != UNSAID
        confusion += torch.bincount(truth[known] * classes + said[known], minlength=classes**2)
    table = confusion.view(classes, classes)
    both, either = table.diag(), table.sum(0) + table.sum(1) - table.diag()
    return float((both / either.clamp(min=1))[table.sum(1) > 0].mean())


def _by_area(curve: Curve, start: int, end: int) -> float:
    """The mean of the curve over the areas painted."""
    at = np.linspace(start, end, 200)
    return float(np.interp(at, curve.areas, curve.iou).mean())


if __name__ == "__main__":
    main()
