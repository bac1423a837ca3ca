"""Pictures with boxes drawn on them, encoded once and kept: the drawn scenes, or a folder of COCO."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from backend.demo.drawn_scenes import FIRST, SECOND, scenes
from backend.encoders.lite0_weights import lite0
from backend.encoders.maps import find_map_encoder
from backend.encoders.pictures import Lite0Encoder
from backend.encoders.squares import Pixels
from backend.learning.detector import Maps
from backend.learning.detector_training import Marked

SETTINGS = {"first": (FIRST, 1000), "second": (SECOND, 2000)}
POOL, TEST = 400, 150
Picture = tuple[Pixels, list[list[float]], list[int]]


@dataclass(frozen=True)
class Part:
    """vectors: float32 [N, D], of whole pictures."""

    maps: Maps
    marked: Marked
    vectors: Tensor

    def first(self, count: int) -> Part:
        some = torch.arange(min(count, len(self.maps)))
        return Part(self.maps.of(some), self.marked.of(some), self.vectors[some])


def kept(name: str, part: str, cache: Path) -> Part:
    """name: `first`, `second` or a folder of COCO. part: `train` or `test`."""
    file = cache / f"{Path(name).name}.{part}.pt"
    if not file.exists():
        cache.mkdir(parents=True, exist_ok=True)
        torch.save(_encoded(_pictures(name, part)), file)
    found = torch.load(file)
    encoder = find_map_encoder("lite0")
    opened = torch.cat([encoder.opened(rows).half() for rows in found["rows"].split(50)])
    marked = Marked(found["item"], found["boxes"], found["classes"], len(opened))
    return Part(Maps(opened, lambda rows: rows.float()), marked, found["vectors"].float())


def _encoded(pictures: Iterable[Picture]) -> dict[str, Tensor]:
    maps, whole = find_map_encoder("lite0"), Lite0Encoder(lite0)
    rows, vectors, boxes, classes, counts = [], [], [], [], []
    for pixels, places, kinds in pictures:
        rows.append(maps.encode([pixels]))
        vectors.append(whole.encode([pixels]).half())
        boxes.append(torch.tensor(places).float().view(-1, 4))
        classes += kinds
        counts.append(len(kinds))
    item = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    told = {"item": item, "boxes": torch.cat(boxes), "classes": torch.tensor(classes)}
    return {"rows": torch.cat(rows), "vectors": torch.cat(vectors), **told}


def _pictures(name: str, part: str) -> Iterator[Picture]:
    if name in SETTINGS:
        setting, seed = SETTINGS[name]
        for drawn in scenes(setting, POOL if part == "train" else TEST, seed + (part == "test")):
            yield drawn.pixels, drawn.boxes.tolist(), drawn.classes.tolist()
        return
    told = json.loads(Path(name, f"{part}.json").read_text())
    numbers = sorted(each["id"] for each in told["categories"])
    for image in told["images"]:
        own = [each for each in told["annotations"] if each["image_id"] == image["id"]]
        size = np.array([image["width"], image["height"]] * 2) / 100
        places = [(np.array(each["bbox"]) / size).tolist() for each in own]
        pixels = np.array(Image.open(Path(name, part, image["file_name"])).convert("RGB"))
        yield pixels, places, [numbers.index(each["category_id"]) for each in own]
