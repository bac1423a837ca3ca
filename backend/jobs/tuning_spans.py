"""A fine-tuning of what reads words, for spans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.controls.spans import Spans
from backend.encoders.word_blocks import word_backbone
from backend.encoders.words import WordEncoder
from backend.jobs.tuning import Made, StepDone
from backend.jobs.tuning_due import depth_of
from backend.jobs.tuning_material import NUMBERS, PIECE, NothingToDo, no_layers, sample, tasks_of
from backend.learning.adapted_or_not import FOLDS, MIN_ITEMS, Compared
from backend.learning.adapted_tagger_or_not import compare_taggers
from backend.learning.bio import OUTSIDE, UNSAID, n_tags
from backend.learning.tagger_tuning import TaggedTexts, fine_tune_tagger
from backend.learning.tagging import train_tagger_alone
from backend.learning.units import Units
from backend.settings import Settings
from backend.store.model_version import ModelVersion
from backend.store.words import words_of_project

MIN_MARKED = 4 * FOLDS
"""Texts with a span below which nothing is tried: each fold's rest must have some."""


@dataclass(frozen=True)
class SpanTuning:
    """tags: how many there are."""

    texts: TaggedTexts
    tags: int
    seed: int
    device: str
    measure = "F1 of spans on held-out texts"

    def __len__(self) -> int:
        return self.texts.units.items

    def run(self, step_done: StepDone) -> tuple[Compared, Made | None]:
        texts, seed, device = self.texts, self.seed, self.device
        found = compare_taggers(texts, self.tags, seed=seed, device=device, step_done=step_done)
        if not found.is_better:
            return found, None
        start = train_tagger_alone(texts.units, texts.tags, self.tags, seed=seed, device=device)
        made = fine_tune_tagger(texts, start, seed=seed, device=device, step_done=step_done)
        tagger = made.tagger.cpu()
        tagger.sureness.copy_(found.sureness)
        return found, Made(made.blocks.state_dict(), tagger)


def span_tuning(
    settings: Settings, project_id: int, version: ModelVersion, look: Callable[[], None]
) -> SpanTuning:
    """Of the labelled texts, each once. look: is called now and then; what it raises ends it. Raises
    NothingToDo; DamagedFile where the version's encoder is not to be had."""
    control = version.scheme.main
    assert isinstance(control, Spans)
    words = words_of_project(settings, project_id, version.unit_encoder).encoder
    depth = depth_of(settings, control)
    backbone = None if depth is None else word_backbone(words, depth)
    if backbone is None:
        raise no_layers(settings, words.name)
    given = {each.text: each.target for each in tasks_of(settings, project_id, version) if each.target}
    known = list(given)
    texts = [known[i] for i in sample(backbone.sizes(known), NUMBERS, settings.seed).tolist()]
    units = _read(words, texts, look)
    marks = units.marks.split(torch.bincount(units.item, minlength=units.items).tolist())
    of_each = [control.targets(given[text], at) for text, at in zip(texts, marks, strict=True)]
    tags = torch.cat([units.item[:0], *of_each])
    _refuse_few(units, tags)
    inputs = backbone.inputs(texts, [each.tolist() for each in marks], look)
    tagged = TaggedTexts(units, tags, inputs, backbone.blocks())
    return SpanTuning(tagged, n_tags(len(control.classes)), settings.seed, settings.device)


def _read(words: WordEncoder, texts: Sequence[str], look: Callable[[], None]) -> Units:
    found = [words.encode([])]
    for at in range(0, len(texts), PIECE):
        piece = words.encode(texts[at : at + PIECE])
        found.append(piece._replace(item=piece.item + at))
        look()
    rows, item, marks, _ = zip(*found, strict=True)
    return Units(torch.cat(rows).clone(), torch.cat(item), torch.cat(marks), len(texts))


def _refuse_few(units: Units, tags: Tensor) -> None:
    said, marked = (len(units.item[of].unique()) for of in (tags != UNSAID, tags > OUTSIDE))
    if said < MIN_ITEMS or marked < MIN_MARKED:
        raise NothingToDo(f"{said} labelled texts, {marked} of them with spans, are too few")
