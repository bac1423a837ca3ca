import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from backend.controls.base import CLASSES
from backend.errors import DamagedFile
from backend.learning.article_head import ArticleHead
from backend.learning.domain_head import DomainHead
from backend.learning.heads import ErrorHead
from backend.learning.network import LayeredNetwork, Layers, Shape
from backend.learning.reading import Head
from backend.store.features import FeatureCache
from backend.store.model_version import ControlModel, ModelVersion, version_name
from backend.store.versions import VersionStore
from tests.unit.schemes import scheme, single

SCHEME = scheme(single("c", "a", "b"), single("d", "x", "y"))
MAIN, OTHER = SCHEME.controls


def version(number: int) -> ModelVersion:
    networks = {CLASSES: LayeredNetwork(Shape(4, 2)), "more": LayeredNetwork(Shape(4, 3), seed=2)}
    other = {CLASSES: LayeredNetwork(Shape(4, 2), seed=1)}
    models = (ControlModel(MAIN, networks), ControlModel(OTHER, other))
    return ModelVersion(
        version_name(number), SCHEME, "margin", "lsa-000003", models, ErrorHead(64),
        torch.tensor([5, 3]), torch.tensor([0.9, 0.1]), {"trained_on": 2},
    )  # fmt: skip


def test_a_version_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    store, saved = VersionStore(tmp_path), version(1)
    store.save(saved)
    loaded = store.load(saved.name)
    x = torch.randn(3, 4)
    assert [model.control for model in loaded.models] == [MAIN, OTHER]
    for there, here in zip(loaded.models, saved.models, strict=True):
        assert there.networks.keys() == here.networks.keys()
        for name, network in here.networks.items():
            assert torch.equal(there.networks[name](x).logits, network(x).logits)
    assert loaded.network is loaded.models[0].networks[CLASSES]
    assert (loaded.scheme, loaded.queue_ids.tolist(), loaded.stats) == (SCHEME, [5, 3], {"trained_on": 2})


def random_weights(head: Head) -> Head:
    for value in head.parameters():
        torch.nn.init.normal_(value)
    return head


@pytest.mark.parametrize(
    "head",
    [
        None,
        ErrorHead(64),
        ErrorHead(68, "all"),
        ArticleHead(64),
        random_weights(DomainHead(68, seed=3)),
        random_weights(DomainHead(68, depth=0)),
        random_weights(DomainHead(64, reads="hidden", width=3, depth=2)),
    ],
)
def test_heads_come_back_as_what_they_were(tmp_path: Path, head: Head | None) -> None:
    taught = ErrorHead(64)
    taught.weights.copy_(torch.randn(66))
    store = VersionStore(tmp_path)
    store.save(replace(version(1), scorer_head=head, error_head=taught))
    loaded = store.load(version_name(1))
    layers = Layers((torch.randn(5, 64),), torch.randn(5, 2), torch.randn(5, 4))
    assert loaded.error_head is not None
    assert torch.equal(loaded.error_head(layers), taught(layers))
    if head is None:
        assert loaded.scorer_head is None
    else:
        assert type(loaded.scorer_head) is type(head)
        assert torch.equal(loaded.scorer_head(layers), head(layers))


def test_a_damaged_version_is_refused(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    store.save(version(1))
    weights = tmp_path / "versions" / version_name(1) / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(DamagedFile, match="weights"):
        store.load(version_name(1))


def test_old_versions_go_and_the_published_one_stays(tmp_path: Path) -> None:
    store = VersionStore(tmp_path)
    for number in range(1, 6):
        store.save(version(number))
    store.set_published(version_name(1))
    assert store.prune(keep=2) == {"lsa-000003"}
    assert store.names() == [version_name(n) for n in (1, 4, 5)]


def test_a_broken_pointer_means_nothing_is_published(tmp_path: Path) -> None:
    (tmp_path / "published.json").write_text(json.dumps(["not", "a", "pointer"]))
    assert VersionStore(tmp_path).published() is None


def test_texts_are_encoded_once_and_the_encoder_grows_with_the_project(tmp_path: Path) -> None:
    cache = FeatureCache(tmp_path)
    texts = [f"text number {n} about topic {n % 3}" for n in range(10)]
    first, name = cache.encode(texts)
    again, same = FeatureCache(tmp_path).encode([*texts[::-1], "a new one"])
    assert same == name
    assert torch.equal(first, again[:10].flip(0))
    assert cache.encode([*texts, *(f"more {n}" for n in range(20))])[1] != name
