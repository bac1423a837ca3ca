"""What adapted networks see of a project's items, kept beside the model that was adapted to all labels.

The file is written whole before anything names the model, and goes with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from backend.errors import DamagedFile
from backend.learning.fine_tuning import beside
from backend.learning.views import Views
from backend.store import tensors
from backend.store.files import Files
from backend.store.vectors import DIGEST

FOLDER, ENDING = "adapted", ".safetensors"
NO_FOLD = -1
"""Of items that were not labelled when the layers were adapted."""


class KeptViews(NamedTuple):
    """Of n contents, by `digest_of` what stands in their tasks. seen: float16 [1 + K, n, columns], what is in
    the encoder's vectors from `start` on, by the network of all labels, then by those of the folds; fold_of:
    int64 [n], NO_FOLD for none."""

    digests: Sequence[bytes]
    start: int
    seen: Tensor
    fold_of: Tensor

    def views(self, rows: Sequence[int], features: Tensor) -> Views:
        """Of some of the contents. features: float [m, D], by the encoder as it is."""
        each = [beside(features.float(), of[list(rows)].float(), self.start) for of in self.seen]
        return Views(each[0], torch.stack(each[1:]))


class AdaptedViews:
    """files: of the project."""

    def __init__(self, files: Files):
        self._files = files

    def save(self, model: str, views: KeptViews) -> None:
        """model: the adapted model's digest."""
        table = np.frombuffer(b"".join(views.digests), np.uint8).reshape(-1, DIGEST)
        content: dict[str, npt.NDArray[Any]] = {
            "digests": table,
            "start": np.array([views.start], np.int64),
            "seen": views.seen.numpy(),
            "fold_of": views.fold_of.numpy(),
        }
        self._files.write(path_of(model), tensors.pack(content))

    def read(self, model: str) -> KeptViews:
        """Raises FileNotFoundError where nothing is kept of the model, DamagedFile where it is not what was
        saved, another OSError where it cannot be read now."""
        try:
            found = tensors.parse(self._files.read_constant(path_of(model)))
            packed = found["digests"].tobytes()
            digests = [packed[i : i + DIGEST] for i in range(0, len(packed), DIGEST)]
            seen, fold_of = (torch.from_numpy(found[name]) for name in ("seen", "fold_of"))
            return KeptViews(digests, int(found["start"][0]), seen, fold_of)
        except (KeyError, IndexError) as error:
            raise DamagedFile(f"what adapted layers see cannot be read: {error}") from error

    def is_kept(self, model: str) -> bool:
        return path_of(model) in self._files.paths(FOLDER, ENDING)


def path_of(model: str) -> str:
    return f"{FOLDER}/{model[:32]}.views{ENDING}"
