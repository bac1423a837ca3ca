"""Which waiting texts to label next, and why: encode, train, rank, as a retrain does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backend import sampling
from backend.copies import copies_among, keys_of
from backend.encoders.base import block_widths, encoded
from backend.jobs.learners.whole_items import classifier
from backend.labelled import PartlyLabelled
from backend.labelled.field_values import Values, values_of_items
from backend.labelled.things import Things
from backend.learning import devices
from backend.learning.training import Trained
from backend.sampling import alike
from backend.settings import Settings
from backend.store.reason import PICKED, Reason
from backend.why import chance_of

PIECE = 1_000
"""Texts encoded at once, between two moves of the progress bar."""
FIT_ON = 20_000
"""Texts that an encoder is fitted on, if it is: a random sample of more."""
CLUSTERS = 10
LIKELIEST = 3
"""Classes told of each text."""
Tell = Callable[[str, int], None]
"""Told what goes on, and how many more texts that was done with."""


@dataclass(frozen=True)
class Choice:
    """place and text: as of `Waiting`; probabilities: of the likeliest classes, the likeliest first, {} where
    nothing can say so; why: as of a task in the queue, of no version; cluster_size: how many of those that
    wait are in its cluster."""

    place: int
    text: str
    probabilities: dict[str, float]
    why: Reason
    cluster_size: int


@dataclass(frozen=True)
class Chosen:
    """choices: best first; accuracy: of the model on labelled texts that it had not seen, None without a
    model; copies: waiting texts nearly equal to others, passed over; notes: sentences on what to know."""

    choices: list[Choice]
    strategy: str
    accuracy: float | None = None
    copies: int = 0
    notes: list[str] = field(default_factory=list)


def choose(texts: PartlyLabelled, count: int, settings: Settings, tell: Tell) -> Chosen:
    """The `count` texts to label next, or all that wait where there are fewer.

    Raises ValueError for a strategy, an encoder or a device that cannot be used.
    """
    torch.set_num_threads(settings.torch_threads or torch.get_num_threads())
    settings = settings.model_copy(update={"device": devices.use(settings.device)})
    contents = [*(text for text, _ in texts.labelled), *(each.text for each in texts.waiting)]
    features, blocks = _encode(contents, texts.things, settings, tell)
    classes = sorted({label for _, label in texts.labelled})
    targets = torch.tensor([classes.index(label) for _, label in texts.labelled], dtype=torch.int64)
    labelled = len(targets)
    behind, together = _copies(texts.things.words_of(contents), features, targets)
    waiting = torch.from_numpy(np.flatnonzero(~behind[labelled:]))
    pool = features[labelled:][waiting]
    tell("training", 0)
    trained = classifier(settings, features[:labelled], targets, len(classes), together[:labelled])
    tell("choosing", 0)
    scene = sampling.make_scene(
        pool,
        features[:labelled],
        targets,
        n_classes=len(classes),
        batch=max(count, 1),  # all of them are labelled before the model learns anew
        seed=settings.seed,
        device=settings.device,
        trained=trained,
        blocks=blocks,
        fields=_fields(texts, waiting, settings.strategy),
    )
    ranking = sampling.rank_scene(settings.strategy, scene, min(count, len(pool)))
    picks = ranking.order[:count]
    why_each = explained(scene, ranking, picks, _likeliest(scene, picks, classes))
    choices = [
        Choice(texts.waiting[i].place, texts.waiting[i].text, *why)
        for i, why in zip(waiting[picks].tolist(), why_each, strict=True)
    ]
    accuracy = None if trained is None else round(float(trained.out_of_fold.correct.float().mean()), 4)
    notes = _notes(scene, ranking, trained)
    return Chosen(choices, settings.strategy, accuracy, int(behind.sum()), notes)


def _notes(scene: sampling.Scene, ranking: sampling.Ranking, trained: Trained | None) -> list[str]:
    notes = list(ranking.notes)
    if trained is not None and scene.error_head is None:
        notes.append("too few errors, or too few successes, among the labelled ones to tell P(wrong) from")
    return notes


def _fields(texts: PartlyLabelled, waiting: Tensor, strategy: str) -> Values | None:
    """What the strategy asks about the texts' fields. waiting: int64 [n], those of the pool."""
    of_pool = [texts.waiting[i].text for i in waiting.tolist()]
    return values_of_items(texts.fields, strategy, of_pool, [text for text, _ in texts.labelled])


