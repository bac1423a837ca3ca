"""Which encoder serves a project: decided at 30, 100 and 300 labels, by verdicts on items not trained on.

Each candidate's vectors train the classifier as a retrain does, and its siblings, one per fold, say of each
labelled item whether they would have known it. Another encoder than the present one is taken only where its
verdicts are better by two standard errors, paired over the items. The next retrain then works with it; the
project keeps its order until the vectors are complete.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from redis import Redis
from torch import Tensor

from backend.encoders.base import Encoder, encoded
from backend.encoders.joined import join, parts_of
from backend.encoders.registry import AUTO, candidates, find_encoder
from backend.jobs.dispatch import Dispatcher
from backend.jobs.encode_pool import kind_of
from backend.jobs.pinning import is_held
from backend.jobs.state import ProjectState
from backend.learning.training import train
from backend.settings import Settings
from backend.store.encoder_choice import EncoderChoice, read_choice, write_choice
from backend.store.features import FeatureCache
from backend.store.kept_json import UNREADABLE
from backend.store.locations import encoder_of, features_of, project_files, version_store

logger = logging.getLogger(__name__)

AT_LABELS = (30, 100, 300)
"""Numbers of labels from which on a choice is made, once each."""
STANDARD_ERRORS = 2.0
_FILE = "lesson.json"


@dataclass(frozen=True)
class Lesson:
    """What a retrain trained on: the texts, their classes, which of them are copies of each other (equal
    numbers), and how many classes there are."""

    texts: list[str]
    targets: list[int]
    together: list[int]
    classes: int


def is_choice_due(settings: Settings, project_id: int, lesson: Lesson) -> bool:
    """Whether so many labels call for a choice that was not made yet, and there is anything to choose."""
    reached = max((at for at in AT_LABELS if at <= len(lesson.texts)), default=0)
    if settings.encoder != AUTO or not reached or len(candidates(lesson.texts)) < 2:
        return False
    choice = read_choice(project_files(settings, project_id))
    return choice is None or choice.labels < reached


def hand_out(settings: Settings, dispatcher: Dispatcher, project_id: int, lesson: Lesson) -> None:
    """Let a worker choose by it, on whichever machine."""
    project_files(settings, project_id).write(_FILE, json.dumps(asdict(lesson)).encode())
    dispatcher.request_choice(project_id)


def choose_encoder(project_id: int) -> dict[str, Any]:
    """The RQ job. Returns what was chosen, and why; {} where nothing was to be chosen."""
    settings = Settings()
    if settings.torch_threads:
        torch.set_num_threads(settings.torch_threads)
    with Redis.from_url(settings.redis_url) as redis:
        return _choose(settings, redis, project_id)


def _choose(settings: Settings, redis: Redis, project_id: int) -> dict[str, Any]:
    files, versions = project_files(settings, project_id), version_store(settings, project_id)
    try:
        lesson = Lesson(**json.loads(files.read(_FILE)))
    except UNREADABLE as error:
        logger.warning("project %d: no encoder chosen, its lesson cannot be read: %s", project_id, error)
        return {}
    names = versions.names()
    if not names or not is_choice_due(settings, project_id, lesson):
        return {}
    scheme = versions.scheme(names[-1])
    if scheme is None:
        return {}
    present = encoder_of(settings, project_id)
    others = [name for name in candidates(lesson.texts) if name != present]
    if is_held(versions, ProjectState(redis, project_id), scheme):
        return {}
    cache = features_of(settings, project_id, scheme.source)
    named = {name: scheme.source.encoder(name) for name in (present, *others)}
    known = verdicts(settings, cache, list(named.values()), lesson)
    right = {name: known[encoder] for name, encoder in named.items()}
    better = [name for name in others if is_better(right[name], right[present])]
    chosen = max(better, key=lambda name: float(right[name].mean()), default=present)
    choice = EncoderChoice(chosen, len(lesson.texts), _why(chosen, present, right))
    write_choice(files, choice)
    files.delete(_FILE)
    logger.info("project %d: %s", project_id, choice.why)
    if chosen != present:
        Dispatcher(redis, settings).demand_retrain(project_id)
    return {"encoder": chosen, "labels": choice.labels, "why": choice.why}


def verdicts(
    settings: Settings, cache: FeatureCache, names: Sequence[str], lesson: Lesson
) -> dict[str, Tensor]:
    """By encoder: of each item, float32 [M], 1 where a sibling that never saw it knew its class, else 0."""
    kinds = dict.fromkeys(part for name in names for part in name.split("+"))
    encoders = _encoders(cache, kinds, lesson.texts)
    blocks = {kind: encoded(encoder, lesson.texts) for kind, encoder in encoders.items()}
    targets, together = torch.tensor(lesson.targets), torch.tensor(lesson.together)
    found = {}
    for name in names:
        features = join([blocks[part] for part in name.split("+")])
        trained = train(
            features,
            targets,
            lesson.classes,
            folds=settings.folds,
            seed=settings.seed,
            device=settings.device,
            together=together,
        )
        found[name] = trained.out_of_fold.correct.float()
    return found


def is_better(ours: Tensor, theirs: Tensor) -> bool:
    """Whether verdicts on the same items, float [M], are better by two standard errors."""
    difference = ours - theirs
    error = float(difference.std()) / math.sqrt(len(difference))
    return float(difference.mean()) > STANDARD_ERRORS * error


def _encoders(cache: FeatureCache, kinds: Iterable[str], texts: Sequence[str]) -> dict[str, Encoder]:
    """By kind: the project's own, fitted on all its texts, where it has one, else one fitted on these."""
    used = cache.read()
    own = {} if used is None else dict(parts_of(kind_of(used.name), used.encoder))
    return {kind: own.get(kind) or find_encoder(kind).fit(texts, seed=0) for kind in kinds}


def _why(chosen: str, present: str, right: dict[str, Tensor]) -> str:
    shares = ", ".join(f"by {name} {float(each.mean()):.0%}" for name, each in right.items())
    stays = chosen == present
    what = f"{chosen} stays" if stays else f"{chosen} in place of {present}"
    of = f"of {len(right[present])} labelled items, each left out of training"
    return f"{what}: {of}, known {shares}{'; no other is clearly better' if stays else ''}"
