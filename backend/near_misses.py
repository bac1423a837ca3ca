"""Variables of the environment that nearly have the name of a setting: a typing error changes nothing and
says nothing by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

SHORT = 6
"""Names up to so long are near too many others."""
LONG = 10
"""From so long on two letters may differ."""
LABEL_STUDIOS_OWN = {"LABEL_STUDIO_PORT"}
"""Variables of Label Studio's that are near a setting's name."""
_PREFIX = re.compile(r"^(LABEL_STUDIO_)?ATLAS_")


def near_misses(environ: Mapping[str, str], settings: Iterable[str] | None = None) -> dict[str, str]:
    """By each such variable that is not empty, the setting that was probably meant.

    settings: their names; None for all there are.
    """
    if settings is None:
        from backend.settings import Settings

        settings = Settings.model_fields
    known = [name.upper() for name in settings]
    given = [
        name for name, value in environ.items() if value and name.upper() not in {*known, *LABEL_STUDIOS_OWN}
    ]
    found = {name: _meant(name.upper().replace("-", "_"), known) for name in given}
    return {name: meant for name, meant in found.items() if meant is not None}


def _meant(name: str, known: list[str]) -> str | None:
    bare = _PREFIX.sub("", name)
    if bare in known:
        return bare
    near = [(distance, each) for each in known if (distance := _distance(bare, each)) <= _allowed(each)]
    return min(near)[1] if near else None


def _allowed(name: str) -> int:
    return 0 if len(name) <= SHORT else 1 if len(name) < LONG else 2


def _distance(a: str, b: str) -> int:
    """Letters to add, drop, change or swap with their neighbour (optimal string alignment), at most 3."""
    if abs(len(a) - len(b)) > 2:
        return 3
    rows = [list(range(len(b) + 1))]
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            least = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (x != y))
            if i > 1 and j > 1 and (x, y) == (b[j - 2], a[i - 2]):
                least = min(least, rows[-2][j - 2] + 1)
            row.append(least)
        rows.append(row)
    return min(rows[-1][-1], 3)
