"""Texts to vectors without a download: hashed n-grams, TF-IDF, latent semantic analysis.

The vocabulary is hashed, so any language and any spelling has a place in it; the projection is
fitted on the project's own texts, labelled or not, which is what lifts it far above plain hashing
when labels are few (Deerwester et al. 1990, "Indexing by Latent Semantic Analysis").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

from backend.encoders.ngrams import SPACED, WORD_BUCKETS, Ngrams, count_ngrams, ngrams_for

MAX_COLUMNS = 40_000
"""N-grams kept after fitting, the most frequent first: bounds memory and the size on disk."""


@dataclass(frozen=True)
class TextEncoder:
    """A fitted projection from n-gram counts to `dims` numbers.

    columns: int64 [V], the n-gram buckets in use; idf: float32 [V]; components: float32 [V, dims];
    ngrams: the ranges it counts by.
    """

    is_cheap: ClassVar[bool] = True
    columns: npt.NDArray[np.int64]
    idf: npt.NDArray[np.float32]
    components: npt.NDArray[np.float32]
    ngrams: Ngrams = SPACED

    @classmethod
    def fit(cls, texts: Sequence[str], *, dims: int = 256, seed: int = 0) -> TextEncoder:
        """Fit on the given texts (their labels are not needed).

        Fewer texts than `dims` give fewer directions; the rest of the vector stays zero.
        Raises ValueError when there are no texts.
        """
        if not texts:
            raise ValueError("a text encoder needs at least one text to be fitted on")
        ngrams = ngrams_for(texts)
        counts = count_ngrams(texts, ngrams)
        frequency = np.bincount(counts.indices, minlength=counts.shape[1])
        # An n-gram of a single text relates it to no other; with hardly any texts all are kept.
        candidates = np.flatnonzero(frequency >= (2 if len(texts) > 20 else 1))
        columns = np.sort(candidates[np.argsort(-frequency[candidates], kind="stable")[:MAX_COLUMNS]])
        idf = (np.log((1 + len(texts)) / (1 + frequency[columns])) + 1).astype(np.float32)
        weighted = _weigh(counts, columns, idf)
        components = np.zeros((len(columns), dims), dtype=np.float32)
        rank = min(dims, min(weighted.shape) - 1)
        if rank > 0:
            _, _, directions = randomized_svd(weighted, rank, n_iter=4, random_state=seed)
            components[:, :rank] = directions.T
        return cls(columns.astype(np.int64), idf, components, ngrams)

    @classmethod
    def restore(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> TextEncoder:
        """The encoder that had these arrays. Raises TypeError, or ValueError, when they are no encoder's."""
        learned = {name: array for name, array in arrays.items() if name != "ngrams"}
        ngrams = Ngrams.restore(arrays["ngrams"]) if "ngrams" in arrays else SPACED
        return cls(**learned, ngrams=ngrams)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """With the ranges of n-grams, unless they are those that encoders had before there was a choice:
        the same encoder keeps its name, and older releases can read it."""
        learned: dict[str, npt.NDArray[Any]] = {
            "columns": self.columns,
            "idf": self.idf,
            "components": self.components,
        }
        return learned if self.ngrams == SPACED else {**learned, "ngrams": self.ngrams.array()}

    def suits(self, texts: Sequence[str]) -> bool:
        """Whether these texts are written as its n-grams suppose. One for scripts without spaces also
        stands what is mixed in later, so that a project on the border does not go to and fro."""
        return self.ngrams != SPACED or ngrams_for(texts) == SPACED

    @property
    def dims(self) -> int:
        return int(self.components.shape[1])

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors, float32 [N, dims]; a text with no known n-gram becomes the zero vector."""
        if not texts:
            return torch.zeros(0, self.dims)
        projected = _weigh(count_ngrams(texts, self.ngrams), self.columns, self.idf) @ self.components
        return torch.nn.functional.normalize(torch.from_numpy(np.asarray(projected, np.float32)), dim=1)


def _weigh(
    counts: sparse.csr_matrix, columns: npt.NDArray[np.int64], idf: npt.NDArray[np.float32]
) -> sparse.csr_matrix:
    """TF-IDF rows; words and characters have unit length each, so that neither drowns the other."""
    split = int(np.searchsorted(columns, WORD_BUCKETS))
    weighted = counts[:, columns].multiply(idf[None, :]).tocsr()
    parts = [weighted[:, :split], weighted[:, split:]]
    return sparse.hstack([_unit_rows(part) for part in parts], format="csr", dtype=np.float32)


def _unit_rows(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.diags(1.0 / np.maximum(norms, 1e-12)) @ matrix
