"""A class for each cell of a feature map, learned from some cells of each image.

The product's own network reads one cell (Hariharan et al. 2015, "Hypercolumns for Object Segmentation and
Fine-grained Localization"); neighbouring cells say much the same, so a few of many images teach more than
many of few (Bansal et al. 2017, "PixelNet"). Class 0 is the background: what nobody marked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from backend.learning.cells import Look, Sample, centres, read, sampled
from backend.learning.network import LayeredNetwork, Layers, Shape
from backend.learning.stepping import train_in_steps

HIDDEN = (64, 64)
"""Widths of the hidden layers. With one alone the mean IoU at 40 drawn scenes was 0.38 in place of 0.41."""
FOLDS = 3
"""Siblings of the network that serves, each trained on all images but a third (fewer where there are fewer
images)."""
FINER = 4
"""By which probabilities are enlarged before the class of each place is decided."""


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
    trained = train_in_steps(
        cells.sub_(center).div_(scale),
        sample.target,
        _chances(sample, n_classes),
        n_classes,
        hidden=HIDDEN,
        folds=FOLDS,
        seed=seed,
        device=device,
        together=sample.image if together is None else together[sample.image],
    )
    family = Segmenter(trained.network, grid).to(device)
    family.center.copy_(center)
    family.scale.copy_(scale)
    fold_of = torch.zeros(len(targets), dtype=torch.int64).scatter_(0, sample.image, trained.fold_of)
    return TrainedSegmenter(family, fold_of, targets, look)


def _chances(sample: Sample, n_classes: int) -> Tensor:
    """How likely each of the cells is to be seen in a step of the training: float32 [n].

    A class's goes by the root of its share of all cells: between even, by which a rare class is said too
    often (Menon et al. 2021, "Long-tail learning via logit adjustment"), and as it is, which is best for
    accuracy and not for the mean of the classes' intersections over unions. To choose how much of the shares
    is put back by images that were held out gained nothing, and lost where these were few.
    """
    share = torch.zeros(n_classes).index_add_(0, sample.target, sample.stands_for).sqrt()
    return (share / torch.bincount(sample.target, minlength=n_classes).clamp(min=1))[sample.target]
