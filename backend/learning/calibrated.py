"""P(right) made to mean what it says on the pool: calibrated on verdicts, then corrected by audits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from backend.learning.heads import ErrorHead, doubt
from backend.learning.logistic import fit_logistic
from backend.learning.network import Layers
from backend.learning.training import OutOfFold

OWN_WORD = (0.0, 0.5, 0.5)
"""Weights at which the head says what the classifier says of itself."""
PENALTY = (0.01, 1.0, 1.0)
"""How strongly they are pulled there; the bias, hardly."""
SUREST = 14.0
"""Log-odds beyond which the classifier is not believed."""


class SureHead(ErrorHead):
    """P(the classifier is wrong) from how far its best class is ahead of the next, and from how likely it is.

    Platt's scaling (1999) on both. Of hidden units it reads none: with few verdicts and many classes a head
    that does ranks right and wrong worse than the softmax (banking77: area under the curve 0.73 to 0.76).
    """

    kind = "sure"
    is_calibrated = True

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.reads = "last"
        self.register_buffer(
            "weights", torch.tensor(OWN_WORD)
        )  # bias, doubt, log-odds against the best class

    def described(self) -> dict[str, Any]:
        return {"kind": self.kind}

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> SureHead:
        head = cls()
        head.load_state_dict(weights)
        return head

    def inputs(self, layers: Layers) -> Tensor:
        """A one, the doubt and the log-odds against the best class: float32 [N, 3]."""
        logits = layers.logits.float()
        doubts = doubt(logits)
        best = logits.log_softmax(-1).max(-1).values
        against = torch.log1p(-best.exp().clamp(max=1 - 1e-6)) - best
        return torch.stack([torch.ones_like(doubts), doubts, against.clamp(-SUREST, SUREST)], dim=1)

    def forward(self, layers: Layers, doubts: Tensor | None = None) -> Tensor:
        """P(wrong), float32 [N]. doubts: of no use here."""
        inputs = self.inputs(layers)
        return (inputs @ self.weights.to(inputs.device)).sigmoid()

    def corrected(self, shift: float, spread: float) -> SureHead:
        """With log-odds of being right that are higher by `shift`, whose standard deviation is `spread`: the
        mean of the sigmoid over that is the sigmoid of shrunk log-odds (MacKay 1992, "The evidence framework
        applied to classification networks", eq. 10)."""
        made = SureHead()
        made.weights.copy_(self.weights)
        made.weights[0] -= shift
        made.weights /= math.sqrt(1 + math.pi * spread**2 / 8)
        return made


def sure_head(verdicts: OutOfFold, left_out: Tensor) -> SureHead:
    """Of verdicts without those of the audits, so that these can judge it. left_out: bool [M]."""
    head = SureHead()
    kept = ~left_out.cpu()
    inputs = head.inputs(verdicts.layers).cpu()[kept]
    own_word, penalty = inputs.new_tensor(OWN_WORD), inputs.new_tensor(PENALTY)
    wrong = ~verdicts.correct.cpu()[kept]
    found = fit_logistic(inputs, wrong, penalty, toward=own_word, start=own_word)
    head.weights.copy_(found)
    return head
