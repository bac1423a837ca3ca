"""What each head reads, and what it makes of it."""

import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor

from backend.learning import article_head
from backend.learning import domain_head as domains
from backend.learning.article_head import train_article_head
from backend.learning.domain_head import DomainHead, train_domain_head
from backend.learning.heads import train_error_head
from backend.learning.network import Layers
from backend.learning.reading import block_scales, parts
from backend.learning.training import layers_by_member
from backend.sampling import make_scene, rank_scene, select, transfer
from backend.sampling.scene import Scene
from tests.unit.scenes import cluster, confident_errors, random_scene


def forgotten() -> tuple[Scene, Tensor]:
    """A new kind lies where the classes do, but for an axis that tells nothing of them: the network is blind
    to it. Returns the scene and which pool items are of that kind."""
    labeled = torch.cat([cluster(30, 1.0, seed=1), cluster(30, -1.0, seed=2)])
    old = torch.cat([cluster(100, 1.0, seed=3), cluster(100, -1.0, seed=4)])
    new = torch.cat([cluster(50, 1.0, 0.0, 0.4, seed=5), cluster(50, -1.0, 0.0, 0.4, seed=6)])
    scene = make_scene(torch.cat([old, new]), labeled, (torch.arange(60) < 30).long())
    return scene, torch.arange(300) >= 200


def random_layers(n: int, features: int = 8, hidden: int = 5, seed: int = 0) -> Layers:
    chance = torch.Generator().manual_seed(seed)
    rows = [torch.randn(n, width, generator=chance) for width in (hidden, 3, features)]
    return Layers((rows[0],), rows[1], rows[2])


def test_the_domain_head_on_all_layers_finds_what_the_hidden_ones_have_forgotten() -> None:
    scene, new = forgotten()
    truly_all = rank_scene("transfer_representative", scene, 20)
    hidden = rank_scene("transfer_representative", scene, 20, layers="hidden")
    assert new[truly_all.order[:20]].float().mean() > 0.9
    assert new[hidden.order[:20]].float().mean() < 0.7
    assert truly_all.scorer_head is not None
    assert roc_auc_score(new, truly_all.scorer_head(scene.pool_layers)) > 0.95


def test_heads_come_after_the_networks_own_layers_and_copy_none_of_them() -> None:
    layers = random_layers(10)
    assert parts(layers, "all")[0] is layers.features
    assert parts(layers, "all")[1] is parts(layers, "last")[0] is layers.hidden[-1]
    with pytest.raises(ValueError, match="what went into the network"):
        parts(layers._replace(features=None), "all")


def test_a_large_pool_is_not_copied_for_the_domain_head() -> None:
    layers = random_layers(4 * domains.BATCH, features=64)
    head = train_domain_head(layers.rows(slice(0, 100)), torch.arange(100) < 50)
    with torch.profiler.profile(profile_memory=True) as profile:
        head(layers)
    assert layers.features is not None
    largest = max(abs(event.self_cpu_memory_usage) for event in profile.events())
    assert largest <= layers.features.nbytes / 3


def test_what_the_domain_head_says_of_a_pool_is_what_it_learned_to_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(domains, "BATCH", 7)
    layers = random_layers(60)
    assert layers.features is not None
    application = layers.features[:, 0].abs() > 0.7
    head = train_domain_head(layers, application, blocks=(6, 2))
    rows = head.scaled(layers)
    with torch.no_grad():
        logits = head.logit(torch.addmm(head.first_bias, rows, head.first))
    assert torch.allclose(head(layers), (logits * head.sharpness).sigmoid(), atol=1e-6)


