"""A model that puts spans on texts: of each word the tag, and of those the most likely that are spans."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from backend.learning.bio import spans_of
from backend.learning.network import LayeredNetwork, Shape
from backend.learning.training import outputs
from backend.learning.units import UnitLayers, Units
from backend.learning.viterbi import viterbi

AS_IT_SAYS = (0.0, 1.0)
SUREST = 1e-6
"""No span's probability is nearer to 0 or 1."""


class Found(NamedTuple):
    """A span that was found. start, end: in code points of the text; label: its number; confidence: how
    probable it is that an annotator has the same."""

    start: int
    end: int
    label: int
    confidence: float


class Tagger(nn.Module):
    """network: of one member, from a word's row to its tag (`backend.learning.bio`)."""

    kind: ClassVar[str] = "tagger"
    sureness: Tensor
    """Bias and slope, float64 [2], by which the log-odds of a span's tags become those of the span."""

    def __init__(self, network: LayeredNetwork):
        super().__init__()
        self.network = network
        self.register_buffer("sureness", torch.tensor(AS_IT_SAYS, dtype=torch.float64))

    def described(self) -> dict[str, Any]:
        """What it takes to build it again, as JSON."""
        return {**self.network.described(), "kind": self.kind}

    @classmethod
    def restored(cls, described: Mapping[str, Any], weights: Mapping[str, Tensor]) -> Tagger:
        """Out of `described()` and the state that it had."""
        shape = Shape(described["inputs"], described["classes"], 1, tuple(described["hidden"]))
        tagger = cls(LayeredNetwork(shape))
        tagger.load_state_dict(weights)
        return tagger

    def layers(self, units: Units) -> UnitLayers:
        """What the network says of each word, layers [U, width]."""
        return UnitLayers(outputs(self.network, units.rows), units.item, units.items)

    def tags(self, units: Units) -> Tensor:
        """Of each word the tag, int64 [U]: together they are spans."""
        return viterbi(self._likely(units), units.item, units.items)

    def decode(self, units: Units) -> list[list[Found]]:
        """The spans of each item, by their place."""
        likely = self._likely(units)
        tags = viterbi(likely, units.item, units.items)
        spans = spans_of(tags, units.item)
        begins, ends, labels = spans.unbind(1)
        bias, slope = self.sureness.tolist()
        confidence = (log_odds(likely, tags, units.item, spans) * slope + bias).sigmoid()
        owner = units.item[begins]
        places = torch.stack([units.marks[begins, 0], units.marks[ends - 1, 1]], 1)
        found: list[list[Found]] = [[] for _ in range(units.items)]
        columns = (owner, *places.unbind(1), labels, confidence)
        for item, *span in zip(*(column.tolist() for column in columns), strict=True):
            found[item].append(Found(*span))
        return found

    def _likely(self, units: Units) -> Tensor:
        """Log-probabilities of each word's tags, float32 [U, T]."""
        return outputs(self.network, units.rows).logits.log_softmax(-1)


def log_odds(likely: Tensor, tags: Tensor, item: Tensor, spans: Tensor) -> Tensor:
    """Of spans, by the words' own probabilities of their tags and that the word behind does not go on:
    float64 [S].

    likely: float [U, T]; tags, item: int64 [U]; spans: int64 [S, 3], as of `spans_of`.
    """
    begins, ends, labels = spans.unbind(1)
    tagged = likely.gather(1, tags[:, None])[:, 0].double()
    summed = torch.cat([tagged.new_zeros(1), tagged.cumsum(0)])
    behind = ends.clamp(max=len(tags) - 1)
    goes_on = (
        likely[behind, 2 * labels + 2].double().exp() * (item[behind] == item[begins]) * (behind == ends)
    )
    probability = (summed[ends] - summed[begins]).exp() * (1 - goes_on)
    return probability.clamp(SUREST, 1 - SUREST).logit()
