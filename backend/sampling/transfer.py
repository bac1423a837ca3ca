"""Active transfer learning (Munro, ch. 5.4; "Active Transfer Learning with PyTorch").

The classifier's own layers are transferred to a new question: is it wrong here (error head), or does this
item come from the domain that is still unlabelled (domain head)? Options of all: `head`, ours or the
article's; `layers`, which ones it reads (`backend.learning.reading`).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from backend.learning.article_head import train_article_head
from backend.learning.domain_head import DEPTH, WIDTH, DomainHead, train_domain_head
from backend.learning.heads import ErrorHead, doubt, train_error_head
from backend.learning.network import Layers
from backend.learning.reading import Head, Reads, Recipe
from backend.learning.training import layers_by_member
from backend.sampling.rounds import ROUNDS, numbers, sizes
from backend.sampling.scene import Picks, Scene

DOMAIN_SAMPLE = 1_000
"""Pool items the domain head learns from: a random sample that stands for the whole domain."""
NO_ERROR_HEAD = "too few right or too few wrong verdicts to train the error head: ordered by margin"


def transfer_uncertainty(scene: Scene, n: int, *, head: Recipe = "ours", layers: Reads = "last") -> Picks:
    """Active transfer learning for uncertainty sampling: most surely wrong first.

    Out-of-fold verdicts on all labelled items (the article's 90:10 split, repeated until each was held
    out once) train the error head. Falls back to margin, with a note, when there are too few of a kind.
    """
    error_head = _error_head(scene, head, layers)
    if error_head is None:
        return _by_margin(scene, n)
    worth: Tensor = error_head(scene.pool_layers)
    return Picks(scene.top(worth, n), worth, error_head)


def atlas(
    scene: Scene, n: int, *, rounds: int = ROUNDS, head: Recipe = "ours", layers: Reads = "last"
) -> Picks:
    """Active transfer learning for adaptive sampling (ATLAS): a batch in `rounds` rounds.

    What was picked will be labelled, and predicted correctly from then on; so its verdict is taken to be
    "correct", the head is trained again, and the next round goes to the errors that are left. A pick joins
    with the layers of a sibling, as the verdicts have them.
    """
    first = _error_head(scene, head, layers)
    if first is None:
        return _by_margin(scene, n)
    known, correct, error_head = scene.verdicts.layers, scene.verdicts.correct, first
    doubts = doubt(scene.pool_layers.logits)

    def ask(error_head: Head) -> Tensor:
        asked = (scene.pool_layers, doubts) if isinstance(error_head, ErrorHead) else (scene.pool_layers,)
        worth: Tensor = error_head(*asked)
        return worth

    def learn_anew(chosen: Tensor) -> Tensor:
        nonlocal known, correct, error_head
        known = _joined(known, _by_siblings(scene, chosen))
        correct = torch.cat([correct, torch.ones(len(chosen), dtype=torch.bool)])
        if isinstance(error_head, ErrorHead):
            learned: Head | None = train_error_head(known, correct, start=error_head)
        else:
            learned = train_article_head(known, ~correct, reads=layers, seed=scene.seed)
        error_head = learned or error_head
        return ask(error_head)

    before = ask(first)
    picks = _in_rounds(scene, n, rounds, before, learn_anew)
    return Picks(picks, before, first, rounds=numbers(n, rounds))


def transfer_representative(
    scene: Scene,
    n: int,
    *,
    head: Recipe = "ours",
    layers: Reads = "all",
    width: int = WIDTH,
    depth: int = DEPTH,
) -> Picks:
    """Active transfer learning for representative sampling: most surely "application" first.

    The domain head learns to tell held-out labelled items from a sample of the pool.
    """
    known, application = domains(scene, scene.shuffled[:DOMAIN_SAMPLE])
    domain_head = _domain_head(scene, known, application, head, layers, width, depth)
    worth: Tensor = domain_head(scene.pool_layers)
    return Picks(scene.top(worth, n), worth, domain_head)


def transfer_adaptive_representative(
    scene: Scene,
    n: int,
    *,
    rounds: int = ROUNDS,
    head: Recipe = "ours",
    layers: Reads = "all",
    width: int = WIDTH,
    depth: int = DEPTH,
) -> Picks:
    """The same in rounds: what was picked will be labelled, so it turns to "training" for the next."""
    # n more than are needed: not even when all picks come from the sample does it lose its side.
    sample = scene.shuffled[: DOMAIN_SAMPLE + n]
    known, application = domains(scene, sample)
    domain_head = first = _domain_head(scene, known, application, head, layers, width, depth)

    def learn_anew(chosen: Tensor) -> Tensor:
        nonlocal known, application, domain_head
        application[-len(sample) :] &= ~torch.isin(sample, chosen)
        others = chosen[~torch.isin(chosen, sample)]
        known = _joined(_by_siblings(scene, others), known)
        application = torch.cat([torch.zeros(len(others), dtype=torch.bool), application])
        domain_head = _domain_head(scene, known, application, head, layers, width, depth, domain_head)
        worth: Tensor = domain_head(scene.pool_layers)
        return worth

    before: Tensor = domain_head(scene.pool_layers)
    picks = _in_rounds(scene, n, rounds, before, learn_anew)
    return Picks(picks, before, first, rounds=numbers(n, rounds))


def _error_head(scene: Scene, head: Recipe, layers: Reads) -> Head | None:
    verdicts = scene.verdicts
    if head == "article":
        return train_article_head(verdicts.layers, ~verdicts.correct, reads=layers, seed=scene.seed)
    if layers == "last":
        return scene.error_head
    return train_error_head(verdicts.layers, verdicts.correct, reads=layers)


def _domain_head(
    scene: Scene,
    known: Layers,
    application: Tensor,
    head: Recipe,
    layers: Reads,
    width: int,
    depth: int,
    before: Head | None = None,
) -> Head:
    """before: the head of the last round."""
    if head == "article":
        found = train_article_head(known, application, reads=layers, seed=scene.seed)
        if found is not None:
            return found
    return train_domain_head(
        known,
        application,
        blocks=scene.blocks,
        reads=layers,
        width=width,
        depth=depth,
        seed=scene.seed,
        start=before if isinstance(before, DomainHead) else None,
    )


def _in_rounds(
    scene: Scene, n: int, rounds: int, worth: Tensor, learn_anew: Callable[[Tensor], Tensor]
) -> Tensor:
    """n picks, int64 [n]: of each round those of most worth, which is then `learn_anew(picked)`."""
    picks: list[Tensor] = []
    taken = torch.zeros(scene.size, dtype=torch.bool)
    for size in sizes(n, rounds):
        if picks:
            worth = learn_anew(picks[-1])
        picks.append(scene.top(worth.masked_fill(taken, -torch.inf), size))
        taken[picks[-1]] = True
    return torch.cat(picks) if picks else torch.zeros(0, dtype=torch.int64)


def domains(scene: Scene, sample: Tensor) -> tuple[Layers, Tensor]:
    """Layers of held-out labelled items, then of the sample, and which are of the sample: bool [M + S]."""
    source = scene.verdicts.layers
    application = torch.arange(len(source.logits) + len(sample)) >= len(source.logits)
    return _joined(source, _by_siblings(scene, sample)), application


def _by_siblings(scene: Scene, rows: Tensor) -> Layers:
    """Layers of pool items as the held-out labelled ones have them: each from one of the siblings in turn.

    Were they taken from the serving network, a head could tell the networks apart instead of the domains.
    """
    siblings = scene.trained.siblings
    return layers_by_member(siblings, scene.pool[rows], torch.arange(len(rows)) % siblings.shape.members)


def _by_margin(scene: Scene, n: int) -> Picks:
    if NO_ERROR_HEAD not in scene.notes:
        scene.notes.append(NO_ERROR_HEAD)
    return Picks(scene.top(scene.margin, n), scene.margin, by=("margin",) * n)


def _joined(first: Layers, second: Layers) -> Layers:
    hidden = tuple(torch.cat(pair) for pair in zip(first.hidden, second.hidden, strict=True))
    features = None
    if first.features is not None and second.features is not None:
        features = torch.cat([first.features, second.features])
    return Layers(hidden, torch.cat([first.logits, second.logits]), features)