def test_a_head_of_the_release_before_says_what_it_said() -> None:
    chance = torch.Generator().manual_seed(0)
    state = {
        "center": torch.randn(64, generator=chance),
        "scale": torch.rand(64, generator=chance) + 0.5,
        "first": torch.randn(64, 16, generator=chance),
        "first_bias": torch.randn(16, generator=chance),
        "second": torch.randn(16, generator=chance),
        "second_bias": torch.randn(1, generator=chance),
    }
    layers = random_layers(20, hidden=64)
    own = torch.addmm(
        state["first_bias"], (layers.hidden[0] - state["center"]) / state["scale"], state["first"]
    )
    said = (own.tanh() @ state["second"] + state["second_bias"]).sigmoid()
    head = DomainHead.restored({"kind": "domain", "hidden": 64}, state)
    assert torch.allclose(head(layers), said, atol=1e-6)
    again = DomainHead.restored(head.described(), head.state_dict())  # a pinned version is written again
    assert torch.equal(again(layers), head(layers))


def test_no_layer_drowns_another_for_being_larger() -> None:
    scene, _ = forgotten()
    layers, application = transfer.domains(scene)
    louder = layers._replace(hidden=(layers.hidden[0] * 100,))
    plain = train_domain_head(layers, application, blocks=(8, 8))
    assert torch.allclose(
        train_domain_head(louder, application, blocks=(8, 8))(louder), plain(layers), atol=0.02
    )
    blocks = [torch.randn(50, 30) * 7, torch.randn(50, 4)]
    for rows, scales in zip(blocks, block_scales(blocks).split([30, 4]), strict=True):
        rows = (rows - rows.mean(0)) / scales
        assert torch.linalg.matrix_norm(rows.T @ rows / 50) == pytest.approx(1, abs=1e-4)


def test_the_domain_head_has_layers_of_its_own_where_they_tell_held_out_items_apart() -> None:
    layers = random_layers(300, seed=1)
    assert layers.features is not None
    beyond = layers.features[:, 0].abs() > 0.7
    assert train_domain_head(layers, beyond).depth == 1
    assert train_domain_head(layers, beyond, depth=0).depth == 0
    few = random_layers(60, features=100)
    assert few.features is not None
    noise = torch.randn(60, generator=torch.Generator().manual_seed(5))
    assert train_domain_head(few, few.features[:, 0] + noise > 0).depth == 0


def test_what_the_domain_head_says_is_how_likely_it_is() -> None:
    """Though its penalties pull all it says to one half."""
    layers = random_layers(2000)
    assert layers.features is not None
    noise = torch.randn(2000, generator=torch.Generator().manual_seed(5))
    application = 2 * layers.features[:, 0] + noise > 0
    head = train_domain_head(layers.rows(slice(0, 200)), application[:200], depth=0)
    said = head(layers)
    assert head.sharpness > 1
    sure = said > 0.8
    assert sure[200:].float().mean() > 0.2
    assert application[200:][sure[200:]].float().mean() == pytest.approx(
        float(said[200:][sure[200:]].mean()), abs=0.08
    )


def test_too_few_to_hold_out_make_a_head_without_layers_of_its_own() -> None:
    layers = random_layers(20)
    assert train_domain_head(layers, torch.arange(20) > 0).depth == 0


def test_the_articles_head_knows_nothing_of_doubt_and_ours_begins_with_it() -> None:
    layers = random_layers(200)
    wrong = layers.hidden[0][:, 0] > 0.5
    theirs, ours = train_article_head(layers, wrong), train_error_head(layers, ~wrong)
    assert theirs is not None
    assert ours is not None
    surer = layers._replace(logits=layers.logits * 5)
    assert torch.equal(theirs(surer), theirs(layers))
    assert not torch.allclose(ours(surer), ours(layers), atol=0.01)
    assert roc_auc_score(wrong, theirs(layers)) > 0.9


def test_the_articles_head_needs_one_of_each_kind() -> None:
    layers = random_layers(20)
    assert train_article_head(layers, torch.zeros(20, dtype=torch.bool)) is None


