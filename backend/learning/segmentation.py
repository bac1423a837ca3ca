"""A class for each cell of a feature map, learned from a few cells of each image.

The product's own network reads one cell (Hariharan et al. 2015, "Hypercolumns for Object Segmentation and
Fine-grained Localization"); neighbouring cells say much the same, so a few of many images teach more than
many of few (Bansal et al. 2017, "PixelNet"). Class 0 is the background: what nobody marked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.learning.network import LayeredNetwork, Layers, Shape
from backend.learning.training import train

Look = Callable[[Tensor, Tensor], Tensor]
"""Items, int64 [n], and points of each, float32 [n, P, 2] (x and y in [0, 1] of the picture), -> what its
maps hold there, float32 [n, P, D]."""
UNSAID = -100
"""Target of a cell of which nobody said what it is."""
CELLS, BACKGROUND = 60, 180
"""Cells of each class, and of the background, that are taken of an image while there are few images."""
MOST = 10_000
"""Cells that are trained on, so that a retrain takes seconds however many images there are. Twice as many
gained 0.008 of mean IoU at 50 drawn scenes for twice the time."""
ITERATIONS = 25
"""Of the search for the weights: 50 took twice as long, and 0.01 of mean IoU less at 50 drawn scenes."""
FOLDS = 3
"""Siblings of the network that serves, each trained on all images but a third (fewer where there are fewer
images)."""
FINER = 4
"""By which probabilities are enlarged before the class of each place is decided."""
PRIORS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""How much of the classes' true shares may be put back after training on balanced cells: see `_offsets`."""


class Segmented(NamedTuple):
    """classes: int64 [H, W], over the whole picture, 0 the background; confidences: float32 [C], the mean
    probability of each class where it was decided, 0 for one that is nowhere."""

    classes: Tensor
    confidences: Tensor


class Segmenter(nn.Module):
    """A network, and how what it reads is standardised. grid: cells a side of the maps it was taught on."""

    kind = "segmentation"
    network: LayeredNetwork
    center: Tensor
    scale: Tensor

    def __init__(self, network: LayeredNetwork, grid: int):
        super().__init__()
        self.network = network
        self.grid = grid
        self.register_buffer("center", torch.zeros(network.shape.inputs))
        self.register_buffer("scale", torch.ones(network.shape.inputs))

    def described(self) -> dict[str, Any]:
        """What it takes to build it again, as JSON."""
        shape = self.network.shape
        network = {"inputs": shape.inputs, "classes": shape.classes, "members": shape.members}
        return {"kind": self.kind, "grid": self.grid, **network, "hidden": list(shape.hidden)}

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Segmenter:
        """Out of `described()` and the state that it had."""
        told = {name: described[name] for name in ("inputs", "classes", "members")}
        model = cls(LayeredNetwork(Shape(**told, hidden=tuple(described["hidden"]))), described["grid"])
        model.load_state_dict(weights)
        return model

    def member(self, which: int) -> Segmenter:
        """One of the members as a model of its own (a copy)."""
        alone = Segmenter(self.network.members(slice(which, which + 1)), self.grid).to(self.center.device)
        alone.center.copy_(self.center)
        alone.scale.copy_(self.scale)
        return alone

    def offset(self, added: Tensor) -> None:
        """Add this to every member's logits, from now on. added: float32 [C]."""
        with torch.no_grad():
            self.network.readout.bias.add_(added.to(self.center.device))

    @torch.no_grad()
    def forward(self, cells: Tensor) -> Layers:
        """cells: float32 [n, D]. Of all members: hidden [K, n, width], logits [K, n, C]."""
        layers: Layers = self.network((cells.to(self.center.device) - self.center) / self.scale)
        return layers

    def likely(self, look: Look, item: int, each: int = 1) -> Tensor:
        """How likely each class is in the cells of one item: float32 [C, g, g], where the model is. each: of
        so many cells, both ways, one is looked at, the first of them."""
        points = centres(self.grid).view(self.grid, self.grid, 2)[::each, ::each]
        cells = look(torch.tensor([item]), points.reshape(1, -1, 2))[0]
        return self(cells).probabilities[0].T.reshape(-1, *points.shape[:2])

    def decode(self, look: Look, item: int) -> Segmented:
        """What it sees in one item of those that can be looked at."""
        likely = self.likely(look, item)[None]
        likely = F.interpolate(likely, scale_factor=FINER, mode="bilinear", align_corners=False)[0].cpu()
        sure, classes = likely.max(0)
        flat, count = classes.flatten(), len(likely)
        total = torch.zeros(count).index_add_(0, flat, sure.flatten())
        return Segmented(classes, total / torch.bincount(flat, minlength=count).clamp(min=1))


@dataclass(frozen=True)
class TrainedSegmenter:
    """family: the network that serves, and its siblings; fold_of: int64 [M], which of the siblings did not
    see an image; targets: int64 [M, G, G]; look: at the M images."""

    family: Segmenter
    fold_of: Tensor
    targets: Tensor
    look: Look

    @property
    def model(self) -> Segmenter:
        """What serves."""
        return self.family.member(0)

    def held_out(self, images: Sequence[int] | None = None) -> Iterator[Segmented]:
        """What is seen in some of the labelled images, in all without, by a sibling that did not see it in
        training."""
        siblings, every = self._siblings, range(len(self.fold_of)) if images is None else images
        return (siblings[int(self.fold_of[i])].decode(self.look, i) for i in every)

    def likely_of_unseen(self, each: int) -> Iterator[Tensor]:
        """Of each labelled image, by such a sibling: see `Segmenter.likely`."""
        siblings, folds = self._siblings, enumerate(self.fold_of.tolist())
        return (siblings[fold].likely(self.look, image, each).cpu() for image, fold in folds)

    @property
    def _siblings(self) -> list[Segmenter]:
        return [self.family.member(1 + i) for i in range(self.family.network.shape.members - 1)]


