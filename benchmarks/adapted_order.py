"""Does an order on adapted vectors find better labels than one on frozen vectors, and what does it cost?

python -m benchmarks.adapted_order FILE.csv.gz ... [--seeds 0,1,2] [--labels 100] [--more 50]
python -m benchmarks.adapted_order --cost FILE.csv.gz

Columns text,label; FILE.test.csv.gz beside each. Of a pool of 1,000 `auto` chooses --labels on frozen
vectors, and the layers of `minilm` are adapted to them, with the held-out folds. From there it chooses
--more, ten at a time, once on frozen vectors and once on adapted ones (RANK_ON). Then the layers are
adapted anew to the labels of either, as a project does that has half as many again. Macro-F1 on 500 test
items: of the adapted classifier, and of the frozen one. --cost: CPU seconds of one thread, of 10,000 texts
of 30 words out of the file's words.
"""

from __future__ import annotations

import csv
import gzip
import random
import time
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import click
import torch
from sklearn.metrics import f1_score
from torch import Tensor

from backend.encoders.backbones import Inputs, adaptable
from backend.encoders.registry import find_encoder
from backend.learning.adapted_or_not import ComparedNetworks, compare
from backend.learning.fine_tuning import Material, adapted_features, fine_tune, fitted
from backend.learning.network import LayeredNetwork
from backend.learning.training import outputs, train
from backend.learning.views import Views, train_on_views
from backend.sampling import make_scene
from backend.sampling.ranking import rank_scene
from backend.sampling.views_scene import ViewsScene

MAX_TEST, MAX_POOL, TURN = 500, 1000, 10
FROZEN, ADAPTED = "frozen", "adapted"


class Found(NamedTuple):
    """By the vectors that ranked: macro-F1 of the adapted classifier, of the frozen one. refitted, joint:
    before any of that, of a classifier fitted on adapted vectors, and of the one trained with them."""

    by_adapted: dict[str, float]
    by_frozen: dict[str, float]
    refitted: float
    joint: float
    is_better: bool
    seconds: float


class Set:
    """One set: its pool and test items, with what the first layers give of them."""

    def __init__(self, file: Path, encoder: str = "minilm"):
        texts, y = _read(file)
        some = random.Random(0).sample(range(len(texts)), min(MAX_POOL, len(texts)))
        test, truth = _read(_test_of(file))
        test, truth = test[:MAX_TEST], truth[:MAX_TEST]
        fitted_encoder = find_encoder(encoder).fit([texts[i] for i in some], seed=0)
        part = adaptable(fitted_encoder, "last")
        assert part is not None
        self.backbone, self.start = part.backbone, part.start
        self.every = [*(texts[i] for i in some), *test]
        self.y = torch.cat([y[some], truth])
        self.pool = len(some)
        self.features = fitted_encoder.encode(self.every).clone()
        self.inputs: Inputs = part.backbone.inputs(self.every)

    @property
    def classes(self) -> int:
        return int(self.y.max()) + 1

    def material(self, rows: Tensor) -> Material:
        return Material(
            self.features[rows],
            Some(self.inputs, rows),
            self.backbone.blocks(),
            self.start,
            self.y[rows],
            self.classes,
        )

    def seen_by(self, blocks: torch.nn.Module, rows: Tensor) -> Tensor:
        with torch.no_grad():
            material = self.material(rows)
            pieces = torch.arange(len(rows)).split(64)
            return torch.cat([adapted_features(material, blocks, some, "cpu") for some in pieces])

    def f1(self, network: LayeredNetwork, features: Tensor) -> float:
        said, truth = outputs(network, features).logits.argmax(-1), self.y[self.pool :]
        every = range(self.classes)
        return float(f1_score(truth, said, average="macro", labels=every, zero_division=0))


