"""Image encoders of a hub, or in a folder: they give what the published network gives, and refuse others."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from torch.nn import functional as F

from backend.cli import main
from backend.commands.given import check_names
from backend.encoders.images import find_image_encoder, kept_image_encoder, missing_for_images
from backend.encoders.resnet import Resnet
from backend.encoders.squares import Pixels, pooled_last, pooled_middle, squared
from backend.encoders.vit import Vit, VitConfig
from backend.settings import Settings
from backend.store.image_cache import image_cache
from tests.unit.fake_hub import COMMIT, NAME, serving
from tests.unit.tiny_vision import DIMS, MEAN, SIDE, STD, TIMM, VIT, TinyResnet, TinyVit, write

RESNET = {
    "architecture": "resnet10",
    "pretrained_cfg": {"input_size": [3, 64, 64], "mean": MEAN, "std": STD},
}


def pictures() -> list[Pixels]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (20 + 9 * i, 120 - 7 * i, 3), dtype=np.uint8) for i in range(10)]


def normalised(side: int) -> torch.Tensor:
    mean, std = (torch.tensor(each)[:, None, None] for each in (MEAN, STD))
    return torch.stack([(squared(each, side) / 255 - mean) / std for each in pictures()])


@pytest.fixture(params=["timm", "transformers"])
def vit_folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    of_timm = request.param == "timm"
    weights = TinyVit().of_timm() if of_timm else TinyVit().of_transformers()
    return write(tmp_path / "vit", weights, TIMM if of_timm else VIT)


def test_a_transformer_gives_its_class_token_beside_its_patches_of_a_middle_block(vit_folder: Path) -> None:
    encoder = find_image_encoder(str(vit_folder))
    encoder.load()
    last, middle = TinyVit()(normalised(SIDE))
    vectors = encoder.encode(pictures())
    assert vectors.shape == (10, encoder.dims) == (10, 5 * DIMS)
    assert encoder.block_widths == (DIMS, 4 * DIMS)
    torch.testing.assert_close(vectors[:, :DIMS], F.normalize(last), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(vectors[:, DIMS:], pooled_middle(middle), rtol=1e-4, atol=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dims)


def test_a_residual_network_gives_its_last_map_beside_the_one_before(tmp_path: Path) -> None:
    network = TinyResnet()
    encoder = find_image_encoder(str(write(tmp_path / "resnet", network.state_dict(), RESNET)))
    last, middle = network(normalised(64))
    expected = torch.cat([pooled_last(last), pooled_middle(middle)], 1)
    torch.testing.assert_close(encoder.encode(pictures()), expected, rtol=1e-4, atol=1e-5)
    assert encoder.dims == 16 + 4 * 12


def test_positions_are_brought_to_another_grid() -> None:
    """A picture of one colour is the same at any size but for them: what they add stays in bounds."""
    vit = Vit(VitConfig(), TinyVit().of_timm())
    large = vit.outputs(torch.zeros(1, 3, 2 * SIDE, 3 * SIDE))
    assert large.middle.shape == (1, DIMS, 2 * SIDE // 8, 3 * SIDE // 8)
    assert torch.isfinite(large.last).all()


def test_registers_are_passed_over_and_scales_are_applied() -> None:
    plain, state = TinyVit().of_timm(), TinyVit().of_timm()
    state["reg_token"] = torch.zeros(1, 4, DIMS)
    for number in range(3):
        state[f"blocks.{number}.ls1.gamma"] = state[f"blocks.{number}.ls2.gamma"] = torch.zeros(DIMS)
    images = torch.randn(2, 3, SIDE, SIDE)
    found, whole = (Vit(VitConfig(), each).outputs(images) for each in (state, plain))
    first = plain["cls_token"][:, 0] + plain["pos_embed"][:, 0]
    cls = F.layer_norm(first, (DIMS,), plain["norm.weight"], plain["norm.bias"], 1e-6)
    torch.testing.assert_close(found.last, cls.expand(2, -1))
    assert found.middle.shape == whole.middle.shape


@pytest.mark.parametrize(
    ("change", "config", "reason"),
    [
        ({"norm_pre.weight": torch.ones(DIMS)}, {}, "layers that are not read here: norm_pre.weight"),
        ({"blocks.0.attn.q_norm.weight": torch.ones(8)}, {}, "layers that are not read here"),
        ({}, {"architecture": "efficientnet_b0"}, "efficientnet_b0 is not read here; known are"),
        ({}, {"architecture": "vit_base_patch16_clip_224"}, "is not read here"),
        ({}, {"architecture": "resnetblur50"}, "is not read here"),
        ({}, {"model_args": {"act_layer": "silu"}}, "is not read here"),
        ({}, {"auto_map": {"AutoModel": "x.py"}}, "code of its own, which is never run"),
    ],
)
def test_what_would_be_guessed_at_is_refused(
    tmp_path: Path, change: dict[str, torch.Tensor], config: dict[str, Any], reason: str
) -> None:
    folder = write(tmp_path / "vit", TinyVit().of_timm() | change, TIMM | config)
    with pytest.raises(ValueError, match=reason):
        find_image_encoder(str(folder)).load()


def test_layers_of_another_residual_network_are_refused() -> None:
    state = TinyResnet().state_dict()
    with pytest.raises(ValueError, match=r"not read here: layer1\.0\.se\.fc1"):
        Resnet(state | {"layer1.0.se.fc1.weight": torch.ones(1)})
    with pytest.raises(ValueError, match="not that of a ResNet"):
        Resnet(state | {"conv1.weight": torch.ones(4, 3, 3, 3)})


def test_other_forms_of_weights_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "vit", TinyVit().of_timm(), TIMM)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"has no model\.safetensors; no other form"):
        find_image_encoder(str(folder))
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(ValueError, match=re.escape(str(folder))):
        find_image_encoder(str(folder))


@pytest.mark.parametrize(
    ("config", "told", "reason"),
    [
        ([VIT], {}, "describes no model"),
        (VIT, {"size": 4}, "less than a patch"),
        (VIT, {"size": -224}, "less than a patch"),
        (VIT, {"image_std": [0.2, 0, 0.2]}, "none of three colours"),
        (VIT, {"image_mean": [0.5]}, "none of three colours"),
        (VIT, {"image_mean": ["red", 0.5, 0.5]}, "none of three colours"),
        (VIT, {"image_mean": [float("nan"), 0.5, 0.5]}, "none of three colours"),
        ({**TIMM, "pretrained_cfg": [1]}, {}, "cannot be used"),
        ({**TIMM, "pretrained_cfg": {"input_size": [], "mean": MEAN, "std": STD}}, {}, "cannot be used"),
    ],
)
def test_a_description_that_cannot_be_is_refused(
    tmp_path: Path, config: Any, told: dict[str, Any], reason: str
) -> None:
    of_timm = "architecture" in config
    folder = write(tmp_path, TinyVit().of_timm() if of_timm else TinyVit().of_transformers(), config)
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **told}))
    with pytest.raises(ValueError, match=f"the model in .*{reason}"):
        find_image_encoder(str(folder))


def test_the_name_tells_one_model_from_another_and_leads_back_to_it(vit_folder: Path) -> None:
    encoder = find_image_encoder(str(vit_folder))
    assert kept_image_encoder(encoder.name).name == encoder.name
    assert re.fullmatch(r"[A-Za-z0-9_+~-]+", encoder.name)
    weights = load_file(vit_folder / "model.safetensors")
    first = next(iter(weights))
    save_file(weights | {first: weights[first] + 1}, vit_folder / "model.safetensors")
    assert find_image_encoder(str(vit_folder)).name != encoder.name
    with pytest.raises(ValueError, match="here"):
        kept_image_encoder(encoder.name)


def test_what_is_not_at_hand_says_what_to_do(tmp_path: Path) -> None:
    assert missing_for_images(NAME) == f"it was not fetched yet: label-studio-atlas encoder fetch {NAME}"
    assert "there is no" in str(missing_for_images(str(tmp_path)))
    with pytest.raises(ValueError, match=r"choose one of: lite0; or name a model of a hub"):
        find_image_encoder("dinov2")


def test_fetched_pinned_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the command, from a hub; a version's vectors are found by the commit that made them."""
    folder = write(tmp_path / "vit", TinyVit().of_timm(), TIMM)
    with serving(folder, tmp_path / "home", monkeypatch):
        done = CliRunner().invoke(main, ["encoder", "fetch", NAME])
    assert done.exit_code == 0, done.output
    assert f"It gives {5 * DIMS} numbers" in done.output
    assert f"IMAGE_ENCODER={NAME}@{COMMIT}" in done.output
    assert missing_for_images(NAME) is None
    encoder = find_image_encoder(NAME)
    assert find_image_encoder(f"{NAME}@{COMMIT}").name == encoder.name
    settings = Settings(data_dir=tmp_path / "data", image_encoder=NAME)
    assert image_cache(settings, 1).kept(encoder.name).dims == encoder.dims
    assert json.loads((folder / "config.json").read_text()) == TIMM


def test_a_wrong_name_stops_the_start_and_the_default_without_weights_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(click.ClickException, match="IMAGE_ENCODER: it was not fetched yet"):
        check_names(Settings(image_encoder=NAME, encoder="lsa"))
    monkeypatch.setattr("backend.encoders.images.missing_for_images", lambda name: "no weights")
    check_names(Settings(encoder="lsa"))