def train_segmentation(
    look: Look,
    targets: Tensor,
    n_classes: int,
    *,
    seed: int = 0,
    device: str = "cpu",
    together: Tensor | None = None,
) -> TrainedSegmenter:
    """look: at the M labelled images; targets: int64 [M, G, G], y before x, in [0, n_classes) or UNSAID;
    together: int64 [M], equal for images that must be in one fold, such as copies of each other.

    Raises ValueError with fewer than two images, or where nothing or only one class was ever said.
    """
    sample = sampled(targets, n_classes, seed)
    if len(sample.image.unique()) < 2:
        raise ValueError("training needs two images of which somebody said what is where")
    cells, grid = read(look, sample, targets.shape[-1]), targets.shape[-1]
    center, scale = cells.mean(0), cells.std(0).clamp(min=1e-4) * cells.shape[1] ** 0.5
    trained = train(
        (cells - center) / scale,
        sample.target,
        n_classes,
        folds=FOLDS,
        seed=seed,
        device=device,
        together=sample.image if together is None else together[sample.image],
        iterations=ITERATIONS,
    )
    assert trained.fold_of is not None
    family = Segmenter(_joined(trained.network, trained.siblings), grid).to(device)
    family.center.copy_(center)
    family.scale.copy_(scale)
    family.offset(_offsets(trained.out_of_fold.layers.logits, sample, n_classes))
    fold_of = torch.zeros(len(targets), dtype=torch.int64).scatter_(0, sample.image, trained.fold_of)
    return TrainedSegmenter(family, fold_of, targets, look)


class Sample(NamedTuple):
    """Some cells of images: image: int64 [n], rising; cell: int64 [n], in [0, G * G); target: int64 [n];
    stands_for: float32 [n], how many cells of its class and image each is one of."""

    image: Tensor
    cell: Tensor
    target: Tensor
    stands_for: Tensor


def sampled(targets: Tensor, n_classes: int, seed: int) -> Sample:
    """At random, of each image and class at most so many that all together are about MOST."""
    flat = targets.flatten(1)
    image, cell = (flat != UNSAID).nonzero(as_tuple=True)
    group = image * n_classes + flat[image, cell]
    shuffled = torch.randperm(len(group), generator=torch.Generator().manual_seed(seed))
    order = shuffled[group[shuffled].argsort(stable=True)]
    count = torch.bincount(group, minlength=len(flat) * n_classes)
    place = torch.arange(len(group)) - (count.cumsum(0) - count)[group[order]]
    quota = torch.full((n_classes,), CELLS)
    quota[0] = BACKGROUND
    wanted = count.minimum(quota.repeat(len(flat)))
    taken = (wanted * min(1.0, MOST / max(int(wanted.sum()), 1))).ceil().long()
    chosen = order[place < taken[group[order]]].sort().values
    of = group[chosen]
    return Sample(image[chosen], cell[chosen], of % n_classes, count[of] / taken[of])


def read(look: Look, sample: Sample, grid: int) -> Tensor:
    """What the maps hold at some cells: float32 [n, D]."""
    points = centres(grid)
    images, counts = sample.image.unique_consecutive(return_counts=True)
    cells = sample.cell.split(counts.tolist())
    return torch.cat(
        [look(image[None], points[at][None])[0] for image, at in zip(images, cells, strict=True)]
    )


def centres(grid: int) -> Tensor:
    """Of a map's cells, row by row: float32 [grid * grid, 2], x and y in [0, 1]."""
    middle = (torch.arange(grid) + 0.5) / grid
    y, x = torch.meshgrid(middle, middle, indexing="ij")
    return torch.stack([x, y], dim=-1).view(-1, 2)


def _joined(*networks: LayeredNetwork) -> LayeredNetwork:
    """One network of all their members."""
    states = [network.state_dict() for network in networks]
    members = sum(network.shape.members for network in networks)
    joined = LayeredNetwork(replace(networks[0].shape, members=members))
    joined.load_state_dict({name: torch.cat([each[name] for each in states]) for name in states[0]})
    return joined


def _offsets(logits: Tensor, sample: Sample, n_classes: int) -> Tensor:
    """What to add to the classes' logits: float32 [C].

    Balanced training takes a rare class for as likely as any; the logarithm of its true share added to the
    logit undoes that (Menon et al. 2021, "Long-tail learning via logit adjustment"), which is best for
    accuracy, and too much for the mean of the classes' intersections over unions. So as much of it is added
    as is best for that, on images that the networks did not see. logits: float32 [n, C].
    """
    weight = sample.stands_for
    truth = torch.zeros(n_classes).index_add_(0, sample.target, weight)
    log_share = (truth / truth.sum()).clamp(min=1e-6).log()
    found = []
    for part in PRIORS:
        said = (logits + part * log_share).argmax(-1)
        right = torch.zeros(n_classes).index_add_(0, sample.target, weight * (said == sample.target))
        either = truth + torch.zeros(n_classes).index_add_(0, said, weight) - right
        found.append((right / either.clamp(min=1e-9))[truth > 0].mean())
    return log_share * PRIORS[int(torch.stack(found).argmax())]
