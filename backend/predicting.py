"""Answer predictions from the published model, or a kept one, without asking Label Studio anything."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import torch
from torch import Tensor

from backend.errors import DamagedFile
from backend.labelstudio.publishing import prediction
from backend.labelstudio.scheme import LabelScheme
from backend.learning.encoders import Encoder, encoded
from backend.learning.training import outputs
from backend.lru import RecentlyUsed
from backend.sampling import places
from backend.sampling.registry import score
from backend.settings import Settings
from backend.store.places import feature_cache, stored_projects, version_store
from backend.store.versions import ModelVersion, version_number

logger = logging.getLogger(__name__)

PLACE_BYTES = 150
"""Of an entry of `Loaded.place_of`: two numbers and their slot."""


@dataclass(frozen=True)
class Loaded:
    """A version ready to answer: with its encoder, and each ranked task's place by id."""

    version: ModelVersion
    encoder: Encoder
    place_of: dict[int, float]

    @property
    def bytes(self) -> int:
        """In memory, roughly."""
        learned = sum(array.nbytes for array in self.encoder.arrays().values())
        return self.version.bytes + learned + PLACE_BYTES * len(self.place_of)


class Predictor:
    """Published models by project, the recently used ones in memory. Safe to share between threads.

    on_damage: told the project whose published version cannot be read; only a retrain mends that.
    """

    def __init__(self, settings: Settings, on_damage: Callable[[int], object] = lambda project_id: None):
        self._settings = settings
        self._on_damage = on_damage
        self._loaded: RecentlyUsed[tuple[int, str], Loaded] = RecentlyUsed(
            settings.model_cache_mb * 2**20, lambda loaded: loaded.bytes
        )

    def version_of(self, project_id: int) -> str | None:
        """The published version's name, without loading it; None when there is none yet."""
        return version_store(self._settings, project_id).published()

    def versions(self, project_id: int | None = None) -> list[str]:
        """Names of the kept versions, newest first: of one project, or of all."""
        projects = stored_projects(self._settings) if project_id is None else [project_id]
        kept = {name for i in projects for name in version_store(self._settings, i).names()}
        return sorted(kept, key=version_number, reverse=True)

    def predict(
        self, project_id: int, scheme: LabelScheme, tasks: Sequence[Any], version: str | None = None
    ) -> list[dict[str, Any]]:
        """One prediction per task, in order, all of one version: the published one unless told.

        With `probabilities` of each choice, for scripts: Label Studio keeps none of it.
        scheme: what the request's label config asks for. Returns [] when there is nothing to say: no
        version yet, or one that was trained for another label config.
        Raises DamagedFile when the version cannot be read.
        """
        loaded = self._load(project_id, version)
        if loaded is None or not scheme.fits(loaded.version.scheme) or not tasks:
            return []
        known = [task if isinstance(task, dict) else {} for task in tasks]
        texts = [scheme.text_of(task.get("data")) for task in known]
        return answers(loaded, [task.get("id") for task in known], texts, detailed=True)

    def _load(self, project_id: int, name: str | None = None) -> Loaded | None:
        if name is not None:
            return self._get(project_id, name)
        store = version_store(self._settings, project_id)
        while (chosen := store.chosen()) is not None:
            try:
                return self._get(project_id, chosen)
            except DamagedFile as damage:
                if store.chosen() == chosen:  # else it was replaced, and deleted, under our eyes
                    return self._served_before(project_id, chosen, damage)
        return None

    def _get(self, project_id: int, name: str) -> Loaded:
        return self._loaded.get((project_id, name), lambda: load_version(self._settings, project_id, name))

    def _served_before(self, project_id: int, chosen: str, damage: DamagedFile) -> Loaded:
        """The newest of the versions before that can be read. Raises `damage` where none can."""
        logger.error("%s", damage)
        self._on_damage(project_id)
        for name in version_store(self._settings, project_id).before(chosen):
            try:
                return self._get(project_id, name)
            except DamagedFile as error:
                logger.error("%s", error)
        raise damage


def load_version(settings: Settings, project_id: int, name: str) -> Loaded:
    """Raises DamagedFile when it cannot be read."""
    version = version_store(settings, project_id).load(name)
    encoder = feature_cache(settings, project_id).encoder(version.encoder)
    ids = version.queue_ids.tolist()
    return Loaded(version, encoder, dict(zip(ids, places(len(ids)).tolist(), strict=True)))


def answers(
    loaded: Loaded, ids: Sequence[Any], texts: Sequence[str], *, detailed: bool = False
) -> list[dict[str, Any]]:
    """One prediction per text, in order. `ids` tell which of them were ranked; None for one without.

    detailed: with the `probabilities` of each choice.
    """
    features = encoded(loaded.encoder, texts)
    scores = _places(loaded, ids, texts, features)
    shown = regions(loaded.version, features)
    told = [prediction(loaded.version.name, place, each) for place, each in zip(scores, shown, strict=True)]
    if not detailed:
        return told
    likely = probabilities(loaded.version, features)
    return [{**item, "probabilities": each} for item, each in zip(told, likely, strict=True)]


