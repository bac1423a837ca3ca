"""The agreement on what waits, of a model that has answered a part of it or has long been another."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.jobs.estimating_scores import EstimatedScore, estimated_score
from backend.learning.wrapped import Answers, Judged, WrappedLearned, WrappedModel, learned_of, weights_by_age
from backend.sampling import Scene, make_scene

POOL, AUDITS, HARD = 1000, 20, 30


def told(seed: int, share: float) -> tuple[EstimatedScore, float]:
    """Of a model that has answered what it is least sure of, as the queue asks for it, and the truth."""
    chance = np.random.default_rng(seed)
    every = POOL + AUDITS + HARD
    sure = chance.uniform(0.2, 1, every)
    right = (chance.random(every) < sure).astype(np.float64)
    audits = np.arange(AUDITS)
    others = AUDITS + np.argsort(sure[AUDITS:])
    hard, pool = others[:HARD], others[HARD:]  # the rest by rising sureness
    labelled = np.concatenate([audits, hard])
    answered = torch.arange(POOL) < share * POOL
    of_pool = answers(torch.from_numpy(sure[pool]), answered)
    known = answers(torch.from_numpy(sure[labelled]), torch.ones(len(labelled), dtype=torch.bool))
    weights = torch.ones(len(labelled))
    agreed = torch.from_numpy(right[labelled]).float()
    judged = Judged(torch.arange(len(labelled)), known, agreed, weights)
    learned = learned_of(WrappedModel.of(of_pool), of_pool, judged, len(labelled))
    is_audit = (np.arange(len(labelled)) < AUDITS).tolist()
    places = range(len(labelled))
    scene = scene_of(learned)
    found = estimated_score(scene, learned, places, agreed.tolist(), is_audit, weights, answered)
    return found, float(right[pool].mean())


def scene_of(learned: WrappedLearned) -> Scene:
    items, labelled = learned.pool.items, learned.held_out.items
    return make_scene(
        torch.zeros(items, 2), torch.zeros(labelled, 2), torch.zeros(labelled).long(), trained=learned
    )


def answers(sure: Tensor, has: Tensor) -> Answers:
    known = sure.float().where(has, torch.nan)
    return Answers(torch.zeros(len(sure), 2), known[:, None].expand(-1, 3), known)


@pytest.mark.parametrize("share", [0.02, 0.5, 1.0])
def test_what_is_answered_first_pulls_no_estimate_down(share: float) -> None:
    found = [told(seed, share) for seed in range(100)]
    scores = [each.score for each, _ in found if each.score is not None]
    truths = [truth for _, truth in found]
    assert len(scores) == len(truths)
    assert abs(np.mean([each.value for each in scores]) - np.mean(truths)) < 0.06
    inside = [each.low <= truth <= each.high for each, truth in zip(scores, truths, strict=True)]
    assert np.mean(inside) >= 0.85


def test_verdicts_on_versions_long_gone_end_in_no_estimate() -> None:
    """Drawn tasks of a version before 3,000 verdicts on a newer one: in float32 their weight is 0."""
    known = answers(torch.full((3012,), 0.9), torch.ones(3012, dtype=torch.bool))
    versions = torch.arange(3012).ge(12).long()
    weights = weights_by_age(versions)
    assert float(weights[0]) == 0
    judged = Judged(torch.arange(3012), known, torch.ones(3012), weights)
    learned = learned_of(WrappedModel.of(known), known, judged, 3012)
    is_audit = (versions == 0).tolist()
    found = estimated_score(scene_of(learned), learned, range(3012), [1.0] * 3012, is_audit, weights)
    assert found.told(0.1) == {"audited": 12, "share": 0.1}
