"""Images and what is marked in them, from a person's files: COCO's JSON, a Label Studio export, masks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image as Picture

from backend.controls.areas import Mask
from backend.controls.base import Answer
from backend.controls.boxes import FULL, Box, Boxes, boxes_in
from backend.controls.boxes import answer_of as boxes_answer
from backend.controls.masks import Bitmask, Brush, masks_in
from backend.controls.masks import answer_of as masks_answer
from backend.controls.options import Fixed
from backend.controls.polygons import Polygons, polygons_in
from backend.controls.regions import RegionControl
from backend.controls.runs import runs_of
from backend.controls.sources import Image
from backend.controls.votes import target_of
from backend.errors import AtlasError
from backend.labelled.addressed import NOT_HERE, file_at
from backend.labelled.decoding import decode_file
from backend.labelled.exported import regions_of, tasks_of
from backend.labelled.things import IMAGES, Things

CLASSES = "classes.txt"
"""In a folder of masks, the names of the numbers in them, one a line."""
BACKGROUND = ("background", "unlabelled", "void")
"""Names, in lower case, of what is no class."""
EXPORTED: dict[str, type[Boxes | Brush | Bitmask | Polygons]] = {
    "rectanglelabels": Boxes,
    "brushlabels": Brush,
    "bitmasklabels": Bitmask,
    "polygonlabels": Polygons,
}
"""By the type of an export's regions."""


class MarkedImage(NamedTuple):
    """file: on this machine."""

    file: str
    answer: Answer


@dataclass(frozen=True)
class MarkedImages:
    """control: whose answers these are; source: what they were read as; dropped: how many were left out, by
    the reason."""

    rows: list[MarkedImage]
    control: RegionControl
    source: str
    dropped: dict[str, int] = field(default_factory=dict)
    things: ClassVar[Things] = IMAGES

    @property
    def parts(self) -> str:
        return "boxes" if isinstance(self.control, Boxes) else "areas"

    @property
    def marked(self) -> Iterator[list[str]]:
        """Of each image, the labels of its parts."""
        return (_labels_in(self.control, row.answer) for row in self.rows)

    @property
    def labels(self) -> tuple[str, ...]:
        return self.control.classes


def _labels_in(control: RegionControl, answer: Answer) -> list[str]:
    if isinstance(control, Boxes):
        labels = [each.label for each in boxes_in(answer)]
    elif isinstance(control, Polygons):
        labels = [each.label for each in polygons_in(answer)]
    else:
        labels = [each.label for each in masks_in(answer)]
    return [label for label in labels if label]


def load_marked_images(
    path: Path, image_folder: Path | None = None, control: str | None = None
) -> MarkedImages | None:
    """None for what holds no images with parts. Raises AtlasError, naming the file and what to do, for one
    that cannot be used, or in which fewer than two images have parts."""
    try:
        if path.is_dir():
            return _of_masks(path) if (path / CLASSES).is_file() else None
        if not path.name.removesuffix(".gz").endswith(".json"):
            return None
        try:
            given = json.loads(decode_file(path).text)
        except (ValueError, RecursionError):
            return None
        folders = [folder for folder in (image_folder, path.parent) if folder is not None]
        if isinstance(given, dict):
            is_coco = all(isinstance(given.get(key), list) for key in ("images", "annotations", "categories"))
            stem = path.name.split(".")[0]
            return _of_coco(given, [*folders, path.parent / stem]) if is_coco else None
        return _of_export(given, folders, control) if isinstance(given, list) else None
    except AtlasError as error:
        raise AtlasError(f"{path}: {error}") from error


def _of_coco(given: dict[str, Any], folders: Sequence[Path]) -> MarkedImages:
    try:
        names = {each["id"]: str(each["name"]) for each in given["categories"]}
        boxes: dict[Any, list[Box]] = {each["id"]: [] for each in given["images"]}
        size = {each["id"]: (float(each["width"]), float(each["height"])) for each in given["images"]}
        for each in given["annotations"]:
            (x, y, width, height), (across, down) = each["bbox"], size[each["image_id"]]
            place = (FULL * x / across, FULL * y / down, FULL * width / across, FULL * height / down)
            boxes[each["image_id"]].append(Box(*place, names[each["category_id"]]))
        files = {each["id"]: str(each["file_name"]) for each in given["images"]}
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise AtlasError(f"it looks like COCO's JSON, but lacks what that holds: {error!r}") from error
    control = _control(Boxes, "RectangleLabels", tuple(dict.fromkeys(names.values())))
    rows = [(files[image], boxes_answer(found)) for image, found in boxes.items()]
    return _with_files(rows, control, "COCO's JSON, its boxes", folders)


