"""Areas of an image: masks and polygons, as they are read, compared, trained on and predicted."""

from __future__ import annotations

import base64
import io
import json
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from label_studio_sdk.converter.brush import encode_rle
from PIL import Image

from backend.controls import masks, run_length, runs
from backend.controls.areas import MOST_CHARACTERS, UNSAID, AreaControl, characters
from backend.controls.joined import source_of
from backend.controls.masks import Bitmask, Brush
from backend.controls.polygons import Polygons
from backend.controls.regions import NOTHING
from backend.controls.runs import Bools
from backend.controls.specks import without_specks
from backend.controls.tags import read_tags
from backend.controls.votes import Vote

IMAGE = '<Image name="t" value="$image"/>'


def control_of(kind: type[AreaControl]) -> AreaControl:
    labels = '<Label value="car"/><Label value="dog"/>'
    tag_name = kind.tags[0]
    tags = read_tags(f'<View>{IMAGE}<{tag_name} name="c" toName="t">{labels}</{tag_name}></View>')
    tag = next(each for each in tags.controls if kind.takes(each))
    return kind.parse(tag, source_of(tag, [tags.objects["t"]], kind.sources))


BRUSH, BITMASK, POLYGONS = (control_of(kind) for kind in (Brush, Bitmask, Polygons))
each_control = pytest.mark.parametrize("control", [BRUSH, BITMASK, POLYGONS], ids=lambda each: each.kind)


def brushed(mask: Bools, *labels: str) -> dict[str, Any]:
    height, width = mask.shape
    value = {"format": "rle", "rle": run_length.encode(runs.runs_of(mask), height, width)}
    size = {"original_height": height, "original_width": width}
    return {"from_name": "c", "type": "brushlabels", **size, "value": {**value, "brushlabels": [*labels]}}


def disc(side: int, x: float, y: float, radius: float) -> Bools:
    """x, y and radius in parts of the side."""
    middle = (np.arange(side) + 0.5) / side
    return np.asarray((middle[None] - x) ** 2 + (middle[:, None] - y) ** 2 < radius**2)


def test_several_regions_of_a_label_are_one_area() -> None:
    one, other = disc(40, 0.3, 0.3, 0.2), disc(40, 0.6, 0.6, 0.3)
    both = BRUSH.read([brushed(one, "car"), brushed(other, "car"), brushed(other, "dog")])
    assert both == BRUSH.read([brushed(other, "dog"), brushed(one | other, "car")])
    assert BRUSH.in_words(str(both)) == ["1 car", "1 dog"]


def test_what_is_marked_with_a_label_that_is_gone_is_not_known() -> None:
    left = np.arange(40)[None].repeat(40, 0) < 20
    answer = BRUSH.read([brushed(left, "gone"), brushed(~left, "dog")])
    cells = BRUSH.cells(str(answer), 4)
    assert (cells == [[UNSAID, UNSAID, 2, 2]] * 4).all()
    assert BRUSH.in_words(str(answer)) == ["1 dog"]


def test_a_stroke_as_the_editor_writes_it_is_read() -> None:
    soft = (disc(20, 0.5, 0.5, 0.3) * 200).astype(np.uint8)
    soft[0, 0] = 100  # fades out
    region = brushed(soft > 0, "car")
    region["value"]["rle"] = encode_rle(soft.ravel().repeat(4))
    assert BRUSH.read([region]) == BRUSH.read([brushed(soft > 127, "car")])


@pytest.mark.parametrize(
    "size", [(0, 5), (5, None), ("5", 5), (True, 5), (5, 10**9), (10**12, 10**12), (5.0, 5)]
)
def test_a_mask_of_an_impossible_size_says_nothing(size: tuple[Any, Any]) -> None:
    region = brushed(np.ones((5, 5), bool), "car")
    region["original_height"], region["original_width"] = size
    assert BRUSH.read([region]) is None


