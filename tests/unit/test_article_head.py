"""The article's head, trained step by step without autograd, is the one that autograd trains."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from backend.learning import article_head
from backend.learning.article_head import EACH, LOWEST, RATE, ArticleHead, train_article_head
from backend.learning.network import Layers
from backend.learning.reading import parts


def by_autograd(rows: Tensor, second: Tensor) -> ArticleHead:
    """As the article's code does it."""
    kinds = [(~second).nonzero()[:, 0], second.nonzero()[:, 0]]
    head, generator = ArticleHead(rows.shape[1]), torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(head.parameters(), lr=RATE)
    for _ in range(article_head.EPOCHS):
        some = torch.cat([kind[torch.randperm(len(kind), generator=generator)[:EACH]] for kind in kinds])
        for item in some[torch.randperm(len(some), generator=generator)]:
            logits = (rows[item] @ head.weights + head.bias).clamp(min=LOWEST)
            optimizer.zero_grad()
            nn.functional.cross_entropy(logits[None], second.long()[item][None]).backward()
            optimizer.step()
    return head


@pytest.mark.parametrize("scale", [0.5, 4.0])
def test_its_steps_are_those_of_autograd(monkeypatch: pytest.MonkeyPatch, scale: float) -> None:
    """scale: of what it reads; far apart many a logit is cut off, which has no slope."""
    monkeypatch.setattr(article_head, "EPOCHS", 2)
    chance = torch.Generator().manual_seed(3)
    layers, second = (
        Layers((torch.randn(60, 5, generator=chance) * scale,), torch.zeros(60, 2)),
        torch.arange(60) % 4 == 0,
    )
    found = train_article_head(layers, second)
    (rows,) = parts(layers, "last")
    assert found is not None
    expected = by_autograd(rows, second)
    cut_off = (rows @ expected.weights + expected.bias < LOWEST).float().mean()
    assert (cut_off > 0.2) == (scale == 4.0)
    assert torch.allclose(found.weights, expected.weights, atol=1e-5)
    assert torch.allclose(found.bias, expected.bias, atol=1e-5)
    assert not torch.allclose(found.weights, ArticleHead(5).weights, atol=1e-2)