@pytest.fixture
def few_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the article's heads, which are trained item by item and anew for each round of picks."""
    monkeypatch.setattr(article_head, "EPOCHS", 1)


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("atlas", {"head": "article"}),
        ("transfer_uncertainty", {"layers": "all"}),
        ("atlas", {"head": "article", "layers": "all"}),
    ],
)
def test_error_heads_of_every_kind_rank_a_pool(
    strategy: str, options: dict[str, str], few_epochs: None
) -> None:
    scene, region = confident_errors()
    ranking = rank_scene(strategy, scene, 30, **options)
    assert sorted(ranking.order.tolist()) == list(range(scene.size))
    assert ranking.scorer_head is not None
    if "head" not in options:  # the article's learns too little from so few verdicts to find it
        assert region[ranking.order[:30]].float().mean() > 0.75


@pytest.mark.parametrize(
    ("strategy", "options"),
    [
        ("transfer_representative", {"head": "article"}),
        ("transfer_adaptive_representative", {"depth": 2, "width": 3}),
        ("transfer_representative", {"layers": "last"}),
    ],
)
def test_domain_heads_of_every_kind_rank_a_pool(
    strategy: str, options: dict[str, object], few_epochs: None
) -> None:
    scene, _ = forgotten()
    ranking = rank_scene(strategy, scene, 20, **options)
    assert sorted(ranking.order.tolist()) == list(range(scene.size))
    assert ranking.scorer_head is not None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"head": "books"}, "head must be one of: ours, article"),
        ({"layers": 2}, "layers must be one of: last, hidden, all"),
        ({"depth": -1}, "depth must be a whole number, at least 0 and at most 5, not -1"),
        ({"width": 513}, "width must be a whole number, at least 1 and at most 512, not 513"),
    ],
)
def test_wrong_options_of_a_head_are_refused(options: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        select("transfer_representative", *random_scene(), 5, **options)


def test_blocks_must_add_up() -> None:
    with pytest.raises(ValueError, match="blocks must add up to the 6 features"):
        make_scene(*random_scene(), blocks=(4, 4))


def test_what_atlas_picks_joins_as_a_sibling_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the verdicts have it: else a head could tell the networks apart."""
    seen = []

    def watched(layers: Layers, correct: Tensor, **more: object) -> object:
        seen.append(layers)
        return train_error_head(layers, correct, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(transfer, "train_error_head", watched)
    generator = torch.Generator().manual_seed(0)
    pool, labeled = torch.randn(100, 6, generator=generator), torch.randn(60, 6, generator=generator)
    scene = make_scene(pool, labeled, (labeled[:, 0] + torch.randn(60, generator=generator) > 0).long())
    picks = rank_scene("atlas", scene.in_batches_of(20), 20, round=10).order[:10]
    siblings = scene.trained.siblings
    theirs = layers_by_member(siblings, pool[picks], torch.arange(10) % siblings.shape.members)
    assert torch.equal(seen[0].last_hidden[60:], theirs.last_hidden)
    assert not torch.allclose(seen[0].last_hidden[60:], scene.pool_layers.rows(picks).last_hidden)


def test_a_head_that_learns_from_some_verdicts_says_how_likely_errors_are_among_all() -> None:
    """One in fifteen is wrong; of 300 of each kind half would seem to be."""
    chance = torch.Generator().manual_seed(0)
    logits = torch.randn(6_000, 2, generator=chance) * 2
    hidden = torch.randn(6_000, 4, generator=chance)
    wrong = torch.rand(6_000, generator=chance) < (1.5 * hidden[:, 0] - 3.5).sigmoid()
    layers = Layers((hidden,), logits)
    every, some = train_error_head(layers, ~wrong), train_error_head(layers, ~wrong, most=300)
    assert every is not None
    assert some is not None
    assert float(some(layers).mean()) == pytest.approx(float(wrong.float().mean()), rel=0.15)
    assert roc_auc_score(wrong, some(layers)) == pytest.approx(roc_auc_score(wrong, every(layers)), abs=0.02)
    again = train_error_head(layers, ~wrong, start=some, most=300)
    assert again is not None
    assert torch.allclose(again.weights, some.weights, atol=1e-2)