def _of_export(values: list[Any], folders: Sequence[Path], name: str | None) -> MarkedImages | None:
    """None where the control that is asked for, or any, is answered by something else than parts."""
    tasks = tasks_of(values)
    named = [each for each in regions_of(tasks) if name in (None, each.get("from_name"))]
    regions = [each for each in named if "value" in each]
    kinds = {str(each.get("type")) for each in regions}
    if len(kinds) != 1 or (kind := kinds.pop()) not in EXPORTED:
        return None
    asked = name or str(regions[0].get("from_name"))
    given = (each["value"].get(kind) for each in regions)
    labels = {str(label) for each in given if isinstance(each, list) for label in each}
    fields = [key for key, value in tasks[0]["data"].items() if isinstance(value, str)]
    source = "image" if "image" in fields else next(iter(fields), "image")
    control = _control(EXPORTED[kind], kind, tuple(sorted(labels)), asked, source)
    rows = []
    for task in tasks:
        answer = target_of(task["annotations"], control, "")
        if answer is not None:
            rows.append((control.source.content(task["data"]), answer))
    return _with_files(rows, control, f"Label Studio's export, control {asked}", folders)


def _of_masks(folder: Path) -> MarkedImages:
    names = [line.strip() for line in decode_file(folder / CLASSES).text.splitlines() if line.strip()]
    known = tuple(name for name in names if name.lower() not in BACKGROUND)
    control = _control(Brush, "BrushLabels", known)
    rows, dropped = [], 0
    for file in sorted(folder.rglob("*.png")):
        picture = next((each for end in (".jpg", ".jpeg") if (each := file.with_suffix(end)).is_file()), None)
        if picture is None:
            dropped += 1
            continue
        numbers = _numbers_in(file)
        masks = [
            Mask(name, (numbers.shape[0], numbers.shape[1]), runs_of(numbers == number))
            for number, name in enumerate(names)
            if name in known and (numbers == number).any()
        ]
        rows.append(MarkedImage(str(picture), masks_answer(masks)))
    left_out = {"that have a mask and no .jpg beside it": dropped} if dropped else {}
    return _enough(MarkedImages(rows, control, f"masks of the numbers in {CLASSES}", left_out))


def _numbers_in(file: Path) -> npt.NDArray[Any]:
    """Of a mask, [height, width]. Raises AtlasError."""
    try:
        with Picture.open(file) as opened:
            numbers = np.array(opened)
    except (OSError, ValueError, Picture.DecompressionBombError) as error:
        raise AtlasError(f"{file.name} cannot be read as a picture: mend it, or take it away") from error
    if numbers.ndim != 2:
        raise AtlasError(f"{file.name} is no mask: it must have one channel, with a class's number each")
    return numbers


def _with_files(
    rows: Sequence[tuple[str, Answer]], control: RegionControl, source: str, folders: Sequence[Path]
) -> MarkedImages:
    found = [(file_at(address, folders), answer) for address, answer in rows]
    there = [MarkedImage(file, answer) for file, answer in found if file is not None]
    if rows and not there:
        places = " nor ".join(dict.fromkeys(str(folder) for folder in folders))
        raise AtlasError(
            f"it names images, such as {rows[0][0][:100]!r}, but no such file is in {places}: put the images "
            "there, or name their folder with --image-folder"
        )
    lacking = len(rows) - len(there)
    return _enough(MarkedImages(there, control, source, {NOT_HERE: lacking} if lacking else {}))


def _enough(images: MarkedImages) -> MarkedImages:
    marked = sum(bool(images.control.labels_in(row.answer)) for row in images.rows)
    if marked < 2:
        raise AtlasError(f"parts of two images at least are needed; it has {marked} ({images.source})")
    return images


def _control(
    kind: type[Boxes | Brush | Bitmask | Polygons],
    tag: str,
    labels: tuple[str, ...],
    name: str = "label",
    source: str = "image",
) -> RegionControl:
    return kind(
        from_name=name,
        to_name="image",
        source=Image(source),
        tag=tag,
        options=Fixed(tuple((label,) for label in labels)),
        classes=labels,
    )
