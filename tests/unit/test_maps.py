"""Feature maps of pictures: where they lie, what is kept of them, and what that costs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.encoders.lite0_weights import lite0
from backend.encoders.maps import BOXES, MASKS, Lite0Maps, MapEncoder, find_map_encoder
from backend.encoders.squares import Pixels, squared
from tests.drawn import drawn


def picture(seed: int = 0, side: int = 200) -> Pixels:
    return np.array(drawn("disc", seed, side), np.uint8)


@pytest.fixture(scope="module")
def boxes() -> MapEncoder:
    return find_map_encoder("lite0", BOXES)


def test_maps_for_boxes_have_592_numbers_on_20_by_20_cells(boxes: MapEncoder) -> None:
    maps = boxes.opened(boxes.encode([picture()]))
    assert maps.shape == (1, 592, 20, 20) == (1, boxes.channels, boxes.grid, boxes.grid)
    assert maps.isfinite().all()


def test_maps_for_masks_have_496_numbers_on_80_by_80_cells() -> None:
    masks = find_map_encoder("lite0", MASKS)
    assert masks.opened(masks.encode([picture()])).shape == (1, 496, 80, 80)
    assert (masks.channels, masks.grid) == (496, 80)


def test_ten_thousand_pictures_take_less_than_two_gigabytes(boxes: MapEncoder) -> None:
    kept = boxes.encode([picture()])
    assert kept.dtype == torch.uint8
    assert kept.shape == (1, boxes.row_bytes)
    assert 10_000 * boxes.row_bytes < 2e9


def test_what_is_kept_is_the_networks_own_to_a_hundredth_of_a_channels_spread(boxes: MapEncoder) -> None:
    image = squared(picture(), 320)[None]
    _, middle, _ = lite0().pyramid(image, BOXES)
    opened = boxes.opened(boxes.encode([picture()]))[:, 160 : 160 + 112]
    spread = middle.amax((2, 3)) - middle.amin((2, 3))
    assert ((opened - middle).abs().amax((2, 3)) <= spread / 100 + 1e-3).all()


def test_the_middle_level_is_that_of_the_vectors() -> None:
    image = squared(picture(), 320)[None]
    assert torch.equal(lite0().pyramid(image, BOXES)[1], lite0().maps(image).middle)


@pytest.mark.parametrize(("width", "height"), [(400, 200), (200, 400), (320, 320)])
def test_a_percent_of_the_picture_is_a_percent_of_the_map(boxes: MapEncoder, width: int, height: int) -> None:
    plain = np.full((height, width, 3), 90, np.uint8)
    marked = plain.copy()
    x, y = 0.75, 0.25  # of a square's middle
    rows, columns = (
        slice(int((at - 0.06) * of), int((at + 0.06) * of)) for at, of in ((y, height), (x, width))
    )
    marked[rows, columns] = (250, 30, 30)
    maps = boxes.opened(boxes.encode([plain, marked]))
    differs = (maps[1] - maps[0])[160:272].abs().sum(0)
    weight = differs * (differs > differs.max() / 2)
    cells = (torch.arange(20) + 0.5) / 20
    assert float((weight.sum(0) * cells).sum() / weight.sum()) == pytest.approx(x, abs=0.05)
    assert float((weight.sum(1) * cells).sum() / weight.sum()) == pytest.approx(y, abs=0.05)


def test_a_pictures_row_does_not_depend_on_those_beside_it(boxes: MapEncoder) -> None:
    pictures = [picture(seed, 150 + 10 * seed) for seed in range(5)]
    together = boxes.opened(boxes.encode(pictures))
    alone = torch.cat([boxes.opened(boxes.encode([each])) for each in pictures])
    assert (together - alone).abs().max() < 0.02 * alone.abs().max()


def test_one_colour_and_no_picture_at_all_are_encoded(boxes: MapEncoder) -> None:
    assert boxes.opened(boxes.encode([np.zeros((1, 1, 3), np.uint8)])).isfinite().all()
    assert boxes.opened(boxes.encode([])).shape == (0, 592, 20, 20)


def test_an_unknown_encoder_is_refused_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="choose one of: lite0"):
        find_map_encoder("resnet50")


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="must rise"):
        Lite0Maps(lite0, (16, 8), 8)
    with pytest.raises(ValueError, match="no multiple"):
        Lite0Maps(lite0, (8, 32), 8, side=300)


def test_some_points_are_read_as_of_the_whole_maps() -> None:
    masks = find_map_encoder("lite0", MASKS)
    rows = masks.encode([picture(0), picture(1)])
    cells = torch.tensor([[3, 5], [79, 0], [40, 41]])  # x, y
    found = masks.at(rows, ((cells + 0.5) / 80).expand(2, -1, -1))
    assert found.shape == (2, 3, 496)
    whole = masks.opened(rows)[:, :, cells[:, 1], cells[:, 0]].transpose(1, 2)
    assert torch.allclose(found, whole, atol=1e-3)


def test_folded_maps_are_not_read_at_points(boxes: MapEncoder) -> None:
    with pytest.raises(ValueError, match="as a whole"):
        boxes.at(boxes.encode([picture()]), torch.zeros(1, 1, 2))