class Some:
    """Inputs of some items."""

    def __init__(self, inputs: Inputs, rows: Tensor):
        self._inputs, self._rows = inputs, rows

    def __len__(self) -> int:
        return len(self._rows)

    def batch(self, rows: object, device: str = "cpu") -> object:
        return self._inputs.batch(self._rows[list(rows)].tolist(), device)  # type: ignore[call-overload]


def measured(of: Set, seed: int, labels: int, more: int) -> Found:
    began = time.process_time()
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(of.pool, generator=generator)[:20]
    chosen = _labelled(of, chosen, labels, seed, None)
    material = of.material(chosen)
    found = compare(material, torch.arange(labels), seed=seed)
    blocks, joint = fine_tune(
        material,
        torch.arange(labels),
        fitted(material, torch.arange(labels), seed=seed, device="cpu"),
        seed=seed,
    )
    every, test = torch.arange(of.pool), torch.arange(of.pool, len(of.y))
    folds = torch.stack([of.seen_by(each, every) for each in found.folds])
    views = Views(of.seen_by(blocks, every), folds)
    of_test = of.seen_by(blocks, test)
    refitted = train_on_views(views.rows(chosen), of.y[chosen], of.classes, found.fold_of, seed=seed).network
    ends = {
        FROZEN: _labelled(of, chosen, labels + more, seed, None),
        ADAPTED: _labelled(of, chosen, labels + more, seed, (views, found)),
    }
    by_adapted, by_frozen = {}, {}
    for name, end in ends.items():
        ended = of.material(end)
        rows = torch.arange(len(end))
        start = fitted(ended, rows, seed=seed, device="cpu")
        made = fine_tune(ended, rows, start, seed=seed)
        by_frozen[name] = of.f1(start, of.features[test])
        by_adapted[name] = of.f1(made.network, of.seen_by(made.blocks, test))
    scores = of.f1(refitted, of_test), of.f1(joint, of_test)
    return Found(by_adapted, by_frozen, *scores, found.is_better, time.process_time() - began)


def _labelled(
    of: Set, chosen: Tensor, until: int, seed: int, adapted: tuple[Views, ComparedNetworks] | None
) -> Tensor:
    """With as many more as it takes, TURN at a time by `auto`."""
    before = len(chosen)
    while len(chosen) < until:
        rest = torch.ones(of.pool, dtype=torch.bool)
        rest[chosen] = False
        waiting = rest.nonzero()[:, 0]
        if adapted is None:
            trained = train(of.features[chosen], of.y[chosen], of.classes, seed=seed)
            parts = of.features[waiting], of.features[chosen], of.y[chosen]
            scene = make_scene(*parts, n_classes=of.classes, seed=seed, trained=trained, batch=TURN)
        else:
            views, found = adapted
            since = torch.arange(len(chosen) - before) % len(found.folds)
            fold_of = torch.cat([found.fold_of, since])
            known = views.rows(chosen), of.y[chosen], of.classes, fold_of
            scene = _scene(views.rows(waiting), *known, seed)
        order = rank_scene("auto", scene, TURN).order[: min(TURN, until - len(chosen))]
        chosen = torch.cat([chosen, waiting[order]])
    return chosen


def _scene(
    pool: Views, labeled: Views, targets: Tensor, classes: int, fold_of: Tensor, seed: int
) -> ViewsScene:
    trained = train_on_views(labeled, targets, classes, fold_of, seed=seed)
    return ViewsScene(
        pool.of_all,
        labeled.of_all,
        targets,
        classes,
        seed,
        given=trained,
        batch=TURN,
        by_fold=pool.of_folds,
    )


