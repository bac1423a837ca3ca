"""Simulated teams with a budget of votes: new tasks, or one more vote on those that have some?

python -m benchmarks.second_opinions FOLDER SET,...    FOLDER as its README has it; needs cleanlab

Five annotators, each right as often as TEAM has it, else any other class. START tasks have one vote each; in
each of ROUNDS rounds EACH more votes come in, on the tasks that a way of choosing puts first, by annotators
drawn from those who have not voted there. After it a classifier learns the answers that votes come to, as the
product settles them, and is tested on tasks that are in no pool. Mean over the rounds, and over SEEDS teams.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean, stdev

import numpy as np
from sklearn.linear_model import LogisticRegression

from backend.controls.votes import Vote, consensus
from backend.learning.second_opinions import Floats, Ints, Votes, opinions
from backend.learning.suspects import held_out_probabilities
from benchmarks.planted import vectors

TEAM = (0.95, 0.9, 0.85, 0.7, 0.55)
POOL, START, ROUNDS, EACH, SEEDS = 500, 100, 8, 40, 5


class Team:
    """votes: int64 [N, A], -1 where an annotator has not voted."""

    def __init__(self, truth: Ints, classes: int, seed: int):
        self.chance = np.random.default_rng(seed)
        self.votes = np.full((len(truth), len(TEAM)), -1)
        astray = (truth[:, None] + self.chance.integers(1, classes, self.votes.shape)) % classes
        is_right = self.chance.random(self.votes.shape) < TEAM
        self._would_say = np.where(is_right, truth[:, None], astray)

    def ask(self, tasks: Ints) -> None:
        for task in tasks.tolist():
            who = self.chance.choice(np.flatnonzero(self.votes[task] < 0))
            self.votes[task, who] = self._would_say[task, who]

    def as_votes(self) -> Votes:
        task, annotator = np.nonzero(self.votes >= 0)
        return Votes(task, annotator, self.votes[task, annotator])

    def settled(self) -> Ints:
        """int64 [N], -1 where there is no vote, or annotators disagree."""
        cast = {
            task: [Vote(str(who), str(label)) for who, label in enumerate(row) if label >= 0]
            for task, row in enumerate(self.votes.tolist())
        }
        found = np.full(len(self.votes), -1)
        for task, answer in consensus(cast, lambda one, other: float(one == other)).items():
            found[task] = -1 if answer is None else int(answer)
        return found


def judged(features: Floats, settled: Ints, classes: int, seed: int) -> Floats:
    """What models that never saw a task's answer say of it: [N, C]."""
    known = settled >= 0
    model = LogisticRegression(C=3, max_iter=1000).fit(features[known], settled[known])
    likely = np.zeros((len(features), classes))
    likely[:, model.classes_] = model.predict_proba(features)
    rows = features[known].astype(np.float32)
    likely[known] = held_out_probabilities(rows, settled[known], classes, seed=seed)
    return likely


def by_activelab(likely: Floats, team: Team) -> Floats:
    from cleanlab.multiannotator import get_active_learning_scores

    has = (team.votes >= 0).any(1)
    voted = np.where(team.votes[has] >= 0, team.votes[has].astype(float), np.nan)
    likely = likely.clip(1e-6)
    likely /= likely.sum(1, keepdims=True)
    scores = np.empty(len(has))
    scores[has], scores[~has] = get_active_learning_scores(voted, likely[has], likely[~has])
    return -scores


def new_by_margin(likely: Floats, team: Team) -> Floats:
    first, second = np.sort(likely, axis=1)[:, :-3:-1].T
    return np.where((team.votes < 0).all(1), second - first, -np.inf)


WAYS: dict[str, Callable[[Floats, Team], Floats]] = {
    "new, at random": lambda likely, team: np.where(
        (team.votes < 0).all(1), team.chance.random(len(likely)), -np.inf
    ),
    "new, by margin": new_by_margin,
    "any, at random": lambda likely, team: team.chance.random(len(likely)),
    "ActiveLab": by_activelab,
    "second opinions": lambda likely, team: opinions(likely, team.as_votes(), len(TEAM)).worth,
}


def run(features: Floats, truth: Ints, classes: int, way: str, seed: int) -> tuple[float, float]:
    """The classifier's accuracy, and that of the answers it learned, over the rounds."""
    order = np.random.default_rng(seed).permutation(len(truth))
    pool, test = order[:POOL], order[POOL:]
    team, said, learned = Team(truth[pool], classes, seed), [], []
    team.ask(np.arange(START))
    for _ in range(ROUNDS):
        likely = judged(features[pool], team.settled(), classes, seed)
        order_now = WAYS[way](likely, team)
        open_to = np.flatnonzero((team.votes < 0).any(1))
        team.ask(open_to[np.argsort(-order_now[open_to], kind="stable")[:EACH]])
        settled = team.settled()
        known = settled >= 0
        model = LogisticRegression(C=3, max_iter=1000).fit(features[pool][known], settled[known])
        said.append(float(model.score(features[test], truth[test])))
        learned.append(float((settled[known] == truth[pool][known]).mean()))
    return fmean(said), fmean(learned)


def table(folder: Path, name: str, say: Callable[[str], None] = print) -> None:
    vectors_, labels, _ = vectors(folder, name)
    kept = [i for i, label in enumerate(labels) if label != "new"]
    classes = sorted({labels[i] for i in kept})
    truth = np.array([classes.index(labels[i]) for i in kept])
    features = vectors_[kept].double().numpy()
    for way in WAYS:
        found = [run(features, truth, len(classes), way, seed) for seed in range(SEEDS)]
        told = [
            f"{fmean(each):.3f} ± {stdev(each) / len(each) ** 0.5:.3f}" for each in zip(*found, strict=True)
        ]
        say(f"{name:20} {way:16} classifier {told[0]}   answers {told[1]}")


if __name__ == "__main__":
    for each in sys.argv[2].split(","):
        table(Path(sys.argv[1]), each)
