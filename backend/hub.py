"""Fetch a model from a hub: its safetensors and what describes it, each file checked. Never within a job."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import httpx

from backend.encoders.hub import HubName
from backend.errors import AtlasError

ENDPOINT = "https://huggingface.co"
_WANTED = re.compile(r"(\d_[A-Za-z]+/)?([\w.-]+\.(json|txt|model)|model(-\d+-of-\d+)?\.safetensors)")
"""Not other formats of the weights, pickles among them, and no programs."""
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class RemoteFile:
    """sha256: of a large file; git: of a small one, as git names its content."""

    name: str
    size: int
    sha256: str | None
    git: str | None


def fetch(name: HubName, tell: Callable[[str], object] = lambda line: None) -> Path:
    """The folder of the model's files, at the commit that the revision is now. What is there is not fetched
    again. tell: is given a line for each file.

    Raises AtlasError, with what to do.
    """
    endpoint = (os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
    token = os.environ.get("HF_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(base_url=endpoint, headers=headers, follow_redirects=True, timeout=60) as client:
            commit, files = _listed(client, name)
            for file in files:
                target = name.snapshot(commit) / file.name
                if not target.is_file() or target.stat().st_size != file.size:
                    tell(f"{file.name}, {file.size / 2**20:.1f} MB")
                    _download(client, f"/{name.name}/resolve/{commit}/{file.name}", file, target)
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise AtlasError(
            f"{endpoint} answers {status} for {name.name}, revision {name.revision}: correct the name, or, "
            "of a model that is not public, set HF_TOKEN"
        ) from error
    except (httpx.HTTPError, OSError) as error:
        raise AtlasError(f"{name.name} cannot be fetched from {endpoint}: {error}; try again") from error
    ref = name.folder / "refs" / name.revision
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_text(commit)
    return name.snapshot(commit)


def _listed(client: httpx.Client, name: HubName) -> tuple[str, list[RemoteFile]]:
    """The commit, and those of its files that are wanted."""
    answer = client.get(f"/api/models/{name.name}/revision/{name.revision}", params={"blobs": "true"})
    answer.raise_for_status()
    try:
        told = answer.json()
        commit, files = told["sha"], [_remote(each) for each in told["siblings"]]
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise AtlasError(f"{client.base_url} does not answer as a model hub does: {error}") from error
    if not isinstance(commit, str) or not _COMMIT.fullmatch(commit):
        raise AtlasError(f"{client.base_url} names no commit of {name.name}")
    wanted = [file for file in files if _WANTED.fullmatch(file.name)]
    if not any(file.name.endswith(".safetensors") for file in wanted):
        raise AtlasError(
            f"{name.name} has no model.safetensors, and weights of another form are not read: they may be "
            "programs; choose another model, or a revision that has them"
        )
    return commit, wanted


def _remote(told: dict[str, Any]) -> RemoteFile:
    lfs = told.get("lfs") or {}
    return RemoteFile(str(told["rfilename"]), int(told["size"]), lfs.get("sha256"), told.get("blobId"))


def _download(client: httpx.Client, address: str, file: RemoteFile, target: Path) -> None:
    """Put in its place when it is whole, and what the hub's list says it is."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(dir=target.parent, prefix=".fetching-")
    try:
        with open(handle, "wb") as out, client.stream("GET", address) as answer:
            answer.raise_for_status()
            if not _is_written(answer, file, out):
                raise AtlasError(f"{file.name} came as another file than the hub says; try again")
        os.chmod(part, 0o644)
        os.replace(part, target)
    finally:
        Path(part).unlink(missing_ok=True)


def _is_written(answer: httpx.Response, file: RemoteFile, out: BinaryIO) -> bool:
    """Whether it is the file that was listed. No more of it is taken than was told."""
    sha256, git, size = hashlib.sha256(), hashlib.sha1(b"blob %d\0" % file.size), 0
    for piece in answer.iter_bytes(2**20):
        size += len(piece)
        if size > file.size:
            return False
        sha256.update(piece)
        git.update(piece)
        out.write(piece)
    return sha256.hexdigest() == file.sha256 if file.sha256 else git.hexdigest() == file.git
