"""Is a tagger on adapted layers better than on the encoder's own? By texts that neither has seen.

As `backend.learning.adapted_or_not`, by F1 of spans over all texts together, whose difference has the
jackknife's standard error (Efron and Stein 1981, "The Jackknife Estimate of Variance").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from backend.learning.adapted_or_not import FOLDS, Compared
from backend.learning.bio import UNSAID, spans_of
from backend.learning.tagger_tuning import AdaptedTagger, TaggedTexts, adapted_rows, fine_tune_tagger
from backend.learning.tagging import rarest_tag, sureness, train_tagger_alone
from backend.learning.training import outputs, stratified_folds
from backend.learning.viterbi import viterbi

PIECE = 64
"""Texts that are read at once."""


@dataclass(frozen=True)
class ComparedTaggers(Compared):
    """F1 of spans. sureness: of the adapted tagger, float64 [2], see `Tagger`."""

    sureness: Tensor


class Counts(NamedTuple):
    """Of each of M texts, float64 [M]: spans that were found, and of these right; spans that are there."""

    right: Tensor
    found: Tensor
    there: Tensor


def compare_taggers(
    texts: TaggedTexts,
    n_tags: int,
    *,
    seed: int = 0,
    device: str = "cpu",
    step_done: Callable[[], object] = lambda: None,
) -> ComparedTaggers:
    """Each text must be there once. step_done: called after each step; what it raises ends it."""
    fold_of = _folds_of(texts, n_tags, seed)
    frozen = torch.zeros(len(texts.tags), n_tags)
    adapted = frozen.clone()
    for fold in range(FOLDS):
        rest, held = texts.only(fold_of != fold), (fold_of == fold).nonzero()[:, 0]
        start = train_tagger_alone(texts.units, rest.tags, n_tags, seed=seed, device=device)
        here = fold_of[texts.units.item] == fold
        frozen[here] = outputs(start.network, texts.units.rows[here]).logits.cpu()
        made = fine_tune_tagger(rest, start, seed=seed, device=device, step_done=step_done)
        _fill(adapted, texts, made, held, device)
    return compared_taggers(frozen, adapted, texts)


def compared_taggers(frozen: Tensor, adapted: Tensor, texts: TaggedTexts) -> ComparedTaggers:
    """By what both say of the words of M held-out texts: logits, float [U, T]."""
    said = texts.tags != UNSAID
    item, items, tags = texts.units.item[said], texts.units.items, texts.tags[said]
    before, after = (counted(logits[said], item, items, tags) for logits in (frozen, adapted))
    error = jackknife(without_each(after) - without_each(before))
    sure = sureness(adapted[said], item, items, tags)
    return ComparedTaggers(float(f1(before)), float(f1(after)), error, sure)


def counted(logits: Tensor, item: Tensor, items: int, tags: Tensor) -> Counts:
    """logits: float [U, T]; item: int64 [U], rising, in [0, items); tags: int64 [U], what is true."""
    found = spans_of(viterbi(logits.log_softmax(-1), item, items), item)
    there = spans_of(tags, item)
    both = torch.isin(_keys(found, logits), _keys(there, logits))

    def of_each(begins: Tensor) -> Tensor:
        return torch.bincount(item[begins], minlength=items).double()

    return Counts(of_each(found[both, 0]), of_each(found[:, 0]), of_each(there[:, 0]))


def f1(counts: Counts) -> Tensor:
    """Of all texts together; 0 without a span."""
    return 2 * counts.right.sum() / (counts.found + counts.there).sum().clamp(min=1)


def without_each(counts: Counts) -> Tensor:
    """F1 without each one of the texts: float64 [M]."""
    spans = counts.found + counts.there
    return 2 * (counts.right.sum() - counts.right) / (spans.sum() - spans).clamp(min=1)


def jackknife(without: Tensor) -> float:
    """The standard error of a number, by what it is without each one of M items: float64 [M]."""
    return float(((len(without) - 1) * (without - without.mean()).square().mean()).sqrt())


def _keys(spans: Tensor, logits: Tensor) -> Tensor:
    """A number for each of spans, int64 [S, 3], the same for the same span."""
    begins, ends, labels = spans.unbind(1)
    return (begins * (len(logits) + 1) + ends) * logits.shape[1] + labels


def _folds_of(texts: TaggedTexts, n_tags: int, seed: int) -> Tensor:
    """The fold of each text, int64 [M]; the rarer labels are spread evenly."""
    said = texts.tags != UNSAID
    rarest = rarest_tag(texts.tags[said], texts.units.item[said], texts.units.items, n_tags)
    return stratified_folds(rarest, FOLDS, seed)


@torch.no_grad()
def _fill(logits: Tensor, texts: TaggedTexts, made: AdaptedTagger, items: Tensor, device: str) -> None:
    """What an adapted tagger says of some texts' words, into the rows of these words."""
    for some in items.split(PIECE):
        rows, words = adapted_rows(texts.units, texts.inputs, made.blocks, some, device)
        logits[words] = made.tagger.network(rows).logits[0].cpu()
