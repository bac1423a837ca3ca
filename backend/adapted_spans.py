"""A tagger on adapted layers at work: what it marks in texts, in the place of the frozen one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import torch
from torch import nn

from backend.encoders.backbones import DEPTHS
from backend.encoders.word_blocks import WordBackbone, word_backbone
from backend.encoders.words import WordEncoder
from backend.errors import DamagedFile
from backend.learning import devices
from backend.learning.fine_tuning import beside
from backend.learning.tagger import Tagger
from backend.learning.units import Units
from backend.said.base import Contents, Said
from backend.said.parts import SaidOfParts
from backend.said.spans import marked_by
from backend.store.adapted_models import AdaptedModel

PIECE = 32
"""Texts read at once."""


@dataclass(frozen=True)
class AdaptedSpans:
    """labels: by the tagger's numbers; control: the name of the one whose answers these are."""

    control: str
    labels: Sequence[str]
    backbone: WordBackbone
    blocks: nn.Module
    tagger: Tagger

    @property
    def bytes(self) -> int:
        parts = (self.blocks, self.tagger)
        return sum(value.nbytes for part in parts for value in part.state_dict().values())

    def instead_of(self, said: Said, contents: Contents, seconds: float) -> Said:
        """See `backend.adapting.Adapted`. contents: with their words."""
        assert isinstance(said, SaidOfParts)
        assert contents.units is not None
        read = self._read(contents.values, contents.units, seconds)
        return said.with_marked(*marked_by(self.tagger, read, self.labels))

    @torch.no_grad()
    def _read(self, texts: Sequence[str], units: Units, seconds: float) -> Units:
        """The words of the first texts, as many as there is time for, by the adapted layers."""
        began, device = monotonic(), devices.used()
        blocks, counts = self.blocks.to(device), torch.bincount(units.item, minlength=units.items).tolist()
        marks, own = units.marks.split(counts), units.rows.split(counts)
        found, done = [units.rows[:0].float()], 0
        while done < len(texts) and monotonic() - began < seconds:
            some = slice(done, done + PIECE)
            inputs = self.backbone.inputs(texts[some], [each.tolist() for each in marks[some]])
            columns = blocks(inputs.batch(range(len(inputs)), device)).cpu()
            found.append(beside(torch.cat(own[some]).float(), columns, 0))
            done += len(inputs)
        rows = torch.cat(found)
        return Units(rows, units.item[: len(rows)], units.marks[: len(rows)], done)


def adapted_spans(
    model: AdaptedModel, tagger: Tagger, words: WordEncoder | None, labels: Sequence[str]
) -> AdaptedSpans:
    """words: that read the version's texts. Raises DamagedFile, or what else damaged weights raise, where the
    model is not of these."""
    depth = DEPTHS.get(model.depth)
    backbone = None if words is None or depth is None else word_backbone(words, depth)
    if words is None or backbone is None or words.dimensions != tagger.network.shape.inputs:
        raise DamagedFile("an adapted model is of another encoder of words")
    blocks = backbone.blocks()
    blocks.load_state_dict(model.blocks)
    return AdaptedSpans(model.control, labels, backbone, blocks, tagger)
