"""Models of a hub, or in a folder: read by our own loader, and fetched by a command, each file checked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file

from backend.cli import main
from backend.encoders import model_folder
from backend.encoders.hub import HubName
from backend.encoders.registry import find_encoder
from backend.encoders.word_registry import find_word_encoder
from backend.settings import Settings
from backend.store.locations import feature_cache
from tests.unit.fake_hub import COMMIT, NAME, FakeHub, serving

pytestmark = pytest.mark.skipif(find_spec("tokenizers") is None, reason="tokenizers is not installed")

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "storm", "flood", "tea", "book"]
DIMS, HEADS, LAYERS, INNER, LONGEST = 8, 2, 2, 16, 12
CONFIG = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "max_position_embeddings": LONGEST,
}
MODULES = [
    {"type": "sentence_transformers.models.Transformer", "path": ""},
    {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"},
]


def make_model(folder: Path, **config: Any) -> Path:
    """A BERT with random weights."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    (folder / "1_Pooling").mkdir(parents=True)
    chance = torch.Generator().manual_seed(0)

    def part(name: str, rows: int, columns: int) -> dict[str, torch.Tensor]:
        weight = torch.randn(rows, columns, generator=chance)
        return {f"{name}.weight": weight, f"{name}.bias": torch.randn(rows, generator=chance)}

    def norm(name: str) -> dict[str, torch.Tensor]:
        return {
            f"{name}.gamma": torch.ones(DIMS),
            f"{name}.beta": torch.zeros(DIMS),
        }  # as older files have it

    weights = {
        f"embeddings.{name}_embeddings.weight": torch.randn(rows, DIMS, generator=chance)
        for name, rows in (("word", len(WORDS)), ("position", LONGEST), ("token_type", 2))
    } | norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}"
        for name in ("query", "key", "value"):
            weights |= part(f"{layer}.attention.self.{name}", DIMS, DIMS)
        weights |= part(f"{layer}.attention.output.dense", DIMS, DIMS)
        weights |= norm(f"{layer}.attention.output.LayerNorm")
        weights |= part(f"{layer}.intermediate.dense", INNER, DIMS)
        weights |= part(f"{layer}.output.dense", DIMS, INNER) | norm(f"{layer}.output.LayerNorm")
    save_file({f"bert.{name}": weight for name, weight in weights.items()}, folder / "model.safetensors")
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(CONFIG | config))
    (folder / "modules.json").write_text(json.dumps(MODULES))
    pooling = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    return folder


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    folder = make_model(tmp_path / "remote")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    (folder / "modeling.py").write_text("raise SystemExit")
    with serving(folder, tmp_path / "home", monkeypatch) as server:
        yield server


def test_a_folder_is_an_encoder_and_comes_back_by_its_name(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "a model")
    settings = Settings(data_dir=tmp_path / "data", encoder=f"{folder}+lsa")
    texts = ["storm flood", "tea book", "storm " * 40, ""]
    features, name = feature_cache(settings, 1).encode(texts)
    assert features[:3, :DIMS].norm(dim=1).tolist() == pytest.approx([1, 1, 1], rel=1e-3)
    assert features[3].abs().max() == 0
    again = feature_cache(settings, 1).encoder(name).encode(texts)
    assert (features - again).abs().max() < 1e-3


