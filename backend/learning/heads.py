"""Transfer heads: small models on the classifier's hidden layers, each with a question of its own.

Munro, *Human-in-the-Loop Machine Learning*, ch. 5; "Active Transfer Learning with PyTorch". What the
heads read is detached: training one never touches the classifier.

* `ErrorHead`, on the last hidden layer: is the classifier wrong here?
* `DomainHead`, on all hidden layers, with a hidden layer of its own: does this item come from what was
  labelled ("training") or from what is still unlabelled ("application")?
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from backend.learning.logistic import fit_logistic, log_evidence
from backend.learning.network import Layers

MIN_VERDICTS = 3
"""Right and wrong verdicts needed of each kind before a head is worth training."""
ERROR_RIDGES = (0.5, 4.0, 32.0, 256.0)
"""Penalties on the error head's hidden-layer weights, of which the verdicts choose. Under the last the
head is hardly more than the classifier's own uncertainty, calibrated; with few verdicts, or where the
layer knows no more, that is what it should be (measured on four text sets: a fixed 8 loses to margin)."""
DOUBT_PENALTY = 1.0
"""How strongly the weight on the uncertainty is pulled to 1, where it is the classifier's own word: of two
classes' softmax, the probability of the second best is the sigmoid of the difference of the logits."""
DOMAIN_WIDTH = 16
"""Width of the domain head's own hidden layer."""
DOMAIN_RIDGE = 1e-2
DOMAIN_STEPS = 40


class ErrorHead(nn.Module):
    """P(the classifier is wrong) from its uncertainty and its last hidden layer.

    A logistic regression that starts from what the classifier says of itself, and whose weights on the
    hidden units are small corrections to that.
    """

    center: Tensor
    scale: Tensor
    weights: Tensor
    ridge: Tensor

    def __init__(self, hidden: int):
        super().__init__()
        self.register_buffer("center", torch.zeros(hidden))
        self.register_buffer("scale", torch.ones(hidden))
        self.register_buffer("weights", torch.zeros(2 + hidden))  # bias, uncertainty, hidden units
        self.register_buffer("ridge", torch.tensor(ERROR_RIDGES[-1]))

    @property
    def hidden(self) -> int:
        return len(self.center)

    def inputs(self, layers: Layers) -> Tensor:
        """A one, the doubt and the standardised hidden units of each item: float32 [N, 2 + H]."""
        hidden = (layers.last_hidden - self.center) / self.scale
        doubts = doubt(layers.logits)
        return torch.cat([torch.ones(len(doubts), 1), doubts[:, None], hidden], dim=1)

    def forward(self, layers: Layers, doubts: Tensor | None = None) -> Tensor:
        """P(wrong), float32 [N]. doubts: `doubt(layers.logits)`, for callers that ask again and again."""
        # The same as inputs @ weights, without the copy of a large pool's hidden layer.
        unit = self.weights[2:] / self.scale
        doubts = doubt(layers.logits) if doubts is None else doubts
        logit = torch.addmv(doubts * self.weights[1], layers.last_hidden, unit)
        return (logit + (self.weights[0] - unit @ self.center)).sigmoid_()


def doubt(logits: Tensor) -> Tensor:
    """How close the two best classes are, as a log-odds <= 0: float [N], higher = less certain."""
    two = logits.topk(2, dim=-1).values
    return (two[..., 1] - two[..., 0]).clamp(min=-14)


