import pytest
import torch

from backend.learning.heads import train_error_head
from backend.learning.text import TextEncoder
from backend.learning.training import outputs, stratified_folds, train


def blobs(n: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Two well separated classes on the unit sphere."""
    generator = torch.Generator().manual_seed(seed)
    targets = torch.arange(n) % 2
    noise = torch.randn(n, 8, generator=generator) * 0.3
    noise[:, 0] += targets * 2 - 1
    return torch.nn.functional.normalize(noise, dim=1), targets


def test_similar_texts_are_closer_than_dissimilar_ones() -> None:
    fire = [f"bushfire destroys {n} homes as crews fight the blaze" for n in range(15)]
    sport = [f"coach praises team after {n} goals in the final match" for n in range(15)]
    encoder = TextEncoder.fit(fire + sport, dims=16)

    a, b, c = encoder.encode(["blaze destroys homes", "bushfire crews fight on", "team wins final match"])

    assert a @ b > a @ c + 0.3


@pytest.mark.parametrize("text", ["", " ", "🔥🔥", "地震造成多人伤亡", "x" * 200_000, "\ud800"])
def test_any_text_becomes_a_finite_vector(text: str) -> None:
    encoder = TextEncoder.fit(["one text", "another text", "a third"], dims=8)

    vector = encoder.encode([text])

    assert vector.shape == (1, 8)
    assert torch.isfinite(vector).all()


def test_the_network_learns_and_out_of_fold_verdicts_are_honest() -> None:
    features, targets = blobs(60)
    trained = train(features, targets, 2)
    assert (outputs(trained.network, features).logits.argmax(-1) == targets).float().mean() > 0.95
    assert trained.out_of_fold.correct.float().mean() > 0.9

    # With labels drawn by lot there is nothing to learn: a verdict that had seen its item would be right.
    coin = torch.randint(0, 2, (60,), generator=torch.Generator().manual_seed(1))
    guessed = train(torch.nn.functional.normalize(torch.randn(60, 64), dim=1), coin, 2)
    assert guessed.out_of_fold.correct.float().mean() < 0.75


def test_a_rare_class_is_not_drowned() -> None:
    features, targets = blobs(100)
    keep = torch.cat([torch.where(targets == 0)[0], torch.where(targets == 1)[0][:4]])
    trained = train(features[keep], targets[keep], 2)

    fresh, truth = blobs(200, seed=1)
    predicted = outputs(trained.network, fresh).logits.argmax(-1)

    assert (predicted[truth == 1] == 1).float().mean() > 0.8


def test_folds_spread_every_class() -> None:
    targets = torch.tensor([0] * 90 + [1] * 10)
    fold_of = stratified_folds(targets, 10, seed=0)
    assert torch.bincount(fold_of).tolist() == [10] * 10
    assert fold_of[targets == 1].unique().numel() == 10


def test_one_class_cannot_be_trained() -> None:
    with pytest.raises(ValueError, match="two classes"):
        train(torch.randn(4, 3), torch.zeros(4, dtype=torch.int64), 2)


def test_the_error_head_finds_a_region_of_confident_errors_that_uncertainty_does_not_see() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(200, 8, generator=generator)
    wrong = hidden[:, 0] > 1
    sure = torch.tensor([[0.99, 0.01]]).repeat(200, 1)  # as confident in its errors as in the rest

    head = train_error_head(sure, hidden, ~wrong)

    assert head is not None
    with torch.no_grad():
        risk = head(sure, hidden)
    assert wrong[risk.topk(int(wrong.sum())).indices].float().mean() > 0.8


def test_the_error_head_needs_both_kinds_of_verdicts() -> None:
    probabilities = torch.full((20, 2), 0.5)
    assert train_error_head(probabilities, torch.randn(20, 4), torch.ones(20, dtype=torch.bool)) is None
