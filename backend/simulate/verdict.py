"""The summary in plain words: who won, whether by more than noise, and what to set."""

from __future__ import annotations

from dataclasses import dataclass

from backend.simulate.summary import StrategySummary, Summary

BASELINE = "random"


@dataclass(frozen=True)
class Verdict:
    """headline: one sentence; sentences: the rest of the paragraph; setting: the value for STRATEGY."""

    headline: str
    sentences: list[str]
    setting: str

    def __str__(self) -> str:
        return " ".join([self.headline, *self.sentences])


def judge(summary: Summary) -> Verdict:
    best, *others = summary.strategies
    if not others:
        headline = f"Only {best.strategy} was replayed, so there is nothing to compare it with."
        return Verdict(headline, [_needed(best, summary)], best.strategy)
    if summary.noise is None:
        headline = f"{best.strategy} comes out first, but one seed cannot tell a difference from noise."
        advice = "Run it again with more seeds (--seeds 5)."
        return Verdict(headline, [_area(best, others[0]), advice, _needed(best, summary)], best.strategy)
    like = summary.like(best)
    if like:
        peers = _list([row.strategy for row in like])
        headline = f"{best.strategy} comes out first, but not distinguishable from {peers}."
    else:
        headline = f"{best.strategy} wins, by more than noise."
    noise = f"Differences up to {summary.noise:.3f} are within the noise over {len(best.areas)} seeds."
    return Verdict(
        headline,
        [_area(best, others[0]), noise, *_against_baseline(summary), _needed(best, summary)],
        best.strategy,
    )


def _area(best: StrategySummary, second: StrategySummary) -> str:
    return (
        f"Its mean macro-F1 along the curve is {best.area:.3f}, "
        f"{best.area - second.area:.3f} above {second.strategy}."
    )


def _against_baseline(summary: Summary) -> list[str]:
    best = summary.strategies[0]
    baseline = next((row for row in summary.strategies if row.strategy == BASELINE), None)
    if baseline is None:
        return [f"Whether it beats labelling in random order was not asked: add {BASELINE} to --strategies."]
    if baseline is best:
        return ["On these data no strategy was better than labelling in random order."]
    if summary.differ(best, baseline):
        gain = f"{best.area - baseline.area:.3f}"
        return [f"It beats labelling in random order by {gain}, which is more than noise."]
    return [
        "So these data do not show that any strategy beats random order; more seeds (--seeds) or a larger "
        "--budget may."
    ]


def _needed(best: StrategySummary, summary: Summary) -> str:
    """How soon the best one, and random order, come near what all labels give."""
    target = f"90 % of the score with every label ({summary.full_macro_f1:.3f})"
    told = best.median_labels_needed
    sentence = f"It does not reach {target}" if told is None else f"It reaches {target} with {told:g} labels"
    baseline = next((row for row in summary.strategies if row.strategy == BASELINE), best)
    if baseline is best:
        return f"{sentence}."
    random = baseline.median_labels_needed
    if random is None:
        return f"{sentence}; random order does not{' either' if told is None else ''}."
    return f"{sentence}; random order needs {random:g}."


def _list(names: list[str], shown: int = 4) -> str:
    if len(names) > shown + 1:
        names = [*names[:shown], f"{len(names) - shown} others"]
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
