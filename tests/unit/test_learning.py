import pytest
import torch
from sklearn.linear_model import LogisticRegression

from backend.encoders.lsa import TextEncoder
from backend.learning.domain_head import train_domain_head
from backend.learning.heads import doubt, train_error_head
from backend.learning.logistic import fit_logistic
from backend.learning.network import Layers
from backend.learning.training import (
    WEIGHT_DECAY,
    layers_by_member,
    member_probabilities,
    outputs,
    stratified_folds,
    train,
    train_network,
)


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


@pytest.mark.parametrize("dims", [16, 400])  # fewer than there are items, and more
def test_training_ends_where_the_penalised_loss_is_least(dims: int) -> None:
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.randn(40, dims, generator=generator), dim=1)
    features[1] = features[0]  # the same text twice: they span less than there are of them
    targets = torch.arange(40) % 2

    network = train_network(features, targets, 2)

    def loss() -> torch.Tensor:
        squares = torch.stack([(matrix**2).sum() for matrix in network.matrices]).sum()
        logits = network(features).logits[0]
        return torch.nn.functional.cross_entropy(logits, targets) + squares * (WEIGHT_DECAY / 40)

    reached = loss().item()
    torch.optim.LBFGS(network.parameters(), max_iter=300, line_search_fn="strong_wolfe").step(
        lambda: (network.zero_grad(), (found := loss()).backward(), found)[-1]
    )
    assert reached < loss().item() + 1e-3


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


def layers_of(hidden: torch.Tensor, logits: torch.Tensor) -> Layers:
    return Layers((hidden,), logits)


def test_the_stacked_network_is_its_members_side_by_side() -> None:
    features, targets = blobs(40)
    trained = train(features, targets, 2, folds=4, hidden=(7, 5))
    whole = member_probabilities(trained.siblings, features)
    for member in range(4):
        alone = trained.siblings.members(slice(member, member + 1))
        assert torch.allclose(whole[member], outputs(alone, features).probabilities, atol=1e-6)
    member_of = torch.arange(40) % 4
    mixed = layers_by_member(trained.siblings, features, member_of)
    assert torch.allclose(mixed.probabilities, whole[member_of, torch.arange(40)], atol=1e-6)


def test_the_serving_network_is_the_same_with_and_without_siblings() -> None:
    features, targets = blobs(40)
    alone = outputs(train_network(features, targets, 2), features).probabilities
    with_siblings = outputs(train(features, targets, 2).network, features).probabilities
    assert (alone - with_siblings).abs().max() < 0.02  # the optimiser's steps are shared, its goal is not


def test_a_network_without_hidden_layers_works_but_has_nothing_for_heads() -> None:
    features, targets = blobs(40)
    layers = outputs(train_network(features, targets, 2, hidden=()), features)
    assert (layers.logits.argmax(-1) == targets).float().mean() > 0.9
    with pytest.raises(ValueError, match="hidden layer"):
        layers.last_hidden  # noqa: B018


def test_newton_finds_what_scikit_learn_finds() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(200, 5, generator=generator)
    y = (x[:, 0] - x[:, 1] + torch.randn(200, generator=generator)) > 0
    penalty = torch.full((6,), 2.0)
    penalty[5] = 0
    ours = fit_logistic(torch.nn.functional.pad(x, (0, 1), value=1.0), y, penalty)
    theirs = LogisticRegression(C=0.5, tol=1e-8).fit(x.numpy(), y.numpy())
    assert ours[:5].tolist() == pytest.approx(theirs.coef_[0].tolist(), abs=1e-3)
    assert float(ours[5]) == pytest.approx(theirs.intercept_[0], abs=1e-3)


@pytest.mark.parametrize("truth", [torch.zeros(30), torch.ones(30), (torch.arange(30) < 15).float()])
def test_newton_survives_separable_and_one_sided_data(truth: torch.Tensor) -> None:
    x = torch.stack([torch.ones(30), torch.arange(30) / 10.0], dim=1)
    assert torch.isfinite(fit_logistic(x, truth, torch.tensor([0.0, 1e-3]))).all()


def test_the_error_head_finds_a_region_of_confident_errors_that_uncertainty_does_not_see() -> None:
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(200, 8, generator=generator)
    wrong = hidden[:, 0] > 1
    sure = torch.tensor([[4.0, 0.0]]).repeat(200, 1)  # as confident in its errors as in the rest

    head = train_error_head(layers_of(hidden, sure), ~wrong)

    assert head is not None
    risk = head(layers_of(hidden, sure))
    assert wrong[risk.topk(int(wrong.sum())).indices].float().mean() > 0.8
    # Its probabilities mean what they say on average; of each item the ridge keeps them cautious.
    assert float(risk.mean()) == pytest.approx(float(wrong.float().mean()), abs=0.02)


def test_with_few_verdicts_the_error_head_is_the_margin() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(30, 2, generator=generator) * 2
    hidden = torch.randn(30, 64, generator=generator)
    correct = (logits[:, 0] - logits[:, 1]).abs() > torch.rand(30, generator=generator)
    head = train_error_head(layers_of(hidden, logits), correct)
    assert head is not None
    fresh = layers_of(torch.randn(200, 64, generator=generator), torch.randn(200, 2, generator=generator))
    ranks = torch.stack([head(fresh), doubt(fresh.logits)]).argsort(dim=1).argsort(dim=1).double()
    assert float(torch.corrcoef(ranks)[0, 1]) > 0.8


def test_the_error_head_needs_both_kinds_of_verdicts() -> None:
    layers = layers_of(torch.randn(20, 4), torch.zeros(20, 2))
    assert train_error_head(layers, torch.ones(20, dtype=torch.bool)) is None
    assert train_error_head(layers, torch.zeros(20, dtype=torch.bool)) is None


def test_the_domain_head_needs_its_own_hidden_layer() -> None:
    """The new domain lies on both sides of the old one: no linear head can tell them apart."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(300, 6, generator=generator)
    application = hidden[:, 0].abs() > 1
    layers = layers_of(hidden, torch.zeros(300, 2))
    head = train_domain_head(layers, application, reads="hidden")
    found = head(layers) > 0.5
    assert (found == application).float().mean() > 0.9
