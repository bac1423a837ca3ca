"""The image encoder is the published network, its two blocks weigh the same, and any picture goes in."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.encoders.lite0 import STAGES, Lite0
from backend.encoders.lite0_weights import WEIGHTS, lite0
from backend.encoders.pictures import SIDE, Lite0Encoder
from backend.encoders.squares import Pixels, squared

CHANNELS = (16, 24, 40, 80, 112, 192, 320)
KERNELS = (3, 3, 5, 3, 5, 5, 3)
needs_weights = pytest.mark.skipif(WEIGHTS.missing() is not None, reason=str(WEIGHTS.missing()))


def made_up_weights(seed: int = 0) -> dict[str, Tensor]:
    """Of the network's shape, and small enough that the signal neither dies nor explodes."""
    made, state = torch.Generator().manual_seed(seed), {}

    def layer(convolution: str, norm: str, inputs: int, outputs: int, size: int, groups: int = 1) -> None:
        weight = torch.randn(outputs, inputs // groups, size, size, generator=made)
        state[f"{convolution}.weight"] = weight * (2 / (inputs // groups * size * size)) ** 0.5
        state[f"{norm}.weight"] = torch.rand(outputs, generator=made) + 0.5
        state[f"{norm}.bias"] = torch.randn(outputs, generator=made) / 2
        state[f"{norm}.running_mean"] = torch.randn(outputs, generator=made) / 10
        state[f"{norm}.running_var"] = torch.rand(outputs, generator=made) + 0.5

    layer("_conv_stem", "_bn0", 3, 32, 3)
    inputs, number = 32, 0
    for stage, (blocks, _) in enumerate(STAGES):
        for _ in range(blocks):
            name, wide = f"_blocks.{number}.", inputs * (6 if number else 1)
            if number:
                layer(f"{name}_expand_conv", f"{name}_bn0", inputs, wide, 1)
            layer(f"{name}_depthwise_conv", f"{name}_bn1", wide, wide, KERNELS[stage], wide)
            layer(f"{name}_project_conv", f"{name}_bn2", wide, CHANNELS[stage], 1)
            inputs, number = CHANNELS[stage], number + 1
    layer("_conv_head", "_bn1", 320, 1280, 1)
    return state


def by_the_book(state: dict[str, Tensor], x: Tensor) -> tuple[Tensor, Tensor]:
    """The same network, step by step as it is published: convolution, batch norm, ReLU6."""

    def step(x: Tensor, convolution: str, norm: str, stride: int = 1) -> Tensor:
        weight = state[f"{convolution}.weight"]
        size, sides = weight.shape[-1], x.shape[-2:]
        pad = [max((-(-side // stride) - 1) * stride + size - side, 0) for side in sides]
        x = F.pad(x, (pad[1] // 2, pad[1] - pad[1] // 2, pad[0] // 2, pad[0] - pad[0] // 2))
        x = F.conv2d(x, weight, stride=stride, groups=x.shape[1] // weight.shape[1])
        named = (f"{norm}.{each}" for each in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *(state[each] for each in named), eps=1e-3)

    x = F.relu6(step((x - 127) / 128, "_conv_stem", "_bn0", 2))
    number, middle = 0, x
    for stage, (blocks, stride) in enumerate(STAGES):
        for block in range(blocks):
            name = f"_blocks.{number}."
            y = F.relu6(step(x, f"{name}_expand_conv", f"{name}_bn0")) if number else x
            y = F.relu6(step(y, f"{name}_depthwise_conv", f"{name}_bn1", 1 if block else stride))
            y = step(y, f"{name}_project_conv", f"{name}_bn2")
            x, number = (y + x if block else y), number + 1
        middle = x if stage == 4 else middle
    return middle, F.relu6(step(x, "_conv_head", "_bn1"))


@pytest.mark.parametrize("side", [SIDE, 97])
def test_folding_the_batch_norm_changes_nothing(side: int) -> None:
    state = made_up_weights()
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(1)) * 255
    found = Lite0(state).maps(images)
    for ours, theirs in zip(found, by_the_book(state, images), strict=True):
        assert ours.shape == theirs.shape
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


def test_weights_of_another_network_are_refused() -> None:
    state = made_up_weights()
    state["_conv_head.weight"] = state["_conv_head.weight"][:640]
    for name in ("weight", "bias", "running_mean", "running_var"):
        state[f"_bn1.{name}"] = state[f"_bn1.{name}"][:640]
    with pytest.raises(ValueError, match="not the weights of EfficientNet-lite0"):
        Lite0(state)
    with pytest.raises(KeyError):
        Lite0({})


def pictures(n: int) -> list[Pixels]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (20 + 7 * i, 150 - 9 * i, 3), dtype=np.uint8) for i in range(n)]


def test_both_blocks_weigh_the_same_and_a_picture_has_one_vector() -> None:
    network = Lite0(made_up_weights())
    encoder, some = Lite0Encoder(lambda: network), pictures(11)
    vectors = encoder.encode(some)
    assert vectors.shape == (11, encoder.dims) == (11, 1728)
    assert torch.isfinite(vectors).all()
    for block in (vectors[:, :1280], vectors[:, 1280:]):
        torch.testing.assert_close(block.norm(dim=1), torch.ones(11))
    alone = torch.cat([encoder.encode([each]) for each in some])
    torch.testing.assert_close(vectors, alone, rtol=1e-3, atol=1e-4)
    assert encoder.encode([]).shape == (0, 1728)


def test_all_of_a_picture_is_seen_and_what_shrinks_is_averaged() -> None:
    wide = np.zeros((100, 900, 3), np.uint8)
    wide[:, -100:] = 255
    seen = squared(wide, SIDE)
    assert seen.shape == (3, SIDE, SIDE)
    assert float(seen[:, :, -8:].min()) > 250
    assert float(seen[:, :, :90].max()) < 5
    stripes = np.zeros((1120, 1120, 3), np.uint8)
    stripes[:, ::2] = 255
    assert float((squared(stripes, SIDE)[:, 8:-8, 8:-8] - 127.5).abs().max()) < 5


@needs_weights
def test_the_published_weights_are_read_and_see() -> None:
    """A shape is nearer to the same shape elsewhere than to another one in its place."""
    encoder = Lite0Encoder(lite0)

    def drawn(shape: str, left: int) -> Pixels:
        y, x = np.mgrid[:SIDE, :SIDE] - np.array([56, left])[:, None, None]
        inside = np.hypot(x, y) < 25 if shape == "disc" else (abs(x) < 30) & (abs(y) < 8)
        return np.repeat(np.where(inside, 220, 40).astype(np.uint8)[..., None], 3, axis=2)

    disc, moved, bar = encoder.encode([drawn("disc", 50), drawn("disc", 62), drawn("bar", 50)])
    assert disc @ moved > disc @ bar
