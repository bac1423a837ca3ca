"""The names of strategies and encoders, known without importing torch: a wrong one is refused at once.

Of other packages the names alone are read; whether what they name can be used shows when it is loaded.
"""

from __future__ import annotations

import re
from importlib import metadata

from backend.fields import without_fields

STRATEGIES = (
    *("auto", "random", "least_confidence", "margin", "ratio", "entropy", "model_outliers", "clusters"),
    *("representative", "adaptive_representative", "transfer_uncertainty", "transfer_representative"),
    *("transfer_adaptive_representative", "atlas", "clustered_uncertainty", "uncertain_outliers"),
    *("representative_clusters", "most_uncertain_cluster", "representative_transfer_uncertainty", "bald"),
    *("variation_ratios", "ensemble_margin", "ensemble_entropy", "dropout_bald", "dropout_margin"),
    *("dropout_entropy", "badge", "coreset", "typiclust", "contrastive", "discriminative"),
)
"""Those of `backend.sampling.registry`, in its order; a test holds the two together."""
ENCODERS = ("lsa", "use", "minilm")
"""Those of `backend.encoders.registry`."""
STRATEGY_GROUP = "label_studio_atlas.strategies"
ENCODER_GROUP = "label_studio_atlas.encoders"
"""Entry points by which other packages bring theirs."""
_JOINING = {"within", "by", "and", "clustered"}


def is_known_strategy(text: str) -> bool:
    """True for a strategy of ours. False for what only a look at it can tell: others' and compositions.

    Raises ValueError, saying what there is, where a name in it is nobody's.
    """
    if text in STRATEGIES:
        return True
    brought = _brought(STRATEGY_GROUP)
    known = [*STRATEGIES, *(name for name in brought if name not in STRATEGIES)]
    # Without options, which the strategies look at, and fields, which are the tasks'.
    plain = without_fields(re.sub(r"\s\S+=\S*", "", text))
    words = set(re.findall(r"[^\W\d]\w*", plain))
    composed = bool(words & {"within", "and", "clustered"}) or "%" in plain or plain in known
    unknown = sorted(words - _JOINING - set(known)) if composed else [text] * (text not in known)
    if not unknown:
        return False
    if composed:
        raise ValueError(f"{text!r}: {unknown[0]!r} is no strategy; choose from: {', '.join(known)}")
    raise ValueError(
        f"unknown strategy {text!r}; choose one of: {', '.join(known)}; with options: "
        "'atlas round=2'; or compose them: 'margin within 20% by representative', '70% auto and 30% random'"
    )


def is_known_encoder(name: str) -> bool:
    """True for one that needs nothing, False for what only a look at it can tell: others', and weights.

    Raises ValueError where a part of the name is nobody's.
    """
    if name in ("auto", "lsa"):
        return True
    known = [*ENCODERS, *_brought(ENCODER_GROUP)]
    for part in name.split("+"):
        if part not in known and "/" not in part:  # those are a hub's, and folders
            raise ValueError(f"unknown encoder {part!r}; choose one of: {', '.join(['auto', *known])}")
    return False


def _brought(group: str) -> list[str]:
    return [entry.name for entry in metadata.entry_points(group=group)]
