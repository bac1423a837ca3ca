"""P(right) made to mean what it says on the pool: an error head corrected by what audits showed of it."""

from __future__ import annotations

import copy
import math

from torch import Tensor

from backend.learning.heads import ErrorHead, train_error_head
from backend.learning.network import Layers
from backend.learning.training import OutOfFold


def head_without(verdicts: OutOfFold, left_out: Tensor) -> ErrorHead:
    """An error head that saw no verdict of the audits, so that these can judge it; where the others are too
    few to learn from, one that takes the classifier at its word. left_out: bool [M]."""
    kept = ~left_out
    head = train_error_head(verdicts.layers.rows(kept), verdicts.correct[kept])
    return own_word(verdicts.layers) if head is None else head


def own_word(layers: Layers) -> ErrorHead:
    """P(wrong) as two classes' softmax has it, of the two likeliest ones."""
    head = ErrorHead(layers.last_hidden.shape[1])
    head.weights[1] = 1.0
    return head


def calibrated(head: ErrorHead, shift: float, spread: float) -> ErrorHead:
    """With log-odds of being right that are higher by `shift`, whose standard deviation is `spread`: the mean
    of the sigmoid over that is the sigmoid of shrunk log-odds (MacKay 1992, "The evidence framework applied
    to classification networks", eq. 10)."""
    made = copy.deepcopy(head)
    made.weights[0] -= shift
    made.weights /= math.sqrt(1 + math.pi * spread**2 / 8)
    made.is_calibrated = True
    return made