def test_a_hostile_annotation_costs_little_memory() -> None:
    region = brushed(np.ones((5, 5), bool), "car")
    region["original_height"] = region["original_width"] = 32_767  # a thousand million pixels
    region["value"]["rle"] = [*(4 * 32_767**2).to_bytes(4, "big"), 57, 27, 252, *[255] * 9]
    tracemalloc.start()
    try:
        BRUSH.read([region] * 5000)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_a_code_that_would_take_long_to_read_says_nothing() -> None:
    region = brushed(np.random.default_rng(0).random((100, 200)) < 0.5, "car")
    few = masks.MOST_EFFORT // BRUSH.effort(region)  # type: ignore[attr-defined]
    assert BRUSH.read([region]) is not None
    assert BRUSH.read([region] * (few + 1)) is None


def test_many_large_bitmasks_say_nothing() -> None:
    huge = {"from_name": "c", "value": {"imageDataURL": large_bitmap(5000), "bitmasklabels": ["car"]}}
    assert BITMASK.read([huge]) == NOTHING
    assert BITMASK.read([huge] * 30) is None


def test_an_answer_has_a_bounded_size() -> None:
    noise = np.random.default_rng(0).random((120, 200)) < 0.5
    (found,) = masks.masks_in(str(BRUSH.read([brushed(noise, "car")])))
    assert len(found.runs) <= 2 * masks.MOST_RUNS


def large_bitmap(side: int) -> str:
    huge = io.BytesIO()
    Image.new("LA", (side, side)).save(huge, "PNG")
    return "data:image/png;base64," + base64.b64encode(huge.getvalue()).decode()


def bitmap(pixels: Any, mode: str) -> str:
    written = io.BytesIO()
    Image.fromarray(pixels, mode).save(written, "PNG")
    return "data:image/png;base64," + base64.b64encode(written.getvalue()).decode()


def test_a_bitmask_is_read_by_its_alpha() -> None:
    pixels = np.zeros((3, 4, 4), np.uint8)
    pixels[0, :, 3] = (0, 127, 128, 255)
    value = {"imageDataURL": bitmap(pixels, "RGBA"), "bitmasklabels": ["car"]}
    assert BITMASK.read([{"from_name": "c", "value": value}]) == '[["car", 3, 4, [2, 2]]]'


def bad_bitmaps() -> Iterator[Any]:
    yield from (
        "",
        "data:image/png;base64,",
        "data:image/png;base64,AAAA",
        "data:image/png;base64,ä",
        5,
        None,
    )
    yield bitmap(np.zeros((3, 4, 3), np.uint8), "RGB")
    whole = bitmap(np.zeros((30, 40, 4), np.uint8), "RGBA")
    yield whole[:-40]
    yield large_bitmap(6000)


@pytest.mark.parametrize("url", [*bad_bitmaps()])
def test_what_is_no_bitmask_says_nothing(url: Any) -> None:
    region = {"from_name": "c", "value": {"imageDataURL": url, "bitmasklabels": ["car"]}}
    assert BITMASK.read([region]) is None


