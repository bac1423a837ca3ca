"""Which sentences first, where words are labelled: entity F1 by what was read for it.

python -m benchmarks.spans [--encoder minilm] [--strategies random,auto] [--seeds 5] NAME=FOLDER/NAME ...

NAME.jsonl.gz and NAME.test.jsonl.gz hold a sentence a line, {"tokens": [...], "tags": [...]} with BIO tags.
Their tokens are joined by spaces and count as work; the product cuts words of its own. An entity is found
where its characters and its type are. Each seed draws its own pool of at most --pool sentences and 50 to
begin with, the same for all strategies; the test part stays the same, 800 sentences at most. By strategy:
mean F1 over the budgets; mean F1 at equal work (curves over labelled tokens, interpolated between the first
budget and where the shortest ends), and its difference to `random` of the same seed with its standard
error; F1 at the last budget, the tokens that it took, and CPU seconds of choosing. Curves go to --curves, a
line each.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from backend.encoders.word_registry import find_word_encoder
from backend.encoders.words import WordEncoder, item_vectors
from backend.learning.bio import Span, n_tags, tags_of
from backend.learning.tagger import Tagger
from backend.learning.tagging import train_tagger_alone
from backend.learning.units import UnitLayers, Units, UnitsLearned
from backend.learning.viterbi import viterbi
from backend.sampling import select

BUDGETS = (50, 100, 200, 300)
"""Labelled sentences."""
READ, TEST = 2500, 800
"""Sentences of the training part that pools are drawn of, and of the test part: the first ones."""


@dataclass(frozen=True)
class Part:
    """N sentences. units: their words; tags: int64 [U]; tokens: int64 [N], the set's own count."""

    texts: list[str]
    units: Units
    tags: Tensor
    tokens: Tensor
    entities: list[set[Span]]

    def of(self, sentences: Tensor) -> Part:
        """Of some of them, int64 [n], in this order."""
        words, item = _words_of(self.units, sentences)
        units = Units(self.units.rows[words], item, self.units.marks[words], len(sentences))
        entities = [self.entities[i] for i in sentences.tolist()]
        texts = [self.texts[i] for i in sentences.tolist()]
        return Part(texts, units, self.tags[words], self.tokens[sentences], entities)


def _words_of(units: Units, sentences: Tensor) -> tuple[Tensor, Tensor]:
    """And the place of the sentence that each is of."""
    counts = torch.bincount(units.item, minlength=units.items)
    own = counts[sentences]
    item = torch.arange(len(sentences)).repeat_interleave(own)
    firsts = (counts.cumsum(0) - counts)[sentences] - (own.cumsum(0) - own)
    return firsts[item] + torch.arange(len(item)), item


@dataclass(frozen=True)
class Curve:
    """Of one strategy and seed, at each budget."""

    tokens: list[int]
    f1: list[float]
    seconds: float


