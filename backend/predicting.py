"""Answer predictions from the newest published model, without asking Label Studio anything."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from backend.labelstudio.publishing import prediction
from backend.labelstudio.scheme import LabelScheme
from backend.learning.text import TextEncoder
from backend.learning.training import outputs
from backend.sampling import places
from backend.sampling.registry import score
from backend.settings import Settings
from backend.store.features import FeatureCache
from backend.store.paths import project_dir
from backend.store.versions import ModelVersion, VersionStore

MAX_LOADED = 8
"""Projects whose model is kept in memory; about 15 MB each."""


@dataclass(frozen=True)
class Loaded:
    """A version ready to answer: with its encoder, and each ranked task's place by id."""

    version: ModelVersion
    encoder: TextEncoder
    place_of: dict[int, float]


class Predictor:
    """Published models by project, the recently used ones in memory. Safe to share between threads."""

    def __init__(self, settings: Settings):
        self._data_dir = settings.data_dir
        self._loaded: OrderedDict[int, Loaded] = OrderedDict()
        self._lock = threading.Lock()

    def version_of(self, project_id: int) -> str | None:
        """The published version's name, without loading it; None when there is none yet."""
        return VersionStore(project_dir(self._data_dir, project_id)).published()

    def predict(self, project_id: int, scheme: LabelScheme, tasks: Sequence[Any]) -> list[dict[str, Any]]:
        """One prediction per task, in order, all of the published version.

        scheme: what the request's label config asks for. Returns [] when there is nothing to say: no
        version yet, or one that was trained for another label config.
        Raises DamagedFile when the published version cannot be read.
        """
        loaded = self._load(project_id)
        if loaded is None or loaded.version.scheme != scheme or not tasks:
            return []
        datas = [task.get("data") if isinstance(task, dict) else None for task in tasks]
        features = loaded.encoder.encode([scheme.text_of(data) for data in datas])
        version = loaded.version
        labels: list[str | None] = [None] * len(tasks)
        confidences = [0.0] * len(tasks)
        worth = None
        if version.network is not None:
            layers = outputs(version.network, features)
            best = layers.probabilities.max(-1)
            labels = [scheme.labels[i] for i in best.indices.tolist()]
            confidences = best.values.tolist()
            worth = score(version.strategy, layers, version.head)
        scores = _places(loaded, tasks, datas, worth)
        return [
            prediction(scheme, version.name, place, label, confidence)
            for place, label, confidence in zip(scores, labels, confidences, strict=True)
        ]

    def _load(self, project_id: int) -> Loaded | None:
        store = VersionStore(project_dir(self._data_dir, project_id))
        name = store.published()
        if name is None:
            return None
        with self._lock:
            known = self._loaded.get(project_id)
            if known is not None and known.version.name == name:
                self._loaded.move_to_end(project_id)
                return known
            version = store.load(name)
            features = FeatureCache(project_dir(self._data_dir, project_id) / "features")
            ids = version.queue_ids.tolist()
            place_of = dict(zip(ids, places(len(ids)).tolist(), strict=True))
            loaded = Loaded(version, features.encoder(version.encoder), place_of)
            self._loaded[project_id] = loaded
            self._loaded.move_to_end(project_id)
            while len(self._loaded) > MAX_LOADED:
                self._loaded.popitem(last=False)
            return loaded


def _places(loaded: Loaded, tasks: Sequence[Any], datas: Sequence[Any], worth: Tensor | None) -> list[float]:
    """Where each task stands in the published queue, or would stand had it been there: in (0, 1)."""
    ranked = loaded.version.queue_worth
    if worth is not None and len(ranked):
        # As many are before it as are worth more; between two places, so it equals neither.
        before = torch.searchsorted(-ranked, -worth.float()).double()
        between = (before / len(ranked)).clamp(1e-9, 1 - 1e-9).tolist()
    else:
        between = [_anywhere(data) for data in datas]
    ids = [task.get("id") if isinstance(task, dict) else None for task in tasks]
    return [
        loaded.place_of.get(task_id, place) if isinstance(task_id, int) else place
        for task_id, place in zip(ids, between, strict=True)
    ]


def _anywhere(data: Any) -> float:
    """A fixed place in (0, 1) that looks random, for orders that have no number per item."""
    digest = blake2b(repr(data).encode("utf-8", "surrogatepass"), digest_size=7).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**56
