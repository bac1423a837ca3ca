"""Bytes to pixels, as an annotator sees them, within bounds; and a small picture of each to keep.

Formats that browsers show, and TIFF. What cannot be read says why, in words.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from backend.errors import NoContent

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "DIB", "WEBP", "TIFF", "AVIF")
MAX_PIXELS = 100_000_000
"""Of a whole image, before it is made smaller: 300 MB of memory."""
MAX_SCANS = 200
"""Of a progressive JPEG, each of which goes over all of the image; cameras and programs write about ten."""
KEPT_SIDE = 512
"""Pixels of the longer side of what is handed on."""
THUMBNAIL_SIDE, THUMBNAIL_BYTES = 96, 5_000
_QUALITIES = ((96, 80), (96, 60), (96, 40), (96, 25), (64, 40), (64, 20), (32, 20))
"""Sides and JPEG qualities of a thumbnail: the first that is small enough."""
_NO_IMAGES = {
    rb"(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype svg[^>]*>\s*)?<svg[\s>/]": (
        "it is an SVG drawing, which has no pixels: import it as PNG"
    ),
    rb"(<!doctype html|<html|<head|<body)": "it is a web page, not an image",
    rb"<\?xml": "it is an XML file, not an image",
    rb"%PDF-": "it is a PDF file, not an image",
    rb"[\[{]": "it is text, perhaps an error message, not an image",
}
Image.init()  # some formats are known only then
Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # it warns of more, and refuses twice as many
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Picture:
    """pixels: uint8 [h, w, 3], red, green and blue, at most KEPT_SIDE a side; width and height: of the whole
    image as the editor shows it, turned by its EXIF orientation."""

    pixels: NDArray[np.uint8]
    width: int
    height: int


def decoded(content: bytes) -> Picture:
    """The first frame of an image, upright, on white where it is transparent. Raises NoContent."""
    _refuse_what_is_no_image(content)
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            _refuse_too_many_pixels(*image.size)
            return _read(image)
    except NoContent:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoContent(_too_many_pixels()) from error
    except UnidentifiedImageError as error:
        raise NoContent("it is no image of a kind that is read: JPEG, PNG, GIF, BMP, WebP, TIFF") from error
    except Exception as error:  # a damaged file may make the decoders raise anything
        reason = "it is cut off" if "truncated" in str(error) else f"it is damaged ({_short(error)})"
        raise NoContent(reason) from error


def thumbnail(picture: Picture) -> bytes:
    """A JPEG of at most THUMBNAIL_SIDE pixels a side and THUMBNAIL_BYTES bytes."""
    whole = Image.fromarray(picture.pixels)
    for side, quality in _QUALITIES:
        small = whole.resize(_within(*whole.size, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
        file = io.BytesIO()
        small.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= THUMBNAIL_BYTES:
            break
    return file.getvalue()


def _read(image: Image.Image) -> Picture:
    width, height = image.size
    image.draft(None, (KEPT_SIDE, KEPT_SIDE))  # of a JPEG, fewer pixels are decoded in the first place
    image.load()
    turned = _upright(image)
    if turned.width != turned.height and (turned.width > turned.height) != (width > height):
        width, height = height, width
    small = _rgb(turned)
    size = _within(*small.size, KEPT_SIDE)
    if size != small.size:
        small = small.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    return Picture(np.array(small, np.uint8), width, height)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # damaged EXIF: a browser shows the image as it is, too
        return image


def _rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image).convert("RGB")
    return image.convert("RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """Of 16 bits the upper eight, as browsers do; other numbers from their lowest to their highest."""
    values = np.asarray(image).astype(np.float64)
    if image.mode.startswith("I"):
        low, high = (
            0.0,
            65535.0 if values.size and 0 <= values.min() <= values.max() <= 65535 else values.max(),
        )
    else:
        values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
    scaled = (values - low) / max(high - low, 1e-12) * 255
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8))


def _within(width: int, height: int, side: int) -> tuple[int, int]:
    shrink = min(1.0, side / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def _refuse_what_is_no_image(content: bytes) -> None:
    if not content:
        raise NoContent("the file is empty")
    head = content[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    for pattern, reason in _NO_IMAGES.items():
        if re.match(pattern, head, re.IGNORECASE | re.DOTALL):
            raise NoContent(reason)
    if content[:2] == b"\xff\xd8" and content.count(b"\xff\xda") > MAX_SCANS:
        raise NoContent(f"it is a JPEG of more than {MAX_SCANS} scans, which would take too long to decode")


def _refuse_too_many_pixels(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise NoContent(f"it has {width} x {height} pixels; {_too_many_pixels()}")


def _too_many_pixels() -> str:
    return f"more than {MAX_PIXELS // 1_000_000} million pixels are not decoded"


def _short(error: Exception) -> str:
    return (str(error) or type(error).__name__)[:100]
