"""Labelling of spans replayed: which texts first, by the texts and by the words that were read."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from backend.controls.span_answers import known_in
from backend.encoders.word_registry import find_word_encoder
from backend.encoders.words import item_vectors
from backend.labelled.marked import MarkedTexts
from backend.learning.bio import UNSAID, Span, n_tags, tags_of
from backend.learning.tagging import TaggerTrained, train_tagger
from backend.learning.units import Units
from backend.sampling import select
from backend.simulate.plan import MAX_HELD_OUT, Plan

Step = Callable[[], None]


@dataclass(frozen=True)
class SpanJob:
    """One strategy's labelling from the start to the budget, or, of None, a model of the whole pool. file: of
    `write_words`; labels: how many there are."""

    strategy: str | None
    seed: int
    plan: Plan
    file: Path
    labels: int

    def __str__(self) -> str:
        return f"{self.strategy or 'all labels'}, seed {self.seed}"


class SpanPoint(NamedTuple):
    """After so many texts and words: F1 of whole spans on the held-out texts, and CPU seconds of choosing."""

    labels: int
    words: int
    f1: float
    seconds: float


@dataclass(frozen=True)
class SpanReplay:
    strategy: str
    seed: int
    points: tuple[SpanPoint, ...]


class Words(NamedTuple):
    """units: of N texts; tags: int64 [U]; spans: of each text as (start, end, label), int64 [S, 4], the text
    first."""

    units: Units
    tags: Tensor
    spans: Tensor

    def of(self, texts: Tensor) -> Words:
        """Of some texts, int64 [n], in this order."""
        counts = torch.bincount(self.units.item, minlength=self.units.items)
        own = counts[texts]
        item = torch.arange(len(texts)).repeat_interleave(own)
        first = (counts.cumsum(0) - counts)[texts] - (own.cumsum(0) - own)
        rows = first[item] + torch.arange(len(item))
        units = Units(self.units.rows[rows], item, self.units.marks[rows], len(texts))
        place = torch.full((self.units.items,), -1).index_put_((texts,), torch.arange(len(texts)))
        spans = self.spans[place[self.spans[:, 0]] >= 0].clone()
        spans[:, 0] = place[spans[:, 0]]
        return Words(units, self.tags[rows], spans)


def write_words(texts: MarkedTexts, encoder: str, file: Path) -> str:
    """Every text word by word, encoded once. Returns the name of what encoded them."""
    reader = find_word_encoder(encoder)
    units = reader.encode([row.text for row in texts.rows])
    number = {label: i for i, label in enumerate(texts.labels)}
    spans = [
        [Span(each.start, each.end, number[str(each.label)]) for each in known_in(row.answer)]
        for row in texts.rows
    ]
    counts = torch.bincount(units.item, minlength=units.items).tolist()
    tags = [tags_of(marks, each) for marks, each in zip(units.marks.split(counts), spans, strict=True)]
    flat = [(item, *span) for item, each in enumerate(spans) for span in each]
    parts = {"rows": units.rows, "item": units.item, "marks": units.marks, "tags": torch.cat(tags)}
    table = torch.tensor(flat, dtype=torch.int64).view(-1, 4)
    save_file({**parts, "spans": table, "items": torch.tensor([units.items])}, file)
    return reader.name


def replay_spans(job: SpanJob, step: Step) -> SpanReplay:
    """What the strategy's choice would have come to on one seed's split."""
    torch.set_num_threads(1)
    words = _read(job.file)
    order = torch.randperm(words.units.items, generator=torch.Generator().manual_seed(job.seed))
    held_out = max(1, min(int(len(order) * job.plan.held_out), MAX_HELD_OUT))
    test, pool = words.of(order[:held_out]), order[held_out:]
    if job.strategy is None:
        step()
        point = _measured(_trained(words.of(pool), job), test, words.of(pool), 0.0)
        return SpanReplay("", job.seed, (point,))
    return SpanReplay(job.strategy, job.seed, tuple(_labelled(job, words, pool, test, step)))


def _labelled(job: SpanJob, words: Words, pool: Tensor, test: Words, step: Step) -> list[SpanPoint]:
    vectors, points, seconds = item_vectors(words.units), list[SpanPoint](), 0.0
    chosen, rest, trained = pool[:0], pool, None
    for budget in job.plan.budgets:
        began = time.process_time()
        if not len(chosen) and not job.plan.live:
            picks = torch.arange(budget)  # the split is random already
        else:
            picks = _picked(job, words, vectors, chosen, rest, trained, budget - len(chosen))
        seconds += time.process_time() - began
        chosen = torch.cat([chosen, rest[picks]])
        rest = rest[~torch.isin(torch.arange(len(rest)), picks)]
        taught = words.of(chosen)
        trained = _trained(taught, job)
        points.append(_measured(trained, test, taught, seconds))
        step()
    return points


def _picked(
    job: SpanJob,
    words: Words,
    vectors: Tensor,
    chosen: Tensor,
    rest: Tensor,
    trained: TaggerTrained | None,
    n: int,
) -> Tensor:
    learned = None if trained is None else trained.learned(words.of(rest).units)
    targets = torch.zeros(len(chosen), dtype=torch.int64)
    assert job.strategy is not None
    known = vectors[chosen]
    return select(job.strategy, vectors[rest], known, targets, n, seed=job.seed, trained=learned)


def _trained(taught: Words, job: SpanJob) -> TaggerTrained | None:
    said = taught.tags != UNSAID
    if len(taught.units.item[said].unique()) < 2 or len(taught.tags[said].unique()) < 2:
        return None
    return train_tagger(taught.units, taught.tags, n_tags(job.labels), seed=job.seed)


def _measured(trained: TaggerTrained | None, test: Words, taught: Words, seconds: float) -> SpanPoint:
    found = [] if trained is None else trained.tagger.decode(test.units)
    said = {(i, span.start, span.end, span.label) for i, each in enumerate(found) for span in each}
    true = set(map(tuple, test.spans.tolist()))
    f1 = 2 * len(said & true) / max(len(said) + len(true), 1)
    return SpanPoint(taught.units.items, len(taught.units.item), f1, seconds)


def _read(file: Path) -> Words:
    held = load_file(file)
    units = Units(held["rows"], held["item"], held["marks"], int(held["items"]))
    return Words(units, held["tags"], held["spans"])
