"""An adapted model at work: what it says of texts or images, in the place of the frozen one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from backend.adapted_contents import Contents
from backend.adapted_spans import adapted_spans
from backend.encoders.backbones import DEPTHS, Backbone, adaptable
from backend.errors import DamagedFile
from backend.learning import devices
from backend.learning.fine_tuning import beside
from backend.learning.network import LayeredNetwork
from backend.learning.tagger import Tagger
from backend.said.base import Contents as Looked
from backend.said.base import Said
from backend.said.whole import SaidOfWhole
from backend.store.adapted_models import AdaptedModel, AdaptedModels
from backend.store.model_version import ModelVersion

logger = logging.getLogger(__name__)

STATS = "adapted"
"""Where a version's stats tell of the adapted model that it answers by."""
PIECE = 32
"""Contents read at once."""
Read = Callable[[Sequence[str]], Sequence[Any]]
"""What stands in tasks to contents as the layers take them, None for one that is not at hand."""


class Adapted(Protocol):
    """Ready to answer in the place of a control's frozen model. control: its name."""

    @property
    def control(self) -> str: ...
    @property
    def bytes(self) -> int: ...

    def instead_of(self, said: Said, contents: Looked, seconds: float) -> Said:
        """What the frozen model says, with what this one says of the first contents, as far as there is
        time."""


@dataclass(frozen=True)
class AdaptedWhole:
    """Of whole contents. start: of its columns within the encoder's vectors; control: of whose answers; read:
    texts are contents as they stand."""

    control: str
    backbone: Backbone
    start: int
    blocks: nn.Module
    network: LayeredNetwork
    read: Read = list

    @property
    def bytes(self) -> int:
        parts = (self.blocks, self.network)
        return sum(value.nbytes for part in parts for value in part.state_dict().values())

    def instead_of(self, said: Said, contents: Looked, seconds: float) -> Said:
        assert isinstance(said, SaidOfWhole)
        return said.with_adapted(self.logits(contents.values, contents.features, seconds))

    @torch.no_grad()
    def logits(self, values: Sequence[str], features: Tensor, seconds: float) -> Tensor:
        """Of the first n values in tasks, as many as there is time for: float32 [n, C], NaN where the content
        is not at hand. features: float32 [N, D], of the encoder as it is."""
        found, began = [torch.zeros(0, self.network.shape.classes)], monotonic()
        device = devices.used()
        blocks, network = self.blocks.to(device), self.network.to(device)
        for at in range(0, len(values), PIECE):
            if monotonic() - began >= seconds:
                break
            contents = self.read(values[at : at + PIECE])
            said = torch.full((len(contents), self.network.shape.classes), torch.nan)
            there = [i for i, content in enumerate(contents) if content is not None]
            if there:
                inputs = self.backbone.inputs([contents[i] for i in there])
                columns = blocks(inputs.batch(range(len(there)), device))
                given = features[at : at + PIECE][there].float().to(device)
                said[there] = network(beside(given, columns, self.start)).logits[0].cpu()
            found.append(said)
        return torch.cat(found)


def adapted_from(model: AdaptedModel, contents: Contents, labels: Sequence[str]) -> Adapted:
    """labels: by the model's numbers. Raises DamagedFile where the model is not one of this encoder's."""
    network = model.network
    try:
        if isinstance(network, Tagger):
            return adapted_spans(model, network, contents.words, labels)
        assert isinstance(network, LayeredNetwork)
        return _adapted_whole(model, network, contents)
    except (RuntimeError, ValueError) as error:
        raise DamagedFile(f"an adapted model is of another encoder: {error}") from error


def _adapted_whole(model: AdaptedModel, network: LayeredNetwork, contents: Contents) -> AdaptedWhole:
    depth = DEPTHS.get(model.depth)
    part = None if depth is None else adaptable(contents.encoder, depth)
    if part is None or contents.encoder.dims != network.shape.inputs:
        raise DamagedFile("an adapted model is of another encoder")
    blocks = part.backbone.blocks()
    blocks.load_state_dict(model.blocks)
    return AdaptedWhole(model.control, part.backbone, part.start, blocks, network, contents.read)


def adapted_of(models: AdaptedModels, version: ModelVersion, contents: Contents) -> Adapted | None:
    """What a version answers by; None where it answers by its own networks, as it does where the adapted
    model cannot be read, which the log then tells."""
    told = version.stats.get(STATS)
    if not isinstance(told, dict):
        return None
    try:
        return adapted_from(models.load(str(told.get("digest"))), contents, version.scheme.main.classes)
    except DamagedFile as damage:
        logger.error("%s answers without what was adapted: %s", version.name, damage)
        return None


def said_by(
    adapted: Adapted | None, said: Sequence[Said], contents: Looked, seconds: float
) -> Sequence[Said]:
    """The same, with what the adapted model says of the first contents, as far as there is time."""
    if adapted is None or not len(contents.values):
        return said
    return [
        adapted.instead_of(each, contents, seconds) if each.control.from_name == adapted.control else each
        for each in said
    ]