def _encode(
    contents: Sequence[str], things: Things, settings: Settings, tell: Tell
) -> tuple[Tensor, tuple[int, ...]]:
    """Float32 [N, D], and the widths of what a vector is made of."""
    order = np.random.default_rng(settings.seed).permutation(len(contents))[:FIT_ON]
    name = getattr(settings, things.setting)
    encoder = things.encoder(name, [contents[i] for i in order], settings.seed)
    parts = []
    for start in range(0, len(contents), PIECE):
        piece = contents[start : start + PIECE]
        parts.append(encoded(encoder, piece))
        tell("encoding", len(piece))
    return torch.cat(parts), block_widths(encoder)


def _copies(
    contents: Sequence[str], features: Tensor, targets: Tensor
) -> tuple[npt.NDArray[np.bool_], Tensor]:
    """Which texts wait behind one of the same content, bool [N]; groups of the same content, int64 [N]."""
    waits = np.arange(len(contents)) >= len(targets)
    own = np.full(len(contents), -1, np.int64)
    own[: len(targets)] = targets.numpy()
    copies = copies_among(contents, keys_of(contents), features, own, waits)
    return copies.behind, torch.from_numpy(copies.group)


def _likeliest(scene: sampling.Scene, picks: Tensor, classes: Sequence[str]) -> list[dict[str, float]]:
    if not scene.has_classifier:
        return [{} for _ in picks]
    kept = scene.probabilities[picks].topk(min(LIKELIEST, len(classes)))
    rows = zip(kept.values.tolist(), kept.indices.tolist(), strict=True)
    return [{classes[i]: round(p, 4) for p, i in zip(*row, strict=True)} for row in rows]


def explained(
    scene: sampling.Scene, ranking: sampling.Ranking, picks: Tensor, likely: Sequence[dict[str, float]]
) -> Iterator[tuple[dict[str, float], Reason, int]]:
    """Of each pick what `Choice` tells beside the text. picks: int64 [n], indices into the scene's pool, the
    first of the ranking; likely: of each, see there."""
    cluster, sizes = _clusters(scene)
    nothing: list[None] = [None] * len(picks)
    wrong: Sequence[float | None] = nothing
    doubts: Sequence[float | None] = nothing
    if scene.has_classifier:
        doubts = [round(p, 4) for p in scene.margin[picks].tolist()]
        if scene.error_head is not None:
            wrong = [round(p, 4) for p in scene.wrong(scene.error_head)[picks].tolist()]
    for row, pick in enumerate(picks.tolist()):
        number = int(cluster[pick])
        why = Reason(
            PICKED,
            ranking.by[row],
            place=row + 1,
            of=scene.size,
            round=int(ranking.rounds[row]),
            p_wrong=wrong[row],
            doubt=doubts[row],
            cluster=number + 1,
            chance=chance_of(ranking.chance, row),
        )
        yield likely[row], why, int(sizes[number])


def _clusters(scene: sampling.Scene) -> tuple[Tensor, Tensor]:
    """The cluster of each waiting text, int64 [N], the largest numbered 0, and the clusters' sizes."""
    if not scene.size:
        return torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.int64)
    cluster = alike.clustered(scene.pool, min(CLUSTERS, scene.size), scene.seed)
    sizes = torch.bincount(cluster)
    by_size = sizes.argsort(descending=True, stable=True)
    number = torch.empty_like(by_size)
    number[by_size] = torch.arange(len(by_size))
    return number[cluster], sizes[by_size]
