"""Adapt the layers that words are read from, together with a tagger that was fitted on them as they are.

(Kumar et al. 2022: see `backend.learning.fine_tuning`, whose steps these are.)
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from backend.learning.bio import UNSAID
from backend.learning.fine_tuning import DECAY, EPOCHS, HEAD_RATE, LONGEST_GRADIENT, RATE, STEP, Inputs
from backend.learning.tagger import Tagger
from backend.learning.units import Units


@dataclass(frozen=True)
class TaggedTexts:
    """What there is to learn from, of M labelled texts.

    units: their words as the encoder gives them; tags: int64 [U]; inputs: of the texts, what goes into
    `blocks`, which give the first columns of the words' rows.
    """

    units: Units
    tags: Tensor
    inputs: Inputs
    blocks: nn.Module

    def only(self, items: Tensor) -> TaggedTexts:
        """Nothing is said of the others. items: bool [M]."""
        return replace(self, tags=self.tags.where(items[self.units.item], UNSAID))


class AdaptedTagger(NamedTuple):
    """blocks: trained; tagger: on what they give."""

    blocks: nn.Module
    tagger: Tagger


def fine_tune_tagger(
    texts: TaggedTexts,
    tagger: Tagger,
    *,
    seed: int = 0,
    device: str = "cpu",
    step_done: Callable[[], object] = lambda: None,
) -> AdaptedTagger:
    """Train copies of the blocks and of the tagger.

    step_done: called after each step; what it raises ends the training.
    """
    blocks, tagger = copy.deepcopy(texts.blocks).to(device), copy.deepcopy(tagger).to(device)
    learned = (texts.tags != UNSAID).nonzero()[:, 0]
    items = texts.units.item[learned].unique()
    parameters = [
        {"params": list(blocks.parameters()), "weight_decay": DECAY},
        {"params": list(tagger.parameters()), "weight_decay": DECAY},
    ]
    optimizer = torch.optim.AdamW(parameters)
    steps = EPOCHS * -(-len(items) // STEP)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, [RATE, HEAD_RATE], total_steps=max(2, steps))
    chance = torch.Generator().manual_seed(seed)
    for _ in range(EPOCHS):
        for some in torch.randperm(len(items), generator=chance).split(STEP):
            rows, words = adapted_rows(texts.units, texts.inputs, blocks, items[some], device)
            logits = tagger.network(rows).logits[0]
            optimizer.zero_grad()
            cross_entropy(logits, texts.tags[words].to(device), ignore_index=UNSAID).backward()
            for part in (blocks, tagger):
                nn.utils.clip_grad_norm_(part.parameters(), LONGEST_GRADIENT)
            optimizer.step()
            cycle.step()
            step_done()
    return AdaptedTagger(blocks, tagger)


def adapted_rows(
    units: Units, inputs: Inputs, blocks: nn.Module, items: Tensor, device: str
) -> tuple[Tensor, Tensor]:
    """The words of some texts, float32 [u, D], with what the blocks give in the first columns, and which of
    all words these are, int64 [u]. items: int64 [m], in any order."""
    counts = torch.bincount(units.item, minlength=units.items)
    every = torch.arange(len(units.item)).split(counts.tolist())
    words = torch.cat([units.item[:0], *(every[i] for i in items.tolist())])
    found = blocks(inputs.batch(items.tolist(), device))
    rest = units.rows[words, found.shape[1] :].float().to(device)
    return torch.cat([found, rest], 1), words