def seen(*discs: tuple[int, float, float, float]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """What a model sees: of each disc its class, x, y and radius."""
    classes = np.zeros((320, 320), np.int64)
    for number, *where in discs:
        classes[disc(320, *where)] = number
    return classes


@each_control
@pytest.mark.parametrize("size", [(300, 400), (97, 61), (700, 1000)])
def test_what_a_model_sees_is_predicted_at_the_size_of_the_image(
    control: AreaControl, size: tuple[int, int]
) -> None:
    classes = seen((1, 0.3, 0.4, 0.15), (2, 0.7, 0.6, 0.2))
    drawn = control.drawn(classes, [0.0, 0.8, 0.9], size)
    assert drawn.confidences == [0.8, 0.9]
    regions = json.loads(json.dumps(control.regions_of(drawn.answer, drawn.confidences, "")))
    assert control.read(regions) == drawn.answer
    if control is not POLYGONS:
        assert all((each["original_height"], each["original_width"]) == size for each in regions)
    coarse = classes.reshape(20, 16, 20, 16)[:, 8, :, 8]
    assert (control.cells(drawn.answer, 20) == coarse).mean() > 0.98


@each_control
def test_specks_are_not_predicted_and_gaps_are_closed(control: AreaControl) -> None:
    classes = seen((1, 0.5, 0.5, 0.2), (0, 0.5, 0.5, 0.005), (1, 0.1, 0.1, 0.01), (2, 0.9, 0.9, 0.01))
    drawn = control.drawn(classes, [0.0, 0.8, 0.9], (320, 320))
    whole = control.drawn(seen((1, 0.5, 0.5, 0.2)), [0.0, 0.8, 0.9], (320, 320))
    assert drawn == whole
    assert control.labels_in(drawn.answer) == ["car"]


@each_control
@pytest.mark.parametrize("size", [(480, 640), (2000, 3000)])
def test_a_head_of_200_predictions_weighs_at_most_5_megabytes(
    control: AreaControl, size: tuple[int, int]
) -> None:
    generator = np.random.default_rng(0)
    places = generator.uniform(0.05, 0.95, (60, 2))
    classes = seen(*((1 + i % 2, x, y, 0.04) for i, (x, y) in enumerate(places)))
    drawn = control.drawn(classes, [0.0, 0.8, 0.9], size)
    regions = control.regions_of(drawn.answer, drawn.confidences, "")
    assert characters(regions) <= MOST_CHARACTERS
    envelope = {"task": 10**9, "model_version": "atlas-000001", "score": 0.123456789, "result": []}
    assert 200 * (MOST_CHARACTERS + len(json.dumps(envelope))) < 5e6


@each_control
def test_nothing_seen_is_nothing_predicted(control: AreaControl) -> None:
    assert control.drawn(seen(), [1.0, 0.0, 0.0], (30, 40)) == (NOTHING, [])
    assert (control.cells(NOTHING, 5) == 0).all()


def test_agreement_is_the_mean_of_the_labels() -> None:
    left = np.arange(40)[None].repeat(40, 0) < 20
    wide = np.arange(40)[None].repeat(40, 0) < 30
    one = BRUSH.read([brushed(left, "car"), brushed(~left, "dog")])
    other = BRUSH.read([brushed(wide, "car"), brushed(~left, "dog")])
    assert BRUSH.agreement(str(one), str(other)) == pytest.approx((2 / 3 + 1) / 2)
    assert BRUSH.agreement(str(one), NOTHING) == 0


def test_answers_about_other_sizes_of_a_picture_can_be_compared() -> None:
    small, large = (str(BRUSH.read([brushed(disc(side, 0.5, 0.5, 0.3), "car")])) for side in (256, 512))
    assert BRUSH.agreement(small, large) > 0.98
    assert BRUSH.score([small], [large])["mean_iou"] > 0.98


def test_a_score_is_of_all_pictures_together() -> None:
    left = np.arange(40)[None].repeat(40, 0) < 20
    half, whole = (str(BRUSH.read([brushed(each, "car")])) for each in (left, left | True))
    found = BRUSH.score([half, whole], [whole, whole])
    assert found == pytest.approx({"mean_iou": 0.75, "iou": 0.75})
    assert BRUSH.score([half, str(BRUSH.read([brushed(left, "dog")]))], [half, NOTHING])["mean_iou"] == 0.5


def test_several_annotators_settle_pixel_by_pixel() -> None:
    columns = np.arange(40)[None].repeat(40, 0)
    one, other, third = (str(BRUSH.read([brushed(columns < each, "car")])) for each in (20, 20, 30))
    two = BRUSH.settled([Vote("1", one), Vote("2", third)])
    assert BRUSH.cells(str(two), 4).tolist() == [[1, 1, UNSAID, 0]] * 4
    assert BRUSH.settled([Vote("1", one), Vote("2", other), Vote("3", third)]) == one
    apart = str(BRUSH.read([brushed(columns >= 30, "car")]))
    assert BRUSH.settled([Vote("1", one), Vote("2", apart)]) is None


def test_specks_are_less_than_a_thousandth() -> None:
    mask = np.zeros((100, 100), bool)
    mask[:3, :3] = True
    mask[50:52, 50:55] = True
    assert without_specks(mask).sum() == 10