def main() -> None:
    torch.set_num_threads(1)
    asked = _arguments()
    encoder = find_word_encoder(asked.encoder)
    columns = ("set", "encoder", "strategy", "by sentence", "by token", "to random", "at the end", "tokens")
    print(f"| {' | '.join(columns)} | s choosing |\n|{'---|' * (len(columns) + 1)}", flush=True)
    for file in asked.files:
        labels: list[str] = []
        train = read(Path(f"{file}.jsonl.gz"), encoder, labels, READ)
        test = read(Path(f"{file}.test.jsonl.gz"), encoder, labels, TEST)
        if train.units.items < BUDGETS[-1]:
            raise SystemExit(
                f"{file} has {train.units.items} sentences to learn from; {BUDGETS[-1]} are needed"
            )
        _compare(Path(file).name, encoder.name, asked, train, test, n_tags(len(labels)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--strategies", default="random,margin,mnlp,entropy,auto")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--pool", type=int, default=2000)
    parser.add_argument("--curves", type=Path)
    return parser.parse_args()


def read(file: Path, encoder: WordEncoder, labels: list[str], most: int) -> Part:
    """labels: grows by those that are met."""
    texts, spans, tokens = [], [], []
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in islice(lines, most):
            row = json.loads(line)
            text, found = _joined(row["tokens"], row["tags"], labels)
            texts.append(text)
            spans.append(found)
            tokens.append(len(row["tokens"]))
    units = encoder.encode(texts)
    counts = torch.bincount(units.item, minlength=units.items).tolist()
    tags = [tags_of(marks, found) for marks, found in zip(units.marks.split(counts), spans, strict=True)]
    return Part(texts, units, torch.cat(tags), torch.tensor(tokens), [set(found) for found in spans])


def _joined(tokens: Sequence[str], tags: Sequence[str], labels: list[str]) -> tuple[str, list[Span]]:
    """A sentence as a text, and its entities in it."""
    spans: list[Span] = []
    at, before = 0, "O"
    for token, tag in zip(tokens, tags, strict=True):
        kind, _, label = tag.partition("-")
        if kind != "O":
            if label not in labels:
                labels.append(label)
            goes_on = kind == "I" and before.endswith(f"-{label}")
            start = spans.pop().start if goes_on else at
            spans.append(Span(start, at + len(token), labels.index(label)))
        at, before = at + len(token) + 1, tag
    return " ".join(tokens), spans


def _compare(name: str, encoder: str, asked: argparse.Namespace, train: Part, test: Part, tags: int) -> None:
    seeds = range(asked.first_seed, asked.first_seed + asked.seeds)
    found: dict[str, list[Curve]] = {strategy: [] for strategy in asked.strategies.split(",")}
    for seed in seeds:
        chance = torch.Generator().manual_seed(seed)
        pool = train.of(torch.randperm(train.units.items, generator=chance)[: asked.pool])
        start = _trained(pool, torch.arange(min(BUDGETS[0], pool.units.items)), test, tags, seed)
        for strategy, curves in found.items():
            curves.append(curve := _curve(strategy, seed, pool, test, tags, start))
            if asked.curves:
                told = {"set": name, "encoder": encoder, "strategy": strategy, "seed": seed, **vars(curve)}
                with asked.curves.open("a") as file:
                    file.write(json.dumps(told) + "\n")
    _tell(name, encoder, found)


def _tell(name: str, encoder: str, found: dict[str, list[Curve]]) -> None:
    ends = [min(curves[i].tokens[-1] for curves in found.values()) for i in range(len(found["random"]))]
    at_work = {
        strategy: [_mean_at(curve, end) for curve, end in zip(curves, ends, strict=True)]
        for strategy, curves in found.items()
    }
    for strategy, curves in found.items():
        gains = [a - b for a, b in zip(at_work[strategy], at_work["random"], strict=True)]
        error = f" ± {stdev(gains) / len(gains) ** 0.5:.3f}" if len(gains) > 1 else ""
        cells = (
            *(name, encoder, strategy),
            f"{fmean(fmean(curve.f1) for curve in curves):.3f}",
            f"{fmean(at_work[strategy]):.3f}",
            "" if strategy == "random" else f"{fmean(gains):+.3f}{error}",
            f"{fmean(curve.f1[-1] for curve in curves):.3f}",
            f"{fmean(curve.tokens[-1] for curve in curves):.0f}",
            f"{fmean(curve.seconds for curve in curves):.1f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)


def _mean_at(curve: Curve, end: int) -> float:
    """F1 at equal work, by tokens from the first budget to `end`."""
    return float(np.interp(np.linspace(curve.tokens[0], end, 50), curve.tokens, curve.f1).mean())


class Step(NamedTuple):
    """What is labelled, int64 [n] of the pool, the tagger by it, and its F1."""

    labelled: Tensor
    tagger: Tagger
    f1: float


def _trained(pool: Part, labelled: Tensor, test: Part, tags: int, seed: int) -> Step:
    known = pool.of(labelled)
    tagger = train_tagger_alone(known.units, known.tags, tags, seed=seed)
    return Step(labelled, tagger, f1(tagger, test))


def _curve(strategy: str, seed: int, pool: Part, test: Part, tags: int, start: Step) -> Curve:
    steps, seconds = [start], 0.0
    vectors = item_vectors(pool.units)
    for budget in BUDGETS[1:]:
        labelled, tagger, _ = steps[-1]
        began = time.process_time()
        waits = torch.ones(pool.units.items, dtype=torch.bool)
        waits[labelled] = False
        left = waits.nonzero()[:, 0]
        scene = tagger, pool.of(left).units, pool.of(labelled).units, vectors[left]
        chosen = left[_chosen(strategy, *scene, budget - len(labelled), seed)]
        seconds += time.process_time() - began
        steps.append(_trained(pool, torch.cat([labelled, chosen]), test, tags, seed))
    tokens = [int(pool.tokens[step.labelled].sum()) for step in steps]
    return Curve(tokens, [step.f1 for step in steps], seconds)


def _chosen(
    strategy: str, tagger: Tagger, pool: Units, known: Units, vectors: Tensor, n: int, seed: int
) -> Tensor:
    if strategy in OWN:
        layers = tagger.layers(pool)
        return layers.pooled(OWN[strategy](layers)).argsort(descending=True)[:n]
    labeled = tagger.layers(known)
    learned = UnitsLearned(
        pool=tagger.layers(pool),
        held_out=labeled,
        correct=torch.ones(len(known.item), dtype=torch.bool),
        n_siblings=1,
        members=lambda: tagger.layers(pool).layers.probabilities[None],
        by_siblings=lambda items, _: tagger.layers(pool).of_items(items),
        labeled=labeled,
    )
    nothing = torch.zeros(known.items, dtype=torch.int64)
    return select(strategy, vectors, item_vectors(known), nothing, n, seed=seed, trained=learned)


def _mnlp(units: UnitLayers) -> Tensor:
    """Minus the log-probability of each word's tag on the best path: its mean over a sentence is MNLP (Shen
    et al. 2018, "Deep Active Learning for Named Entity Recognition")."""
    likely = units.layers.logits.log_softmax(-1)
    return -likely.gather(1, viterbi(likely, units.item, units.items)[:, None])[:, 0]


OWN: dict[str, Callable[[UnitLayers], Tensor]] = {"mnlp": _mnlp}
"""Of words, not by the product's names."""


def f1(tagger: Tagger, test: Part) -> float:
    """Of entities, micro: characters and type both right."""
    found = tagger.decode(test.units)
    right = sum(
        Span(*span[:3]) in truth for spans, truth in zip(found, test.entities, strict=True) for span in spans
    )
    return 2 * right / max(1, sum(map(len, found)) + sum(map(len, test.entities)))


if __name__ == "__main__":
    main()
