"""Active transfer learning (Munro, ch. 5.2 to 5.4; "Active Transfer Learning with PyTorch").

The classifier's own layers are transferred to a new question: is it wrong here (error head), or does this
item come from the domain that is still unlabelled (domain head)? Options of all: `head`, ours or the
article's; `layers`, which ones it reads (`backend.learning.reading`).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from backend.learning.article_head import train_article_head
from backend.learning.domain_head import DEPTH, WIDTH, DomainHead, train_domain_head
from backend.learning.heads import ErrorHead, train_error_head
from backend.learning.network import Layers
from backend.learning.reading import Head, Reads, Recipe
from backend.sampling.rounds import Worth, in_rounds
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
    worth = scene.wrong(error_head)
    return Picks(scene.top(worth, n), worth, error_head)


def atlas(
    scene: Scene, n: int, *, round: int | None = None, head: Recipe = "ours", layers: Reads = "last"
) -> Picks:
    """Active transfer learning for adaptive sampling (ATLAS): in rounds of `round` items.

    What was picked will be labelled, and predicted correctly from then on; so its verdict is taken to be
    "correct", the head is trained again, and the next round goes to the errors that are left. A pick joins
    with the layers of a sibling, as the verdicts have them.
    round: items in a round; as `rounds.sizes` says by default.
    """
    first = _error_head(scene, head, layers)
    if first is None:
        return _by_margin(scene, n)
    error_head = first

    def learn_anew(now: Scene, chosen: Tensor) -> Worth:
        nonlocal error_head
        verdicts = now.verdicts_for(layers)
        of_picked = now.units_by_siblings(now.picked, _in_turn(now.picked))
        known = verdicts.layers.with_rows(of_picked)
        ones = torch.ones_like(of_picked.logits[:, 0])
        correct = torch.cat([verdicts.correct, ones.bool()])
        weights = None if verdicts.weights is None else torch.cat([verdicts.weights, ones])
        if isinstance(error_head, ErrorHead):
            learned: Head | None = train_error_head(
                known, correct, start=error_head, most=scene.most_verdicts, weights=weights
            )
        else:
            learned = train_article_head(known, ~correct, reads=layers, seed=scene.seed)
        error_head = learned or error_head
        return partial(_wrong, error_head)

    by_first = partial(_wrong, first)
    picks, rounds = in_rounds(scene, n, round, by_first, learn_anew)
    return Picks(picks, by_first(scene), first, rounds=rounds)


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
    domain_head = _domain_head(scene, head, layers, width, depth)
    worth: Tensor = domain_head(scene.pool_layers)
    return Picks(scene.top(worth, n), worth, domain_head)


def transfer_adaptive_representative(
    scene: Scene,
    n: int,
    *,
    round: int | None = None,
    head: Recipe = "ours",
    layers: Reads = "all",
    width: int = WIDTH,
    depth: int = DEPTH,
) -> Picks:
    """The same in rounds: what was picked will be labelled, so it turns to "training" for the next.

    round: items in a round; as `rounds.sizes` says by default.
    """
    domain_head = first = _domain_head(scene, head, layers, width, depth)

    def learn_anew(now: Scene, chosen: Tensor) -> Worth:
        nonlocal domain_head
        domain_head = _domain_head(now, head, layers, width, depth, domain_head)
        return partial(_application, domain_head)

    by_first = partial(_application, first)
    picks, rounds = in_rounds(scene, n, round, by_first, learn_anew)
    return Picks(picks, by_first(scene), first, rounds=rounds)


def _wrong(head: Head, scene: Scene) -> Tensor:
    return scene.wrong(head)


def _application(head: Head, scene: Scene) -> Tensor:
    said: Tensor = head(scene.pool_layers)
    return said


def _error_head(scene: Scene, head: Recipe, layers: Reads) -> Head | None:
    verdicts = scene.verdicts_for(layers)
    if head == "article":
        return train_article_head(verdicts.layers, ~verdicts.correct, reads=layers, seed=scene.seed)
    if layers == "last":
        return scene.error_head
    return train_error_head(
        verdicts.layers, verdicts.correct, reads=layers, most=scene.most_verdicts, weights=verdicts.weights
    )


def _domain_head(
    scene: Scene,
    head: Recipe,
    layers: Reads,
    width: int,
    depth: int,
    before: Head | None = None,
) -> Head:
    """Learned of a scene with what is picked; before: the head of the last round."""
    known, application = domains(scene)
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


def domains(scene: Scene) -> tuple[Layers, Tensor]:
    """What a domain head learns from: layers, and which are of the application domain, bool.

    Training: held-out labelled items, and those that are picked and will be labelled. Application: a random
    sample of the target domain's other items in the pool.
    """
    source = scene.held_out
    first = scene.application[: DOMAIN_SAMPLE + len(scene.picked)]
    turn = (~scene.is_picked[first]).nonzero().squeeze(1)[:DOMAIN_SAMPLE]
    of_sample = scene.by_siblings(first[turn], turn)
    of_picked = scene.by_siblings(scene.picked, _in_turn(scene.picked))
    training = len(source.logits) + len(scene.picked)
    application = torch.arange(training + len(turn), device=turn.device) >= training
    return source.with_rows(of_picked).with_rows(of_sample), application


def _in_turn(picked: Tensor) -> Tensor:
    """Whose turn of the siblings it is for each pick: int64 [p]."""
    return torch.arange(len(picked), device=picked.device)


def _by_margin(scene: Scene, n: int) -> Picks:
    if NO_ERROR_HEAD not in scene.notes:
        scene.notes.append(NO_ERROR_HEAD)
    return Picks(scene.top(scene.margin, n), scene.margin, by=("margin",) * n)
