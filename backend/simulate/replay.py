"""One seed's split, and one strategy's labelling of it from the start to the budget."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor

from backend.encoders.base import block_widths, encoded
from backend.fields import fields_in
from backend.labelled import Row, hold_out
from backend.labelled.field_values import ByItem, named_by
from backend.labelled.things import TEXTS, Things
from backend.learning.network import LayeredNetwork
from backend.learning.training import Trained, outputs, train, train_network
from backend.sampling import select
from backend.sampling.ranking import Fields
from backend.simulate.plan import MAX_HELD_OUT, Plan

Step = Callable[[], None]
"""Called after each piece of work, for the progress bar."""


@dataclass(frozen=True)
class SeedJob:
    """The split of one seed, encoded, is written to `file`."""

    rows: list[Row]
    plan: Plan
    seed: int
    file: Path
    encoder: str = "lsa"
    things: Things = TEXTS
    fields: ByItem = field(default_factory=dict)

    def __str__(self) -> str:
        return (
            f"encoder {self.encoder}, seed {self.seed}"
            if len(self.plan.encoders) > 1
            else f"seed {self.seed}"
        )


@dataclass(frozen=True)
class ReplayJob:
    """One strategy on one seed's split. classes: the labels' names by target; own_start: whether the first
    labels are those of the backend's own first order, as in a new project, in place of random ones."""

    strategy: str
    seed: int
    plan: Plan
    classes: tuple[str, ...]
    file: Path
    own_start: bool = False
    encoder: str = "lsa"

    def __str__(self) -> str:
        how = f" on {self.encoder}" if len(self.plan.encoders) > 1 else ""
        how += " from its own start" if self.own_start else ""
        return f"strategy {self.strategy}{how}, seed {self.seed}"


@dataclass(frozen=True)
class Score:
    """On the held-out texts. macro_f1: over the classes that are among them; class_f1: of each of those, by
    its name, where it was asked for."""

    macro_f1: float
    accuracy: float
    class_f1: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Full:
    """A model trained on the whole pool, on the held-out texts; seconds_encoding: CPU seconds of fitting the
    encoder and encoding all texts."""

    score: Score
    seconds_encoding: float


@dataclass(frozen=True)
class Point:
    """The model after so many labels. seconds_choosing: CPU seconds of the strategy up to here,
    the classifier's training not counted."""

    labels: int
    score: Score
    seconds_choosing: float


@dataclass(frozen=True)
class Replay:
    """A learning curve. per_class: how many labels of each class the strategy had found at the end."""

    strategy: str
    seed: int
    points: tuple[Point, ...]
    per_class: dict[str, int]
    own_start: bool = False
    encoder: str = "lsa"

    @property
    def name(self) -> str:
        """The strategy, and whether it began otherwise than all others."""
        return f"{self.strategy} from its own start" if self.own_start else self.strategy


def classes_of(rows: list[Row]) -> tuple[str, ...]:
    return tuple(sorted({label for _, label in rows}))


def prepare(job: SeedJob, step: Step) -> Full:
    """Split, encode and write one seed's texts; a model trained on the whole pool is measured."""
    torch.set_num_threads(1)
    classes = classes_of(job.rows)
    index = {label: number for number, label in enumerate(classes)}
    pool, held_out = hold_out(job.rows, job.plan.held_out, MAX_HELD_OUT, job.seed)
    began = time.process_time()
    items, others = [item for item, _ in pool], [item for item, _ in held_out]
    encoder = job.things.encoder(job.encoder, items, job.seed)
    of_pool, of_held_out = encoded(encoder, items), encoded(encoder, others)
    split = {
        "pool": of_pool,
        "targets": torch.tensor([index[label] for _, label in pool]),
        "held_out": of_held_out,
        "truth": torch.tensor([index[label] for _, label in held_out]),
        "blocks": torch.tensor(block_widths(encoder), dtype=torch.int64),
    }
    seconds = time.process_time() - began
    save_file(split | _numbered(job, items), job.file)
    step()
    network = train_network(split["pool"], split["targets"], len(index), seed=job.seed)
    score = _measure(network, split, split["targets"], classes)
    step()
    return Full(score, seconds)


