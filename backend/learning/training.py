"""Train the classifier and its k-fold siblings at once, and keep what the heads need of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from backend.learning.network import HIDDEN, LayeredNetwork, Layers, Shape

MAX_ITERATIONS = 50
"""L-BFGS steps. It converges well before on hundreds of labels."""
WEIGHT_DECAY = 1.0
"""L2 penalty, divided by the number of labelled items, so that it fades as labels come in. From 0.02 to 2
macro-F1 hardly moves (four text sets, 60 and 300 labels), but confidence does: 1 is closest to accuracy."""
FOLDS = 10
"""Repeated 90:10 splits: every labelled item is held out exactly once (Munro, ch. 3)."""
BATCH = 65_536
"""Rows per forward pass over a pool: bounds the memory of the hidden layers."""


@dataclass(frozen=True)
class OutOfFold:
    """Verdicts on every labelled item by a member that never saw it.

    probabilities: float32 [M, C]; last_hidden: float32 [M, H]; correct: bool [M].
    """

    probabilities: Tensor
    last_hidden: Tensor
    correct: Tensor


@dataclass(frozen=True)
class Trained:
    """The network that serves, and what cross-validation says of it."""

    network: LayeredNetwork
    out_of_fold: OutOfFold


def train(
    features: Tensor,
    targets: Tensor,
    n_classes: int,
    *,
    folds: int = FOLDS,
    hidden: tuple[int, ...] = HIDDEN,
    seed: int = 0,
    device: str = "cpu",
) -> Trained:
    """Train on all labelled items, and once more per fold without that fold, as one batched network.

    features: float32 [M, D]; targets: int64 [M] in [0, n_classes); classes without an item are allowed.
    Classes weigh the same however rare they are ("balanced" inverse-frequency weights).
    Raises ValueError with fewer than two items or fewer than two different targets.
    """
    if len(targets) < 2 or len(targets.unique()) < 2:
        raise ValueError("training needs labelled items of at least two classes")
    features, targets = features.to(device), targets.to(device)
    folds = min(folds, len(targets))
    fold_of = stratified_folds(targets, folds, seed)
    network = LayeredNetwork(Shape(features.shape[1], n_classes, folds + 1, hidden), seed).to(device)
    _fit(network, features, targets, _row_weights(targets, n_classes, fold_of, folds))

    with torch.no_grad():
        layers = network(features)
        own_fold = fold_of + 1  # member 0 was trained on everything
        rows = torch.arange(len(targets), device=device)
        probabilities = layers.logits[own_fold, rows].softmax(-1)
        out_of_fold = OutOfFold(
            probabilities=probabilities.cpu(),
            last_hidden=layers.last_hidden[own_fold, rows].cpu(),
            correct=(probabilities.argmax(-1) == targets).cpu(),
        )
    return Trained(network.member(0).to(device), out_of_fold)


def outputs(network: LayeredNetwork, features: Tensor, member: int = 0) -> Layers:
    """One member's layers over a pool, in batches, on the CPU: hidden [N, width] each, logits [N, C]."""
    device = next(network.parameters()).device
    parts = []
    with torch.inference_mode():
        for batch in features.split(BATCH):
            layers = network(batch.to(device=device, dtype=torch.float32))
            parts.append((tuple(h[member].cpu() for h in layers.hidden), layers.logits[member].cpu()))
    if not parts:
        shape = network.shape
        return Layers(tuple(torch.zeros(0, width) for width in shape.hidden), torch.zeros(0, shape.classes))
    hidden = tuple(torch.cat([part[0][i] for part in parts]) for i in range(len(parts[0][0])))
    return Layers(hidden, torch.cat([part[1] for part in parts]))


def stratified_folds(targets: Tensor, folds: int, seed: int) -> Tensor:
    """The fold of each item, int64 [M]: random, and every class spread as evenly as its size allows."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(targets), generator=generator).to(targets.device)
    by_class = shuffled[targets[shuffled].argsort(stable=True)]
    fold_of = torch.empty_like(targets)
    # Dealing the class-sorted items out like cards puts neighbours, hence classmates, in different folds.
    fold_of[by_class] = torch.arange(len(targets), device=targets.device) % folds
    return fold_of


def _row_weights(targets: Tensor, n_classes: int, fold_of: Tensor, folds: int) -> Tensor:
    """What each item counts for each member: float32 [1 + folds, M], rows summing to 1."""
    members = torch.arange(-1, folds, device=targets.device)[:, None]
    seen = (fold_of[None, :] != members).float()  # [1 + folds, M]; row 0 (member -1) sees all
    counts = torch.zeros(len(seen), n_classes, device=targets.device)
    counts.index_add_(1, targets, seen)
    weights = seen / counts.clamp(min=1)[:, targets]
    return weights / weights.sum(dim=1, keepdim=True)


def _fit(network: LayeredNetwork, features: Tensor, targets: Tensor, weights: Tensor) -> None:
    """Minimise the summed loss of all members; they share no weight, so each minimises its own.

    L-BFGS and not Adam: the vectors' first directions carry the meaning and the last ones noise, and
    Adam's per-weight steps treat them alike (0.5 instead of 0.8 macro-F1 on news topics at 300 labels).
    """
    members = len(weights)
    matrices = network.matrices
    repeated = targets.repeat(members)
    optimizer = torch.optim.LBFGS(
        network.parameters(), max_iter=MAX_ITERATIONS, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        logits = network(features).logits  # [K, M, C]
        losses = torch.nn.functional.cross_entropy(logits.flatten(0, 1), repeated, reduction="none")
        squares = torch.stack([(matrix**2).sum() for matrix in matrices]).sum()
        loss: Tensor = (losses.view(members, -1) * weights).sum() + squares * (WEIGHT_DECAY / len(targets))
        loss.backward()
        return loss

    optimizer.step(closure)