def regions(model: ModelVersion, features: Tensor) -> list[list[dict[str, Any]]]:
    """What to show for each item, float [N, D]: a region for each control that there is a model of.

    A region's own score is how likely it is right, by the error head where there is one. Where several
    choices may be given and none is likely, there is no region.
    """
    shown: list[list[dict[str, Any]]] = [[] for _ in range(len(features))]
    for scheme, network in model.models:
        layers = outputs(network, features)
        if scheme.several:
            labels, confidences = decide_each(scheme, layers.logits.sigmoid())
        else:
            labels, confidences = decide(scheme, layers.probabilities)
            if scheme is model.scheme and model.error_head is not None:
                # What the verdicts taught of the classifier's word, which alone is too bold or too shy.
                confidences = (1 - model.error_head(layers)).tolist()
        for told, label, confidence in zip(shown, labels, confidences, strict=True):
            if scheme.choices_in(label):
                told.append(scheme.region(label, confidence))
    return shown


def probabilities(model: ModelVersion, features: Tensor) -> list[dict[str, dict[str, float]]]:
    """How likely each choice of each control is, by the controls' names, for each item, float [N, D].

    Where several may be given they are probabilities of their own; otherwise they sum to 1.
    """
    told: list[dict[str, dict[str, float]]] = [{} for _ in range(len(features))]
    for scheme, network in model.models:
        layers = outputs(network, features)
        likely = layers.logits.sigmoid() if scheme.several else layers.probabilities
        for item, row in zip(told, likely.tolist(), strict=True):
            item[scheme.from_name] = {c: round(p, 4) for c, p in zip(scheme.choices, row, strict=True)}
    return told


def decide(scheme: LabelScheme, probabilities: Tensor) -> tuple[list[str], list[float]]:
    """The class to show for each item, and how sure the model is of it. probabilities: float [N, C]."""
    best = probabilities.max(-1)
    return [scheme.labels[i] for i in best.indices.tolist()], best.values.tolist()


def decide_each(scheme: LabelScheme, likely: Tensor) -> tuple[list[str], list[float]]:
    """The set of choices to show for each item, where several may be given, and how sure the model is.

    likely: float [N, choices], how likely each is by itself. Shown are those more likely than not, also as
    a set that nobody ever gave; none, where the answer may be left blank, or else the likeliest alone. The
    sureness is that of what the model is least sure of, be it there or not.
    """
    shown = likely >= 0.5
    if not scheme.blank:
        best = torch.nn.functional.one_hot(likely.argmax(-1), likely.shape[1]).bool()
        shown = torch.where(shown.any(-1, keepdim=True), shown, best)
    sure = torch.where(shown, likely, 1 - likely).min(-1).values
    chosen = [[c for c, on in zip(scheme.choices, row, strict=True) if on] for row in shown.tolist()]
    return [scheme.class_of(each) for each in chosen], sure.tolist()


def _places(loaded: Loaded, ids: Sequence[Any], texts: Sequence[str], features: Tensor) -> list[float]:
    """Where each task stands in the published queue, or would stand had it been there: in (0, 1).

    Distinct from each other and from every place of the queue, and the same whenever asked.
    """
    model, worth = loaded.version, None
    if model.network is not None:
        worth = score(model.strategy, outputs(model.network, features), model.head)
    keys = [_fraction(task_id, text) for task_id, text in zip(ids, texts, strict=True)]
    ranked = loaded.version.queue_worth
    between = keys if worth is None or not len(ranked) else _between(ranked, worth, keys)
    return [
        loaded.place_of.get(task_id, place) if isinstance(task_id, int) else place
        for task_id, place in zip(ids, between, strict=True)
    ]


def _between(ranked: Tensor, worth: Tensor, keys: list[float]) -> list[float]:
    """Places in the gaps of a queue whose worth falls from item to item: by worth, then by key.

    ranked: float [N], descending; worth: float [M]; keys: M numbers in (0, 1) that settle equal worth.
    """
    ranked, worth = ranked.double(), worth.double()
    before = torch.searchsorted(-ranked, -worth, right=True)  # as many ranked items come sooner
    ends = torch.cat([ranked[:1] + 1, ranked, ranked[-1:] - 1])
    upper, lower = ends[before], ends[before + 1]
    into = ((upper - worth) / (upper - lower).clamp(min=1e-12)).clamp(0, 1)  # 0: as good as the item before
    into = 0.05 + 0.85 * into + 0.05 * torch.tensor(keys, dtype=torch.float64)
    place = places(len(ranked))
    edges = torch.cat([torch.zeros(1, dtype=torch.float64), place, torch.ones(1, dtype=torch.float64)])
    return (edges[before] + into * (edges[before + 1] - edges[before])).tolist()


def _fraction(task_id: Any, text: str) -> float:
    """A number in (0, 1) that looks random but is always the same for this task."""
    digest = blake2b(repr((task_id, text)).encode("utf-8", "surrogatepass"), digest_size=6).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**48
