"""An adapted model at work: what it says of texts, in the place of the frozen one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

import torch
from torch import Tensor, nn

from backend.encoders.backbones import DEPTHS, Backbone, adaptable
from backend.encoders.base import Encoder
from backend.errors import DamagedFile
from backend.guessing import Said
from backend.learning import devices
from backend.learning.fine_tuning import beside
from backend.learning.network import LayeredNetwork
from backend.store.adapted_models import AdaptedModel, AdaptedModels
from backend.store.model_version import ModelVersion

logger = logging.getLogger(__name__)

STATS = "adapted"
"""Where a version's stats tell of the adapted model that it answers by."""
PIECE = 32
"""Texts read at once."""


@dataclass(frozen=True)
class Adapted:
    """Ready to answer. start: of its columns within the encoder's vectors; control: of whose answers."""

    control: str
    backbone: Backbone
    start: int
    blocks: nn.Module
    network: LayeredNetwork

    @property
    def bytes(self) -> int:
        parts = (self.blocks, self.network)
        return sum(value.nbytes for part in parts for value in part.state_dict().values())

    @torch.no_grad()
    def logits(self, texts: Sequence[str], features: Tensor, seconds: float) -> Tensor:
        """Of the first n texts, as many as there is time for: float32 [n, C]. features: float32 [N, D], of
        the encoder as it is."""
        found, began = [torch.zeros(0, self.network.shape.classes)], monotonic()
        device = devices.used()
        blocks, network = self.blocks.to(device), self.network.to(device)
        for at in range(0, len(texts), PIECE):
            if monotonic() - began >= seconds:
                break
            some = texts[at : at + PIECE]
            inputs = self.backbone.inputs(some)
            columns = blocks(inputs.batch(range(len(some)), device))
            given = features[at : at + PIECE].float().to(device)
            found.append(network(beside(given, columns, self.start)).logits[0].cpu())
        return torch.cat(found)


def adapted_from(model: AdaptedModel, encoder: Encoder) -> Adapted:
    """Raises DamagedFile where the model is not one of this encoder's."""
    depth = DEPTHS.get(model.depth)
    part = None if depth is None else adaptable(encoder, depth)
    if part is None or encoder.dims != model.network.shape.inputs:
        raise DamagedFile("an adapted model is of another encoder")
    blocks = part.backbone.blocks()
    try:
        blocks.load_state_dict(model.blocks)
    except RuntimeError as error:
        raise DamagedFile(f"an adapted model is of another encoder: {error}") from error
    return Adapted(model.control, part.backbone, part.start, blocks, model.network)


def adapted_of(models: AdaptedModels, version: ModelVersion, encoder: Encoder) -> Adapted | None:
    """What a version answers by; None where it answers by its own networks, as it does where the adapted
    model cannot be read, which the log then tells."""
    told = version.stats.get(STATS)
    if not isinstance(told, dict):
        return None
    try:
        return adapted_from(models.load(str(told.get("digest"))), encoder)
    except DamagedFile as damage:
        logger.error("%s answers without what was adapted: %s", version.name, damage)
        return None


def said_by(
    adapted: Adapted | None, said: list[Said], texts: Sequence[str], features: Tensor, seconds: float
) -> list[Said]:
    """The same, with what the adapted model says of the first texts, as many as there is time for."""
    if adapted is None or not len(texts):
        return said
    logits = adapted.logits(texts, features, seconds)
    return [each.with_adapted(logits) if each.control.from_name == adapted.control else each for each in said]
