"""An image is read as an annotator sees it, or refused with a reason and without being decoded."""

from __future__ import annotations

import io
import random
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFile

from backend.content.pictures import KEPT_SIDE, decoded, thumbnail
from backend.errors import NoContent

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def saved(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def halves(size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Red on the left, blue on the right."""
    image = Image.new("RGB", size, RED)
    image.paste(BLUE, (size[0] // 2, 0, *size))
    return image


def colours(content: bytes) -> list[tuple[int, ...]]:
    """At the left and at the right."""
    pixels = decoded(content).pixels
    middle = pixels.shape[0] // 2
    return [tuple(map(int, pixels[middle, column])) for column in (2, -3)]


def is_near(found: list[tuple[int, ...]], wanted: list[tuple[int, int, int]]) -> bool:
    return bool(np.abs(np.array(found) - np.array(wanted)).max() < 30)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_what_browsers_show_is_read(kind: str) -> None:
    picture = decoded(saved(halves(), kind))
    assert (picture.width, picture.height, picture.pixels.shape) == (40, 20, (20, 40, 3))
    assert is_near(colours(saved(halves(), kind)), [RED, BLUE])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_exif_orientation_turns_it_as_the_editor_does(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decoded(saved(halves((400, 300)), "JPEG", exif=exif))
    turned = orientation >= 5
    assert (picture.width, picture.height) == ((300, 400) if turned else (400, 300))
    pixels = picture.pixels
    reds = {
        *(("left", 1), ("left", 4), ("right", 2), ("right", 3)),
        *(("top", 5), ("top", 6), ("bottom", 7), ("bottom", 8)),
    }
    at = {"left": pixels[150, 5], "right": pixels[150, -5], "top": pixels[5, 150], "bottom": pixels[-5, 150]}
    red = {side for side in (("top", "bottom") if turned else ("left", "right")) if at[side][0] > 200}
    assert {(side, orientation) for side in red} == {each for each in reds if each[1] == orientation}


def test_a_large_turned_jpeg_tells_its_own_size() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = decoded(saved(halves((4000, 3000)), "JPEG", exif=exif))
    assert (picture.width, picture.height, max(picture.pixels.shape)) == (3000, 4000, KEPT_SIDE)


def test_cmyk() -> None:
    assert is_near(colours(saved(halves().convert("CMYK"), "JPEG")), [RED, BLUE])
    assert is_near(colours(saved(halves().convert("CMYK"), "TIFF")), [RED, BLUE])


def test_a_palette_with_and_without_transparency() -> None:
    palette = halves().convert("P", palette=Image.Palette.ADAPTIVE)
    assert is_near(colours(saved(palette)), [RED, BLUE])
    blue = palette.getpixel((39, 0))
    assert is_near(colours(saved(palette, transparency=blue)), [RED, WHITE])
    assert is_near(colours(saved(palette, "GIF", transparency=blue)), [RED, WHITE])


def test_what_is_transparent_is_white() -> None:
    image = halves().convert("RGBA")
    image.paste((0, 0, 0, 0), (20, 0, 40, 20))
    assert is_near(colours(saved(image)), [RED, WHITE])
    grey = Image.new("LA", (40, 20), (0, 0))
    assert is_near(colours(saved(grey)), [WHITE, WHITE])


def test_sixteen_bits_keep_their_tones() -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[None].repeat(8, 0)
    pixels = decoded(saved(Image.fromarray(ramp))).pixels[..., 0].astype(int)
    assert np.abs(pixels - ramp / 257).max() <= 1
    for values in (ramp.astype(np.int32) * 30_000, ramp.astype(np.float32) / 65535):
        found = decoded(saved(Image.fromarray(values), "TIFF")).pixels[4, :, 0].astype(int)
        assert np.abs(found - np.linspace(0, 255, 64)).max() <= 2


def test_one_bit_and_a_single_pixel() -> None:
    assert decoded(saved(Image.new("1", (1, 1), 1))).pixels.tolist() == [[[255, 255, 255]]]


def test_the_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (40, 20), colour) for colour in (GREEN, RED, BLUE)]
    for kind in ("GIF", "WEBP", "PNG", "TIFF"):
        content = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        assert is_near(colours(content), [GREEN, GREEN])


def test_a_long_strip_keeps_its_shape() -> None:
    picture = decoded(saved(Image.new("RGB", (20_000, 2))))
    assert (picture.width, picture.height, picture.pixels.shape) == (20_000, 2, (1, KEPT_SIDE, 3))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"])
def test_a_file_that_is_cut_off(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = saved(Image.fromarray(noise), kind)
    with pytest.raises(NoContent, match=r"cut off|damaged|no image"):
        decoded(whole[: len(whole) // 2])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- by hand -->\n<svg width="9">', "SVG"),
        (b"\n<!DOCTYPE html><html>", "web page"),
        (b"%PDF-1.7", "PDF"),
        (b'{"detail": "not found"}', "error message"),
        (b"hello", "no image of a kind that is read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image of a kind that is read"),
    ],
)
def test_what_is_no_image_says_so(content: bytes, reason: str) -> None:
    with pytest.raises(NoContent, match=reason):
        decoded(content)


def bomb(side: int) -> bytes:
    """A PNG of side x side pixels, all black, that a decoder would really unpack: 3 bytes each."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)  # does not look back
    body = head + piece * (side * (3 * side + 1) // 2**20 + 1)
    size = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_a_decompression_bomb_is_refused_without_being_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    small = bomb(1000)
    assert decoded(small).pixels.max() == 0  # it is one

    def load(self: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    large = bomb(50_000)
    assert 5_000_000 < len(large) < 12_000_000
    for content in (large, bomb(10_001)):
        with pytest.raises(NoContent, match="more than 100 million pixels are not decoded"):
            decoded(content)


def test_a_jpeg_of_endless_scans_is_refused() -> None:
    whole = saved(halves(), "JPEG", progressive=True)
    with pytest.raises(NoContent, match="more than 200 scans"):
        decoded(whole[:-2] + b"\xff\xda" * 300 + whole[-2:])
    assert is_near(colours(whole), [RED, BLUE])


@given(st.randoms(use_true_random=False), st.sampled_from(["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF"]))
def test_a_damaged_file_is_an_image_or_has_a_reason(rng: random.Random, kind: str) -> None:
    content = bytearray(saved(halves((30, 20)), kind))
    for _ in range(rng.randrange(1, 12)):
        content[rng.randrange(len(content))] = rng.randrange(256)
    with suppress(NoContent):
        pixels = decoded(bytes(content)).pixels
        assert (pixels.dtype, pixels.ndim, pixels.shape[2]) == (np.uint8, 3, 3)


@pytest.mark.parametrize("size", [(3000, 2000), (10, 10), (5000, 3)])
@pytest.mark.parametrize("noisy", [True, False])
def test_a_thumbnail_is_small(size: tuple[int, int], noisy: bool) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    picture = decoded(saved(Image.fromarray(noise) if noisy else halves(size), "BMP"))
    small = thumbnail(picture)
    with Image.open(io.BytesIO(small)) as image:
        assert image.format == "JPEG"
        assert max(image.size) <= 96
        shape = (image.width / image.height) / (size[0] / size[1])
    assert len(small) <= 5000
    assert 0.9 < shape < 1.1 or size[1] == 3
