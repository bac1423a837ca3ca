"""How many labels of rare classes the order found, and how many chance alone did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from backend.store.label_record import LabelledFor
from backend.store.reason import PICKED

FEWEST = 10
"""Labels that chance alone brought, of which shares are told."""
RARE = 3
"""Classes whose finds are told, the rarest first."""


def rare_finds(label_of: Mapping[int, str], record: Mapping[int, LabelledFor]) -> dict[str, Any]:
    """As JSON: of classes that are rarer than the mean, how many labels were theirs, of the tasks that the
    order chose and of those that chance alone did; of either those that have a label now.

    label_of: by task; record: why each was labelled.
    """
    at_random = {task for task in record if record[task].reason.is_by_chance} & label_of.keys()
    chosen = {task for task in record if record[task].reason.how == PICKED} & label_of.keys() - at_random
    enough = min(len(at_random), len(chosen)) >= FEWEST
    classes = [
        {"name": name, "chosen": _share(label_of, chosen, name), "random": _share(label_of, at_random, name)}
        for name in (rare_classes(label_of.values()) if enough else [])
    ]
    told = {"random": len(at_random), "chosen": len(chosen), "fewest": FEWEST}
    return {**told, "enough": enough, "classes": classes}


def rare_classes(labels: Iterable[str]) -> list[str]:
    """Of which there are fewer labels than of a class in the mean, the rarest first, RARE at most."""
    counted = Counter(labels)
    rare = [name for name, count in counted.items() if count * len(counted) < counted.total()]
    return sorted(rare, key=lambda name: (counted[name], name))[:RARE]


def _share(label_of: Mapping[int, str], tasks: Collection[int], name: str) -> dict[str, Any]:
    """tasks: with a label each."""
    found = sum(label_of[task] == name for task in tasks)
    return {"found": found, "share": found / len(tasks)}
