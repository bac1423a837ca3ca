"""Image encoders by name: ours, and models of a hub or in a folder."""

from __future__ import annotations

import logging
from pathlib import Path

import torch

from backend.encoders.hub import HubName, is_hub_or_path
from backend.encoders.image_folder import CONFIG, FolderEncoder, digest
from backend.encoders.lite0_weights import WEIGHTS, lite0
from backend.encoders.pictures import ImageEncoder, Lite0Encoder
from backend.encoders.registry import in_file, name_in

logger = logging.getLogger(__name__)

NAMES = ("lite0",)


def find_image_encoder(name: str) -> ImageEncoder:
    """By its own name, a hub's, or a path. Raises ValueError, saying what to do, for one that is unknown or
    not at hand. Its weights are read when they are needed."""
    if is_hub_or_path(name):
        if (problem := missing_for_images(name)) is not None:
            raise ValueError(problem)
        folder, known_by = _found(name)
        return FolderEncoder(folder, in_file(known_by))
    if name not in NAMES:
        raise ValueError(_unknown(name))
    return Lite0Encoder(lite0)


def kept_image_encoder(name: str) -> ImageEncoder:
    """The one whose `name` this is. Raises ValueError where there is none."""
    encoder = find_image_encoder(name_in(name.split("-")[0]).partition("#")[0])
    if encoder.name != name:
        raise ValueError(f"it is {encoder.name} here")
    return encoder


def missing_for_images(name: str) -> str | None:
    """Why it cannot be used, with what to do; None where it can. Reads no weights."""
    if not is_hub_or_path(name):
        return WEIGHTS.missing() if name in NAMES else _unknown(name)
    if _is_path(name):
        found = Path(name).expanduser()
        return None if (found / CONFIG).is_file() else f"there is no {found / CONFIG}"
    try:
        if HubName.parse(name).commit is None:
            return f"it was not fetched yet: label-studio-atlas encoder fetch {name}"
    except ValueError as error:
        return str(error)
    return None


def preload(name: str) -> None:
    """Load its weights for all processes that are forked from this one, as `registry.preload` does."""
    if name in NAMES:
        return  # 17 MB, for projects of images alone
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        find_image_encoder(name).load()
    except ValueError as error:  # it is told again, by each job that needs it
        logger.warning("%s", error)
    finally:
        torch.set_num_threads(threads)


def _found(name: str) -> tuple[Path, str]:
    """The folder, and a name that tells its content from any other: with the commit, or with a digest."""
    if _is_path(name):
        folder = Path(name).expanduser()
        return folder, f"{name}#{digest(folder)[:16]}"
    known = HubName.parse(name)
    assert known.commit is not None, "missing_for_images was asked"
    return known.snapshot(known.commit), f"{known.name}@{known.commit}"


def _is_path(name: str) -> bool:
    return name.startswith(("/", "~"))


def _unknown(name: str) -> str:
    return (
        f"unknown image encoder {name!r}; choose one of: {', '.join(NAMES)}; or name a model of a hub, such "
        "as facebook/dinov2-small, or a folder"
    )