def train_error_head(layers: Layers, correct: Tensor, *, start: ErrorHead | None = None) -> ErrorHead | None:
    """Learn to predict the classifier's own errors from its verdicts on items it had not seen.

    layers: of M such items; correct: bool [M]. `start` is a head for nearly the same verdicts: its
    standardisation and ridge are kept and the search begins at its weights.
    Verdicts are not balanced, so that the head's probabilities mean what they say; balancing would
    shift them all by the same log-odds and leave the order as it is.
    Returns None when there are fewer than MIN_VERDICTS of one kind; callers say so.
    """
    wrong = ~correct
    if start is None and min(int(wrong.sum()), int(correct.sum())) < MIN_VERDICTS:
        return None
    head = ErrorHead(layers.last_hidden.shape[1])
    if start is None:
        head.center.copy_(layers.last_hidden.mean(0))
        head.scale.copy_(layers.last_hidden.std(0).clamp(min=1e-3))
    else:
        head.load_state_dict(start.state_dict())
    inputs = head.inputs(layers)
    if start is not None:
        head.weights.copy_(_fit(inputs, wrong, float(head.ridge), head.weights))
        return head
    best = -torch.inf
    weights = head.weights.double()
    for ridge in reversed(ERROR_RIDGES):  # the strongest first: each fit starts at the one before
        weights = _fit(inputs, wrong, ridge, weights)
        evidence = log_evidence(inputs, wrong, _penalty(inputs, ridge), weights, toward=_own_word(inputs))
        if evidence > best:
            best = evidence
            head.weights.copy_(weights)
            head.ridge.fill_(ridge)
    return head


def _fit(inputs: Tensor, wrong: Tensor, ridge: float, start: Tensor) -> Tensor:
    return fit_logistic(inputs, wrong, _penalty(inputs, ridge), toward=_own_word(inputs), start=start)


def _penalty(inputs: Tensor, ridge: float) -> Tensor:
    penalty = torch.full((inputs.shape[1],), ridge)
    penalty[0], penalty[1] = 0.0, DOUBT_PENALTY
    return penalty


def _own_word(inputs: Tensor) -> Tensor:
    """The weights at which the head says what the classifier says of itself."""
    weights = torch.zeros(inputs.shape[1])
    weights[1] = 1.0
    return weights


class DomainHead(nn.Module):
    """P(an item comes from the application domain, not the training data), from all hidden layers."""

    center: Tensor
    scale: Tensor

    def __init__(self, hidden: int, seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.register_buffer("center", torch.zeros(hidden))
        self.register_buffer("scale", torch.ones(hidden))
        self.first = nn.Parameter(torch.randn(hidden, DOMAIN_WIDTH, generator=generator) / hidden**0.5)
        self.first_bias = nn.Parameter(torch.zeros(DOMAIN_WIDTH))
        self.second = nn.Parameter(torch.zeros(DOMAIN_WIDTH))
        self.second_bias = nn.Parameter(torch.zeros(1))

    @property
    def hidden(self) -> int:
        return len(self.center)

    def logit(self, all_hidden: Tensor) -> Tensor:
        standardised = (all_hidden - self.center) / self.scale
        # [N, H] -> [N, DOMAIN_WIDTH] -> [N]
        own = torch.addmm(self.first_bias, standardised, self.first).tanh()
        return own @ self.second + self.second_bias

    def forward(self, layers: Layers) -> Tensor:
        """P(application), float32 [N]."""
        with torch.no_grad():
            return self.logit(layers.all_hidden).sigmoid()


def train_domain_head(
    layers: Layers, application: Tensor, *, seed: int = 0, start: DomainHead | None = None
) -> DomainHead:
    """Learn to tell the target domain from the training data.

    layers: of M items; application: bool [M]. Both sides weigh the same in total, however many items
    each has. `start` is a head for nearly the same items; its search is shorter. L-BFGS on all rows.
    """
    inputs = layers.all_hidden.detach()
    head = DomainHead(inputs.shape[1], seed)
    if start is None:
        head.center.copy_(inputs.mean(0))
        head.scale.copy_(inputs.std(0).clamp(min=1e-3))
    else:
        head.load_state_dict(start.state_dict())
    sides = application.float()
    counts = torch.bincount(application.long(), minlength=2).clamp(min=1)
    weights = 0.5 / counts[application.long()]
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=DOMAIN_STEPS if start is None else 10, line_search_fn="strong_wolfe"
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        losses = nn.functional.binary_cross_entropy_with_logits(head.logit(inputs), sides, reduction="none")
        decay = (head.first**2).sum() + (head.second**2).sum()
        loss: Tensor = (losses * weights).sum() + DOMAIN_RIDGE * decay
        loss.backward()
        return loss

    optimizer.step(closure)
    return head


def estimated_accuracy(error_head: ErrorHead, layers: Layers) -> float:
    """The classifier's accuracy on unlabelled items, as the mean of P(correct) over them."""
    return float(1 - error_head(layers).double().mean())