def test_a_folders_model_reads_words_at_half_its_depth(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    words = find_word_encoder(f"{folder}+lsa")
    assert words.name == f"{folder}:words"
    assert words.arrays()["depth"] == LAYERS // 2
    units = words.encode(["storm flood", "", "tea book tea"])
    assert units.rows.shape == (5, words.dimensions)
    assert units.item.tolist() == [0, 0, 2, 2, 2]
    again = find_word_encoder(words.name)
    assert torch.equal(again.encode(["storm flood"]).rows, units.rows[:2])


def test_positions_of_roberta_begin_behind_the_paddings(tmp_path: Path) -> None:
    bert = find_encoder(str(make_model(tmp_path / "bert"))).fit([""], seed=0)
    other = find_encoder(str(make_model(tmp_path / "roberta", model_type="roberta"))).fit([""], seed=0)
    assert (bert.encode(["storm"]) - other.encode(["storm"])).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"auto_map": {"AutoModel": "modeling.Own"}}, "code of its own, which is never run"),
        ({"hidden_act": "swish"}, "activation 'swish' is unknown"),
        ({"num_hidden_layers": 3}, "'encoder.layer.2.attention.self.query.weight'"),
    ],
)
def test_a_model_that_cannot_be_read_is_refused_with_the_reason(
    tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    folder = make_model(tmp_path / "model", **change)
    with pytest.raises(ValueError, match=told):
        find_encoder(str(folder)).fit([""], seed=0)


def test_other_shapes_need_transformers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_folder, "find_spec", lambda name: None)
    folder = make_model(tmp_path / "model", model_type="distilbert")
    with pytest.raises(ValueError, match=r"it needs transformers: pip install 'label-studio-atlas\[hub\]'"):
        find_encoder(str(folder)).fit([""], seed=0)


def test_pickled_weights_are_not_read(tmp_path: Path) -> None:
    folder = make_model(tmp_path / "model")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"has no model\.safetensors; no other form"):
        find_encoder(str(folder)).fit([""], seed=0)


def test_a_model_is_fetched_once_checked_and_used_by_its_name(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"not fetched yet: label-studio-atlas encoder fetch {NAME}"):
        find_encoder(NAME)
    done = CliRunner().invoke(main, ["encoder", "fetch", NAME])
    assert done.exit_code == 0, done.output
    assert f"ENCODER={NAME}@{COMMIT}+lsa" in done.output
    fetched = {path.name for path in HubName.parse(NAME).snapshot(COMMIT).rglob("*") if path.is_file()}
    assert fetched == {"config.json", "model.safetensors", "modules.json", "tokenizer.json"}
    ours = find_encoder(f"{NAME}@{COMMIT}").fit([""], seed=0).encode(["storm tea"])
    theirs = find_encoder(str(hub.folder)).fit([""], seed=0).encode(["storm tea"])
    assert torch.equal(ours, theirs)
    hub.asked.clear()
    assert CliRunner().invoke(main, ["encoder", "fetch", NAME]).exit_code == 0
    assert hub.asked == [f"/api/models/{NAME}/revision/main"]


def test_an_encoder_in_use_stays_with_its_revision(hub: FakeHub, tmp_path: Path) -> None:
    CliRunner().invoke(main, ["encoder", "fetch", NAME])
    kind = find_encoder(NAME)
    arrays = kind.fit([""], seed=0).arrays()
    ref = HubName.parse(NAME).folder / "refs/main"
    newer = "f" * 40
    make_model(HubName.parse(NAME).snapshot(newer), layer_norm_eps=0.5)
    ref.write_text(newer)
    assert not torch.equal(kind.fit([""], seed=0).encode(["tea"]), kind.restore(arrays).encode(["tea"]))
    with pytest.raises(ValueError, match="other files"):
        kind.restore({**arrays, "digest": arrays["digest"][::-1]})


def test_a_file_that_is_not_what_the_hub_says_is_not_kept(hub: FakeHub) -> None:
    hub.sha256 = False
    done = CliRunner().invoke(main, ["encoder", "fetch", NAME])
    assert done.exit_code == 1
    assert "model.safetensors came as another file than the hub says" in done.output
    assert HubName.parse(NAME).commit is None
    assert not list(HubName.parse(NAME).folder.rglob("*fetching*"))


def test_a_name_that_the_hub_does_not_know_is_told(hub: FakeHub) -> None:
    done = CliRunner().invoke(main, ["encoder", "fetch", "atlas/other"])
    assert done.exit_code == 1
    assert "answers 404 for atlas/other, revision main: correct the name" in done.output


@pytest.mark.parametrize("name", ["../../etc", "a/b/c", "a/..", "a/b@../x", "a/b@", "/a", "tiny"])
def test_what_is_no_name_is_never_asked_for(hub: FakeHub, name: str) -> None:
    done = CliRunner().invoke(main, ["encoder", "fetch", name])
    assert done.exit_code == 1
    assert "is neither a folder's full path nor a model's name" in done.output
    assert hub.asked == []
