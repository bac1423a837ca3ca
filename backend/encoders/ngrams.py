"""Hashed n-grams of words and characters, by ranges that suit the language's way of writing.

Scripts that put no space between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) have a "word" per
sentence, and words of one to a few characters: their n-grams are of 1 to 3 characters, and of no words
(macro-F1 at 300 labels: ten classes of Chinese headlines 0.69 instead of 0.30 with the ranges for words
and spaces, ten of Chinese reviews 0.70 instead of 0.37, three of Thai posts 0.49 instead of 0.45).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

import numpy as np
import numpy.typing as npt
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer

WORD_BUCKETS = 2**18
"""Buckets for words and word pairs: few collisions up to a few hundred thousand distinct ones."""
CHAR_BUCKETS = 2**18
"""Buckets for pieces of words, which carry typos, inflections and languages without spaces."""
MAX_CHARS = 20_000
"""Characters read of each text; what a document is about shows long before its end."""
UNSPACED_SHARE = 0.3
"""Of a project's letters: from this share of scripts without spaces on it counts as written in one. A
word of two characters says as much as one of five letters: at 2 / 7 half of the words are of them."""
SAMPLE, SAMPLE_CHARS = 2_000, 500
"""Texts, and characters of each, that tell how a project is written."""

_LETTERS = re.compile(r"[^\W\d_]+")
UNSPACED_LETTERS = (
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # kana
    "\u0e01-\u0e7f\u0e80-\u0eff"  # Thai, Lao
    "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff"  # Burmese, Khmer
)
"""Of scripts without spaces, as a regular expression's set without its brackets."""
_UNSPACED = re.compile(f"[{UNSPACED_LETTERS}]")


@dataclass(frozen=True)
class Ngrams:
    """Ranges, both ends included: of words, None for none, and of characters within words."""

    words: tuple[int, int] | None
    chars: tuple[int, int]

    @classmethod
    def restore(cls, array: npt.NDArray[np.int64]) -> Ngrams:
        """Raises ValueError where the array is not what `array` gives."""
        first, last, *chars = (int(end) for end in array)
        low, high = chars
        if not (0 < low <= high <= 10 and 0 <= first <= last <= 10):
            raise ValueError(f"no ranges of n-grams: {array.tolist()}")
        return cls((first, last) if first else None, (low, high))

    def array(self) -> npt.NDArray[np.int64]:
        """The four ends, int64 [4]; zeros for no words."""
        return np.array([*(self.words or (0, 0)), *self.chars], np.int64)


SPACED = Ngrams((1, 2), (3, 5))
UNSPACED = Ngrams(None, (1, 3))


def ngrams_for(texts: Sequence[str]) -> Ngrams:
    """The ranges for these texts, by the share of letters whose script has no spaces."""
    step = max(1, len(texts) // SAMPLE)
    letters = "".join(word for text in texts[::step] for word in _LETTERS.findall(text[:SAMPLE_CHARS]))
    share = len(_UNSPACED.findall(letters)) / max(1, len(letters))
    return UNSPACED if share >= UNSPACED_SHARE else SPACED


def count_ngrams(texts: Sequence[str], ngrams: Ngrams = SPACED) -> sparse.csr_matrix:
    """Counts of hashed n-grams, dampened to 1 + log(count): float32 [N, WORD_BUCKETS + CHAR_BUCKETS]."""
    # Half of a surrogate pair, which JSON may carry, is no UTF-8 and the hasher would stumble over it.
    cut = [text[:MAX_CHARS].encode("utf-8", "replace").decode() for text in texts]
    words = sparse.csr_matrix((len(cut), WORD_BUCKETS), dtype=np.float32)
    if ngrams.words is not None:
        words = _hasher("word", ngrams.words, WORD_BUCKETS).transform(cut)
    chars = _chars_counted(cut, ngrams.chars)
    counts = sparse.hstack([words, chars], format="csr", dtype=np.float32)
    counts.data = 1.0 + np.log(counts.data)
    return counts


def _chars_counted(texts: Sequence[str], span: tuple[int, int]) -> sparse.csr_matrix:
    """N-grams of characters stay within a word, and a text repeats the words of others: those of each word
    are hashed once. Float64 [N, CHAR_BUCKETS]; the same as if each text were hashed by itself."""
    numbers: dict[str, int] = {}
    words = [[numbers.setdefault(word, len(numbers)) for word in text.lower().split()] for text in texts]
    if not numbers:
        return sparse.csr_matrix((len(texts), CHAR_BUCKETS))
    ends = np.cumsum([0, *map(len, words)])
    held = np.fromiter(chain.from_iterable(words), np.int32, int(ends[-1]))
    of_texts = sparse.csr_matrix((np.ones(len(held)), held, ends), shape=(len(texts), len(numbers)))
    counts = of_texts @ _hasher("char_wb", span, CHAR_BUCKETS).transform(numbers)
    counts.sort_indices()
    return counts


@lru_cache
def _hasher(analyzer: str, span: tuple[int, int], buckets: int) -> HashingVectorizer:
    return HashingVectorizer(
        n_features=buckets, analyzer=analyzer, ngram_range=span, alternate_sign=False, norm=None
    )
