"""Texts to vectors without a download: hashed n-grams, TF-IDF, latent semantic analysis.

The vocabulary is hashed, so any language and any spelling has a place in it; the projection is
fitted on the project's own texts, labelled or not, which is what lifts it far above plain hashing
when labels are few (Deerwester et al. 1990, "Indexing by Latent Semantic Analysis").
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils.extmath import randomized_svd
from torch import Tensor

WORD_BUCKETS = 2**18
"""Buckets for words and word pairs: few collisions up to a few hundred thousand distinct ones."""
CHAR_BUCKETS = 2**18
"""Buckets for 3- to 5-character pieces of words, which carry typos, inflections and CJK text."""
MAX_COLUMNS = 40_000
"""N-grams kept after fitting, the most frequent first: bounds memory and the size on disk."""
MAX_CHARS = 20_000
"""Characters read of each text; what a document is about shows long before its end."""

_WORDS = HashingVectorizer(n_features=WORD_BUCKETS, ngram_range=(1, 2), alternate_sign=False, norm=None)
_CHARS = HashingVectorizer(
    n_features=CHAR_BUCKETS, analyzer="char_wb", ngram_range=(3, 5), alternate_sign=False, norm=None
)


def count_ngrams(texts: Sequence[str]) -> sparse.csr_matrix:
    """Counts of hashed n-grams, dampened to 1 + log(count): float32 [N, WORD_BUCKETS + CHAR_BUCKETS]."""
    # Half of a surrogate pair, which JSON may carry, is no UTF-8 and the hasher would stumble over it.
    cut = [text[:MAX_CHARS].encode("utf-8", "replace").decode() for text in texts]
    counts = sparse.hstack([_WORDS.transform(cut), _CHARS.transform(cut)], format="csr", dtype=np.float32)
    counts.data = 1.0 + np.log(counts.data)
    return counts


@dataclass(frozen=True)
class TextEncoder:
    """A fitted projection from n-gram counts to `dims` numbers.

    columns: int64 [V], the n-gram buckets in use; idf: float32 [V]; components: float32 [V, dims].
    """

    columns: npt.NDArray[np.int64]
    idf: npt.NDArray[np.float32]
    components: npt.NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Sequence[str], *, dims: int = 256, seed: int = 0) -> TextEncoder:
        """Fit on the given texts (their labels are not needed).

        Fewer texts than `dims` give fewer directions; the rest of the vector stays zero.
        Raises ValueError when there are no texts.
        """
        if not texts:
            raise ValueError("a text encoder needs at least one text to be fitted on")
        counts = count_ngrams(texts)
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
        return cls(columns.astype(np.int64), idf, components)

    @classmethod
    def restore(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> TextEncoder:
        """The encoder that had these arrays. Raises TypeError when they are not an encoder's."""
        return cls(**arrays)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"columns": self.columns, "idf": self.idf, "components": self.components}

    @property
    def dims(self) -> int:
        return int(self.components.shape[1])

    def encode(self, texts: Sequence[str]) -> Tensor:
        """Unit vectors, float32 [N, dims]; a text with no known n-gram becomes the zero vector."""
        if not texts:
            return torch.zeros(0, self.dims)
        projected = _weigh(count_ngrams(texts), self.columns, self.idf) @ self.components
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
