"""Spans of texts, by a tag for each word."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.controls.base import CLASSES, Answer, Control
from backend.controls.regions import RegionControl
from backend.controls.span_answers import Span, answer_of
from backend.controls.spans import Spans
from backend.jobs.learners.parts import Parts, Trained
from backend.jobs.taught import Taught
from backend.learning.bio import UNSAID, n_tags, spans_of
from backend.learning.suspected_parts import suspected_spans
from backend.learning.tagging import train_tagger, train_tagger_alone
from backend.learning.units import UnitLayers, Units
from backend.learning.viterbi import viterbi
from backend.store.model_version import ControlModel


class SpansOfTexts(Parts):
    """Trained once there are two tasks, and words of two tags. Texts are compared by the mean of their words,
    which is what was measured to pay, not by what they are about."""

    def vectors(self, rows: list[int]) -> Tensor:
        return self.material.unit_means(rows)

    @property
    def blocks(self) -> tuple[int, ...]:
        return ()

    def train(self, control: RegionControl, taught: Taught) -> Trained | None:
        units, tags = self._tagged(control, taught)
        said = tags != UNSAID
        if not _is_enough(units, tags):
            return None
        trained = train_tagger(
            units,
            tags,
            n_tags(len(control.classes)),
            seed=self.settings.seed,
            device=self.settings.device,
            together=taught.together,
        )
        held_out = _answers(trained.held_out, units.marks[said], control.classes)
        pool = self.material.units(self.material.waiting)
        suspected = suspected_spans(trained.held_out, tags[said], units.marks[said])
        return Trained(trained.tagger, trained.learned(pool), held_out, suspected=suspected)

    def learn_alone(self, control: Control) -> ControlModel | None:
        """Without siblings, whose verdicts nobody asks for."""
        assert isinstance(control, RegionControl)
        units, tags = self._tagged(control, self.material.taught(control))
        if not _is_enough(units, tags):
            return None
        settings, number = self.settings, n_tags(len(control.classes))
        tagger = train_tagger_alone(units, tags, number, seed=settings.seed, device=settings.device)
        return ControlModel(control, {CLASSES: tagger.cpu()})

    def _tagged(self, control: RegionControl, taught: Taught) -> tuple[Units, Tensor]:
        """The labelled texts' words, and the tag of each, int64 [U]."""
        assert isinstance(control, Spans)
        units = self.material.units(taught.rows)
        counts = torch.bincount(units.item, minlength=units.items).tolist()
        texts = zip(taught.given, units.marks.split(counts), strict=True)
        return units, torch.cat([units.item[:0], *(control.targets(*text) for text in texts)])


def _is_enough(units: Units, tags: Tensor) -> bool:
    said = tags != UNSAID
    return len(units.item[said].unique()) > 1 and len(tags[said].unique()) > 1


def _answers(held_out: UnitLayers, marks: Tensor, labels: Sequence[str]) -> list[Answer]:
    """What siblings say of each item. marks: int64 [U, 2], of the words."""
    likely, item = held_out.layers.logits.log_softmax(-1), held_out.item
    found = spans_of(viterbi(likely, item, held_out.items), item)
    begins, ends, label = found.unbind(1)
    spans: list[list[Span]] = [[] for _ in range(held_out.items)]
    columns = (item[begins], marks[begins, 0], marks[ends - 1, 1], label)
    for of, start, end, number in zip(*(column.tolist() for column in columns), strict=True):
        spans[of].append(Span(start, end, labels[number]))
    return [answer_of(each) for each in spans]
