"""How many labels of rare classes the order found, and how many chance alone did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any

from backend.controls.base import Answer, Control
from backend.controls.regions import RegionControl
from backend.store.label_record import LabelledFor
from backend.store.reason import PICKED

FEWEST = 10
"""Labels that chance alone brought, of which shares are told."""
RARE = 3
"""Classes whose finds are told, the rarest first."""


def classes_in(main: Control, answer: Answer) -> frozenset[str]:
    """What is found in a task with this answer: its class, or the labels of its parts."""
    return frozenset(main.labels_in(answer)) if isinstance(main, RegionControl) else frozenset([answer])


def rare_finds(found_in: Mapping[int, AbstractSet[str]], record: Mapping[int, LabelledFor]) -> dict[str, Any]:
    """As JSON: of classes that are rarer than the mean, in how many tasks they were found, of those that the
    order chose and of those that chance alone did; of either those that have a label now.

    found_in: classes by task; record: why each was labelled.
    """
    at_random = {task for task in record if record[task].reason.is_by_chance} & found_in.keys()
    chosen = {task for task in record if record[task].reason.how == PICKED} & found_in.keys() - at_random
    enough = min(len(at_random), len(chosen)) >= FEWEST
    classes = [
        {"name": name, "chosen": _share(found_in, chosen, name), "random": _share(found_in, at_random, name)}
        for name in (rare_classes(chain.from_iterable(found_in.values())) if enough else [])
    ]
    told = {"random": len(at_random), "chosen": len(chosen), "fewest": FEWEST}
    return {**told, "enough": enough, "classes": classes}


def rare_classes(labels: Iterable[str]) -> list[str]:
    """Of which there are fewer labels than of a class in the mean, the rarest first, RARE at most."""
    counted = Counter(labels)
    rare = [name for name, count in counted.items() if count * len(counted) < counted.total()]
    return sorted(rare, key=lambda name: (counted[name], name))[:RARE]


def _share(found_in: Mapping[int, AbstractSet[str]], tasks: Collection[int], name: str) -> dict[str, Any]:
    """tasks: with a label each."""
    found = sum(name in found_in[task] for task in tasks)
    return {"found": found, "share": found / len(tasks)}
