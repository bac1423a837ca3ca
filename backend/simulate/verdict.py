"""The summary in plain words: who won, whether by more than noise, and what to set."""

from __future__ import annotations

from dataclasses import dataclass

from backend.simulate.plan import DEFAULT, Plan
from backend.simulate.summary import StrategySummary, Summary, is_level

BASELINE = "random"
ENOUGH_LABELS = 100
"""Below, the default is kept whatever came out first: the model itself still changes from batch to batch."""


@dataclass(frozen=True)
class Verdict:
    """headline: one sentence; sentences: the rest of the paragraph; setting: the value for STRATEGY."""

    headline: str
    sentences: list[str]
    setting: str

    def __str__(self) -> str:
        return " ".join(filter(None, [self.headline, *self.sentences]))


def judge(summary: Summary, plan: Plan, pool: int) -> Verdict:
    """plan: as it was replayed; pool: texts there were to label."""
    best, *others = summary.strategies
    if plan.compares_nothing(pool):
        return Verdict(
            f"Nothing was compared: one batch uses up the pool of {pool}, so that all strategies end "
            "with the same labels.",
            [f"Try a smaller --batch, or more data. Until then keep {DEFAULT}."],
            DEFAULT,
        )
    if not others:
        headline = f"Only {best.strategy} was replayed, so there is nothing to compare it with."
        return Verdict(headline, [_needed(best, summary), _own_start(summary)], DEFAULT)
    setting, why = _setting(summary, plan, pool)
    level = [row for row in others if is_level(best, row)]
    best_words = best.strategy if level else "It"
    noise = []
    if summary.noise is not None:
        words = f"Differences up to {summary.noise:.3f} are within the noise over {len(best.areas)} seeds."
        noise = [words, *_against_baseline(summary, plan, best_words)]
    elif plan.budget >= ENOUGH_LABELS:
        noise = ["Run it again with more seeds (--seeds 5)."]
    return Verdict(
        headline_of(summary, level),
        [
            area_in_words(best, others[0]),
            *noise,
            _needed(best, summary, best_words),
            _own_start(summary),
            why,
        ],
        setting,
    )


def headline_of(summary: Summary, level: list[StrategySummary]) -> str:
    """level: the strategies whose area is the best one's, as shown."""
    best = summary.strategies[0]
    first = f"{in_a_row([row.strategy for row in (best, *level)])} come out level"
    if summary.noise is None:
        if level:
            return f"{first}, but one seed cannot tell more."
        return f"{best.strategy} comes out first, but one seed cannot tell a difference from noise."
    peers = [row.strategy for row in summary.like(best) if row not in level]
    if level and peers:
        return f"{first}, and not distinguishable from {in_a_row(peers)}."
    if level:
        rest = len(summary.strategies) > 1 + len(level)
        return f"{first}{', better than the others by more than noise' if rest else ''}."
    if peers:
        return f"{best.strategy} comes out first, but not distinguishable from {in_a_row(peers)}."
    return f"{best.strategy} wins, by more than noise."


def _setting(summary: Summary, plan: Plan, pool: int) -> tuple[str, str]:
    """What to set, and why: another than the default only where it is better by more than noise."""
    best = summary.strategies[0]
    default = next((row for row in summary.strategies if row.strategy == DEFAULT), None)
    if best is default:
        return DEFAULT, f"{DEFAULT} is the default: there is nothing to set."
    if plan.budget < ENOUGH_LABELS:
        return DEFAULT, _too_few(summary, plan, pool)
    if summary.noise is None:
        return DEFAULT, f"Until then keep {DEFAULT}."
    rivals = [default] if default is not None else summary.strategies[1:]
    if all(summary.differ(best, rival) for rival in rivals):
        return best.strategy, ""
    return DEFAULT, f"That is no reason to leave the default: keep {DEFAULT}."


def _too_few(summary: Summary, plan: Plan, pool: int) -> str:
    """With all that would help, in one sentence."""
    one_seed = summary.noise is None
    few = (
        f"{plan.budget} labels{' and one seed' if one_seed else ''} are too few to choose by: keep {DEFAULT}"
    )
    if pool < ENOUGH_LABELS:
        return f"{few} until more is labelled."
    return f"{few}, or run it again with --budget {ENOUGH_LABELS}{' --seeds 5' if one_seed else ''}."


def area_in_words(best: StrategySummary, second: StrategySummary) -> str:
    if is_level(best, second):
        return f"Their mean macro-F1 along the curve is {best.area:.3f}."
    return (
        f"Its mean macro-F1 along the curve is {best.area:.3f}, "
        f"{best.area - second.area:.3f} above {second.strategy}."
    )


def _against_baseline(summary: Summary, plan: Plan, best_words: str) -> list[str]:
    best = summary.strategies[0]
    baseline = next((row for row in summary.strategies if row.strategy == BASELINE), None)
    if baseline is None:
        return [f"Whether it beats labelling in random order was not asked: add {BASELINE} to --strategies."]
    if baseline is best:
        return ["On these data no strategy was better than labelling in random order."]
    if summary.differ(best, baseline):
        gain = f"{best.area - baseline.area:.3f}"
        return [f"{best_words} beats labelling in random order by {gain}, which is more than noise."]
    more = "; more seeds (--seeds) or a larger --budget may" if plan.budget >= ENOUGH_LABELS else ""
    return [f"So these data do not show that any strategy beats random order{more}."]


def _needed(best: StrategySummary, summary: Summary, best_words: str = "It") -> str:
    """How soon the best one, and random order, come near what all labels give."""
    target = f"90 % of the score with every label ({summary.full_macro_f1:.3f})"
    needed = best.median_labels_needed
    sentence = (
        f"{best_words} does not reach {target}"
        if needed is None
        else f"{best_words} reaches {target} with {needed:g} labels"
    )
    baseline = next((row for row in summary.strategies if row.strategy == BASELINE), best)
    if baseline is best:
        return f"{sentence}."
    random = baseline.median_labels_needed
    if random is None:
        return f"{sentence}; random order does not{' either' if needed is None else ''}."
    return f"{sentence}; random order needs {random:g}."


def _own_start(summary: Summary) -> str:
    own = summary.own_start
    if own is None:
        return ""
    needed = own.median_labels_needed
    reached = "does not get there" if needed is None else f"gets there with {needed:g} labels"
    return (
        f"Begun as the backend begins a new project, with its own first order in place of random labels, "
        f"{own.strategy} {reached}; its mean macro-F1 is then {own.area:.3f}."
    )


def in_a_row(names: list[str], shown: int = 4) -> str:
    if len(names) > shown + 1:
        names = [*names[:shown], f"{len(names) - shown} others"]
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