def cost(file: Path, pool: int, labels: int, candidates: int) -> None:
    """What each part takes with random labels: no label changes what it costs."""
    words = [word for text in _read(file)[0] for word in text.split()]
    draw = random.Random(0)
    texts = [" ".join(draw.choices(words, k=30)) for _ in range(pool)]
    y = torch.tensor([draw.randrange(4) for _ in range(labels)])
    features = torch.nn.functional.normalize(
        torch.randn(pool, 384, generator=torch.Generator().manual_seed(0)), dim=1
    )
    part = adaptable(find_encoder("minilm").fit(texts[:2], seed=0), "last")
    assert part is not None
    laps = Laps()
    trained = train(features[:labels], y, 4)
    scene = make_scene(features[labels:], features[:labels], y, n_classes=4, trained=trained)
    rank_scene("auto", scene, 200)
    laps.end(f"train and rank {pool} on frozen vectors")
    inputs = part.backbone.inputs(texts[:labels])
    material = Material(features[:labels], inputs, part.backbone.blocks(), part.start, y, 4)
    found = compare(material, torch.arange(labels))
    laps.end(f"{labels} labels: the folds")
    every = torch.arange(labels)
    made = fine_tune(material, every, fitted(material, every, seed=0, device="cpu"))
    laps.end("all labels")
    rows = [*range(labels), *range(labels, labels + candidates)]
    views: list[Tensor] = []
    for at in range(0, len(rows), 32):
        piece = part.backbone.inputs([texts[i] for i in rows[at : at + 32]])
        batch = piece.batch(range(len(piece)))
        with torch.no_grad():
            views.append(torch.stack([blocks(batch) for blocks in (made.blocks, *found.folds)]))
    seen = torch.cat(views, 1)
    laps.end(f"{candidates} candidates and the labelled re-encoded by {1 + len(found.folds)} networks")
    of = Views(seen[0], seen[1:])
    labeled, waiting = of.rows(every), of.rows(torch.arange(labels, len(rows)))
    rank_scene("auto", _scene(waiting, labeled, y, 4, found.fold_of, 0), 200)
    laps.end("train and rank them on adapted vectors")


class Laps:
    """CPU seconds of each part."""

    def __init__(self) -> None:
        self._last = time.process_time()

    def end(self, name: str) -> None:
        now = time.process_time()
        click.echo(f"| {name} | {now - self._last:.1f} |")
        self._last = time.process_time()


def _read(file: Path) -> tuple[list[str], Tensor]:
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = sorted({row["label"] for row in rows})
    return [row["text"] for row in rows], torch.tensor([names.index(row["label"]) for row in rows])


def _test_of(file: Path) -> Path:
    name, _, ending = file.name.partition(".")
    return file.with_name(f"{name}.test.{ending}")


@click.command()
@click.argument("files", nargs=-1, type=click.Path(exists=True, path_type=Path), required=True)
@click.option("--seeds", default="0,1,2")
@click.option("--labels", default=100)
@click.option("--more", default=50)
@click.option("--cost", "asks_cost", is_flag=True)
def main(files: tuple[Path, ...], seeds: str, labels: int, more: int, asks_cost: bool) -> None:
    torch.set_num_threads(1)
    if asks_cost:
        cost(files[0], 10_000, 300, 1_200)
        return
    head = (
        "set | seed | adapted by frozen order | by adapted order | frozen by frozen order | by adapted order"
    )
    click.echo(f"| {head} | said | refitted | joint | s CPU |")
    click.echo("|---" * 10 + "|")
    for file in files:
        of, gains = Set(file), []
        for seed in map(int, seeds.split(",")):
            found = measured(of, seed, labels, more)
            scores = [
                *(found.by_adapted[name] for name in (FROZEN, ADAPTED)),
                *(found.by_frozen[name] for name in (FROZEN, ADAPTED)),
            ]
            told = " | ".join(f"{score:.3f}" for score in scores)
            said = "better" if found.is_better else "no"
            heads = f"{found.refitted:.3f} | {found.joint:.3f}"
            click.echo(
                f"| {file.name.split('.')[0]} | {seed} | {told} | {said} | {heads} | {found.seconds:.0f} |"
            )
            gains.append(found.by_adapted[ADAPTED] - found.by_adapted[FROZEN])
        click.echo(f"{file.name.split('.')[0]}: {fmean(gains):+.3f} by the adapted order")


if __name__ == "__main__":
    main()
