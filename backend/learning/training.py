"""Train the classifier and its k-fold siblings at once, and keep what the heads need of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.learning import devices
from backend.learning.network import HIDDEN, LayeredNetwork, Layers, Shape

MAX_ITERATIONS = 50
"""L-BFGS steps. It converges well before on hundreds of labels."""
WEIGHT_DECAY = 1.0
"""L2 penalty, divided by the number of labelled items, so that it fades as labels come in. From 0.02 to 2
macro-F1 hardly moves (four text sets, 60 and 300 labels), but confidence does: 1 is closest to accuracy."""
FOLDS = 10
"""Repeated 90:10 splits: every labelled item is held out exactly once (Munro, ch. 3)."""
BATCH = 8_192
"""Rows per forward pass over a pool: what a layer leaves is still in the processor's cache for the next."""


@dataclass(frozen=True)
class OutOfFold:
    """What a member that never saw it says of each labelled item, and whether it is right.

    layers: hidden [M, width] each, logits [M, C]; correct: bool [M]; weights: float [M], how much each
    verdict counts, None where all count the same.
    """

    layers: Layers
    correct: Tensor
    weights: Tensor | None = None


@dataclass(frozen=True)
class Trained:
    """The network that serves, its k-fold siblings, and what cross-validation says of it.

    siblings: a network of K members, each trained on all labelled items but one fold; fold_of: int64 [M], the
    sibling that did not see an item.
    """

    network: LayeredNetwork
    siblings: LayeredNetwork
    out_of_fold: OutOfFold
    fold_of: Tensor | None = None


def train(
    features: Tensor,
    targets: Tensor,
    n_classes: int,
    *,
    folds: int = FOLDS,
    hidden: tuple[int, ...] = HIDDEN,
    seed: int = 0,
    device: str = "cpu",
    together: Tensor | None = None,
) -> Trained:
    """Train on all labelled items, and once more per fold without that fold, as one batched network.

    together: int64 [M], equal for items that must be in one fold, such as copies of each other: a verdict
    on one by a network that was taught the other would say nothing.

    features: float32 [M, D]; targets: int64 [M] in [0, n_classes); classes without an item are allowed.
    Classes weigh the same however rare they are ("balanced" inverse-frequency weights).
    Raises ValueError with fewer than two items or fewer than two different targets.
    """
    features, targets = _checked(features, targets, device)
    first, which = groups(together, len(targets))
    folds = min(folds, len(first))
    fold_of = stratified_folds(targets[first], folds, seed)[which]
    network = LayeredNetwork(Shape(features.shape[1], n_classes, folds + 1, hidden), seed).to(device)
    _fit(network, features, targets, _row_weights(targets, n_classes, fold_of, folds))

    with torch.no_grad():
        layers = network(features)
        own_fold = fold_of + 1  # member 0 was trained on everything
        held_out = _of_members(layers, own_fold).to(devices.CPU)
        out_of_fold = OutOfFold(held_out, held_out.logits.argmax(-1) == targets.cpu())
    serving, siblings = network.members(slice(0, 1)), network.members(slice(1, None))
    return Trained(serving.to(device), siblings.to(device), out_of_fold, fold_of.cpu())


def train_network(
    features: Tensor,
    targets: Tensor,
    n_classes: int,
    *,
    hidden: tuple[int, ...] = HIDDEN,
    seed: int = 0,
    device: str = "cpu",
) -> LayeredNetwork:
    """The serving network alone, for callers that need no verdicts: a tenth of the work of `train`."""
    features, targets = _checked(features, targets, device)
    network = LayeredNetwork(Shape(features.shape[1], n_classes, 1, hidden), seed).to(device)
    nobody_held_out = torch.full_like(targets, -1)
    _fit(network, features, targets, _row_weights(targets, n_classes, nobody_held_out, 0))
    return network


def train_choices(
    features: Tensor,
    given: Tensor,
    *,
    hidden: tuple[int, ...] = HIDDEN,
    seed: int = 0,
    device: str = "cpu",
) -> LayeredNetwork:
    """A network with a probability of its own for each choice, where several may be given at once.

    Binary relevance (Tsoumakas & Katakis 2007) with a common hidden layer: sets that nobody gave can be
    predicted too. The probability is the sigmoid of the logit; rare choices are not weighed up, so that it
    means what it says.
    features: float32 [M, D]; given: bool [M, choices]. Raises ValueError without an item.
    """
    if not len(given):
        raise ValueError("training needs labelled items")
    features, given = features.to(device=device, dtype=torch.float32), given.float().to(device)
    network = LayeredNetwork(Shape(features.shape[1], given.shape[1], 1, hidden), seed).to(device)

    def losses(logits: Tensor) -> Tensor:
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits[0], given, reduction="none")
        return each.sum(-1)[None]  # [1, M]

    minimise(network, features, losses, torch.full((1, len(given)), 1 / len(given), device=device))
    return network


def _checked(features: Tensor, targets: Tensor, device: str) -> tuple[Tensor, Tensor]:
    if len(targets) < 2 or len(targets.unique()) < 2:
        raise ValueError("training needs labelled items of at least two classes")
    return features.to(device=device, dtype=torch.float32), targets.to(device)


def outputs(network: LayeredNetwork, features: Tensor) -> Layers:
    """A single-member network's layers over a pool: hidden [N, width], logits [N, C], and the features.

    Reckoned where the network lies; they lie where the features do.
    """
    widths = (*network.shape.hidden, network.shape.classes)
    layers = [torch.empty(len(features), width, device=features.device) for width in widths]
    for rows, batch in _batches(network, features):
        for whole, part in zip(layers, (*batch.hidden, batch.logits), strict=True):
            whole[rows] = part[0].to(features.device)
    return Layers(tuple(layers[:-1]), layers[-1], features)


