"""Texts with spans, for replays: word by word, paid for by the words that were read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from backend.controls.span_answers import known_in
from backend.encoders.word_registry import find_word_encoder
from backend.encoders.words import item_vectors
from backend.labelled.marked import MarkedTexts
from backend.learning.bio import UNSAID, Span, n_tags, tags_of
from backend.learning.tagging import TaggerTrained, train_tagger
from backend.learning.units import Units, UnitsLearned
from backend.simulate.parts import Items, Surest, surest_of


@dataclass(frozen=True)
class TextsOfSpans(Items):
    """units: of N texts; tags: int64 [U]; spans: of each text as (start, end, label), int64 [S, 4], the text
    first; labels: how many there are."""

    units: Units
    tags: Tensor
    spans: Tensor
    labels: int

    things = "texts"
    cost, cost_told = "words", "words read"
    measure, measure_told = "f1", "F1 of whole spans"

    def __len__(self) -> int:
        return self.units.items

    def compared(self) -> Tensor:
        return item_vectors(self.units)

    def of(self, items: Tensor) -> Self:
        counts = torch.bincount(self.units.item, minlength=self.units.items)
        own = counts[items]
        item = torch.arange(len(items)).repeat_interleave(own)
        first = (counts.cumsum(0) - counts)[items] - (own.cumsum(0) - own)
        rows = first[item] + torch.arange(len(item))
        units = Units(self.units.rows[rows], item, self.units.marks[rows], len(items))
        place = torch.full((self.units.items,), -1).index_put_((items,), torch.arange(len(items)))
        spans = self.spans[place[self.spans[:, 0]] >= 0].clone()
        spans[:, 0] = place[spans[:, 0]]
        return replace(self, units=units, tags=self.tags[rows], spans=spans)

    def paid(self) -> int:
        return len(self.units.item)

    def trained(self, seed: int) -> TaggerTrained | None:
        said = self.tags != UNSAID
        if len(self.units.item[said].unique()) < 2 or len(self.tags[said].unique()) < 2:
            return None
        return train_tagger(self.units, self.tags, n_tags(self.labels), seed=seed)

    def learned(self, trained: TaggerTrained) -> UnitsLearned:
        return trained.learned(self.units)

    def score(self, trained: TaggerTrained | None) -> float:
        found = [] if trained is None else trained.tagger.decode(self.units)
        said = {(i, span.start, span.end, span.label) for i, each in enumerate(found) for span in each}
        true = set(map(tuple, self.spans.tolist()))
        return 2 * len(said & true) / max(len(said) + len(true), 1)

    def surest(self, trained: TaggerTrained) -> list[Surest]:
        found = trained.tagger.decode(self.units)
        return [surest_of((span.label, span.confidence) for span in each) for each in found]


def write_words(texts: MarkedTexts, encoder: str, file: Path) -> str:
    """Every text word by word, encoded once. Returns the name of what encoded them. Raises ValueError."""
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
    sizes = {"items": torch.tensor([units.items]), "labels": torch.tensor([len(texts.labels)])}
    save_file({**parts, "spans": table, **sizes}, file)
    return reader.name


def read_words(file: Path) -> TextsOfSpans:
    held = load_file(file)
    units = Units(held["rows"], held["item"], held["marks"], int(held["items"]))
    return TextsOfSpans(units, held["tags"], held["spans"], int(held["labels"]))