def replay(job: ReplayJob, step: Step) -> Replay:
    """Label batch by batch what the strategy chooses, retraining and measuring after each.

    A batch is the beginning of the head that the backend would publish (backend/sampling/batches.py).
    """
    torch.set_num_threads(1)
    split = load_file(job.file)
    pool, targets, blocks = split["pool"], split["targets"], split["blocks"].tolist()
    chosen, rest = _start(job, split)
    points: list[Point] = []
    trained: Trained | None = None
    seconds = 0.0
    for budget in job.plan.budgets:
        if wanted := budget - len(chosen):
            started = time.process_time()
            # Another seed for every batch, the same for every strategy.
            seed = job.seed * 1_000_003 + budget
            known = pool[rest], pool[chosen], targets[chosen]
            fields, how = _values(job, split, rest, chosen), job.strategy
            picks = select(how, *known, wanted, seed=seed, trained=trained, blocks=blocks, fields=fields)
            seconds += time.process_time() - started
            chosen = torch.cat([chosen, rest[picks]])
            rest = rest[~torch.isin(rest, chosen)]
        if len(targets[chosen].unique()) > 1:
            trained = train(pool[chosen], targets[chosen], len(job.classes), seed=job.seed)
        network = None if trained is None else trained.network
        classes = job.classes if budget == job.plan.budget else ()
        points.append(Point(budget, _measure(network, split, targets[chosen], classes), seconds))
        step()
    found = Counter(targets[chosen].tolist())
    per_class = {label: found[number] for number, label in enumerate(job.classes)}
    return Replay(job.strategy, job.seed, tuple(points), per_class, job.own_start, job.encoder)


def _numbered(job: SeedJob, items: Sequence[str]) -> dict[str, Tensor]:
    """Of each field that a strategy goes by: its values in the pool, int64 [N], numbered; -1 where an item
    has none."""
    found = {}
    for name in named_by(job.plan.strategies):
        values = [job.fields.get(item, {}).get(name) for item in items]
        number = {value: i for i, value in enumerate(dict.fromkeys(filter(None, values)))}
        found[f"field {name}"] = torch.tensor([number.get(value or "", -1) for value in values])
    return found


def _values(job: ReplayJob, split: dict[str, Tensor], rest: Tensor, chosen: Tensor) -> Fields | None:
    def of(name: str, rows: Tensor) -> list[str | None]:
        return [None if number < 0 else str(number) for number in split[f"field {name}"][rows].tolist()]

    return {name: (of(name, rest), of(name, chosen)) for name in fields_in(job.strategy)} or None


def _start(job: ReplayJob, split: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The first labels and the rest of the pool, as rows of it.

    They are random, and the same for every strategy of a seed; or what the backend puts first while nothing
    is labelled.
    """
    pool = split["pool"]
    everything, nothing = torch.arange(len(pool)), torch.zeros(0, dtype=torch.int64)
    if job.own_start or job.plan.live:
        fields = _values(job, split, everything, nothing)
        known = pool, pool[nothing], nothing
        chosen = select(job.strategy, *known, job.plan.start, seed=job.seed, fields=fields)
    else:
        chosen = torch.randperm(len(pool), generator=torch.Generator().manual_seed(job.seed))
        chosen = chosen[: job.plan.start]
    return chosen, everything[~torch.isin(everything, chosen)]


def _measure(
    network: LayeredNetwork | None, split: dict[str, Tensor], seen: Tensor, classes: Sequence[str] = ()
) -> Score:
    """The classifier on the held-out texts; None, while one class was seen, always says that one.

    classes: names by target, to measure each class by itself, too.
    """
    truth = split["truth"]
    if network is None:
        predicted = seen[:1].expand(len(truth))
    else:
        predicted = outputs(network, split["held_out"]).logits.argmax(-1)
    labels = truth.unique()
    each = f1_score(truth, predicted, average=None, labels=labels, zero_division=0)
    named = zip(labels.tolist(), each.tolist(), strict=True) if classes else ()
    return Score(
        float(each.mean()),
        float(accuracy_score(truth, predicted)),
        {classes[number]: float(score) for number, score in named},
    )