def member_probabilities(network: LayeredNetwork, features: Tensor) -> Tensor:
    """What each member says of each item, float32 [K, N, C], where the features lie."""
    shape = network.shape
    size = (shape.members, len(features), shape.classes)
    probabilities = torch.empty(size, device=features.device)
    for rows, batch in _batches(network, features):
        probabilities[:, rows] = batch.probabilities.to(features.device)
    return probabilities


def layers_by_member(network: LayeredNetwork, features: Tensor, member_of: Tensor) -> Layers:
    """Each item's layers by a member of its own, where the features lie. member_of: int64 [N] in [0, K)."""
    device = next(network.parameters()).device
    with torch.no_grad():
        layers = network(features.float().to(device))
        found = _of_members(layers, member_of.to(device)).to(features.device)
    return found._replace(features=features)


def _batches(network: LayeredNetwork, features: Tensor) -> Iterator[tuple[slice, Layers]]:
    device = next(network.parameters()).device
    with torch.no_grad():
        for start in range(0, len(features), BATCH):
            rows = slice(start, start + BATCH)
            yield rows, network(features[rows].to(device=device, dtype=torch.float32))


def _of_members(layers: Layers, member_of: Tensor) -> Layers:
    """Row i by member member_of[i]: [K, N, width] -> [N, width]."""
    rows = torch.arange(len(member_of), device=member_of.device)
    return Layers(tuple(layer[member_of, rows] for layer in layers.hidden), layers.logits[member_of, rows])


def stratified_folds(targets: Tensor, folds: int, seed: int) -> Tensor:
    """The fold of each item, int64 [M]: random, and every class spread as evenly as its size allows."""
    generator = torch.Generator().manual_seed(seed)
    shuffled = torch.randperm(len(targets), generator=generator).to(targets.device)
    by_class = shuffled[targets[shuffled].argsort(stable=True)]
    fold_of = torch.empty_like(targets)
    # Dealing the class-sorted items out like cards puts neighbours, hence classmates, in different folds.
    fold_of[by_class] = torch.arange(len(targets), device=targets.device) % folds
    return fold_of


def groups(together: Tensor | None, items: int) -> tuple[Tensor, Tensor]:
    """The first item of each group, in the items' order, and which group each item is of: int64 [G], [M]."""
    everything = torch.arange(items)
    if together is None or len(together.unique()) < 2:
        return everything, everything
    _, which = together.unique(return_inverse=True)
    first = torch.full((int(which.max()) + 1,), items).scatter_reduce_(0, which, everything, reduce="amin")
    ordered, rank = first.sort()
    return ordered, rank.argsort()[which]


def _row_weights(targets: Tensor, n_classes: int, fold_of: Tensor, folds: int) -> Tensor:
    """What each item counts for each member: float32 [1 + folds, M], rows summing to 1."""
    members = torch.arange(-1, folds, device=targets.device)[:, None]
    # Row 0 (member -1) is the serving network, which sees all.
    seen = ((fold_of[None, :] != members) | (members < 0)).float()  # [1 + folds, M]
    counts = torch.zeros(len(seen), n_classes, device=targets.device)
    counts.index_add_(1, targets, seen)
    weights = seen / counts.clamp(min=1)[:, targets]
    return weights / weights.sum(dim=1, keepdim=True)


def _fit(
    network: LayeredNetwork,
    features: Tensor,
    targets: Tensor,
    weights: Tensor,
) -> None:
    """Minimise the summed loss of all members; they share no weight, so each minimises its own.

    L-BFGS and not Adam: the vectors' first directions carry the meaning and the last ones noise, and
    Adam's per-weight steps treat them alike (0.5 instead of 0.8 macro-F1 on news topics at 300 labels).
    """
    members = len(weights)
    repeated = targets.repeat(members)

    def losses(logits: Tensor) -> Tensor:
        each = torch.nn.functional.cross_entropy(logits.flatten(0, 1), repeated, reduction="none")
        return each.view(members, -1)

    minimise(network, features, losses, weights)


def minimise(
    network: LayeredNetwork,
    features: Tensor,
    losses: Callable[[Tensor], Tensor],
    weights: Tensor,
    *,
    iterations: int | None = None,
) -> None:
    """losses: from logits [K, M, C] to each item's loss [K, M]; weights: float [K, M], what it counts;
    iterations: L-BFGS's at most, MAX_ITERATIONS where nobody says.

    Fewer items than dimensions are trained on in the space that they span: what the first layer's weights
    have beside it changes no output and is penalised, so at the minimum it is zero.
    """
    inputs, outside = network.shape.inputs, None
    if len(features) < inputs:
        basis = torch.linalg.qr(features.T.cpu()).Q.to(features.device)  # [D, M]; mps has none
        outside, network = network, network.seen_through(basis)
        # The network scales what it is given by the root of its width.
        features = features @ basis * math.sqrt(inputs / basis.shape[1])
    _descend(network, features, losses, weights, iterations or MAX_ITERATIONS)
    if outside is not None:
        outside.take_over(network, basis)


def _descend(
    network: LayeredNetwork,
    features: Tensor,
    losses: Callable[[Tensor], Tensor],
    weights: Tensor,
    iterations: int,
) -> None:
    matrices = network.matrices
    optimizer = torch.optim.LBFGS(
        network.parameters(), max_iter=iterations, history_size=10, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        network.zero_grad()
        logits = network(features).logits  # [K, M, C]
        squares = torch.stack([(matrix**2).sum() for matrix in matrices]).sum()
        loss: Tensor = (losses(logits) * weights).sum() + squares * (WEIGHT_DECAY / len(features))
        loss.backward()
        return loss

    optimizer.step(closure)
