"""Encoders from a model hub, or a folder of such a form: sentence-transformers' and transformers' models.

They are looked for where the hub's own tools keep them (HF_HOME), and never fetched here. Weights are read
from safetensors alone, and no code that comes with a model is run.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from backend.encoders.base import Encoder
from backend.encoders.packaged import TOKENIZERS
from backend.encoders.weights import NoWeights

_PART = r"[A-Za-z0-9][\w.-]*"
_HUB_NAME = re.compile(rf"(?P<name>{_PART}/{_PART})(?:@(?P<revision>{_PART}))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
MAIN = "main"


def is_hub_or_path(name: str) -> bool:
    """Whether a name is a model's on the hub, or a folder's, by its form."""
    return "/" in name


@dataclass(frozen=True)
class HubName:
    """`organisation/model@revision`; revision: a commit, branch or tag."""

    name: str
    revision: str

    @classmethod
    def parse(cls, text: str) -> HubName:
        """Raises ValueError where it is no such name."""
        match = _HUB_NAME.fullmatch(text)
        if match is None or ".." in text:
            raise ValueError(
                f"{text!r} is neither a folder's full path nor a model's name on a hub, such as "
                "sentence-transformers/all-MiniLM-L12-v2 or, of one revision, NAME@COMMIT"
            )
        return cls(match["name"], match["revision"] or MAIN)

    @property
    def folder(self) -> Path:
        """All that is kept of the model."""
        return hub_folder() / f"models--{self.name.replace('/', '--')}"

    def snapshot(self, commit: str) -> Path:
        return self.folder / "snapshots" / commit

    @property
    def commit(self) -> str | None:
        """The one that was fetched of this revision; None where none was."""
        if _COMMIT.fullmatch(self.revision):
            return self.revision if self.snapshot(self.revision).is_dir() else None
        try:
            commit = (self.folder / "refs" / self.revision).read_text().strip()
        except OSError:
            return None
        return commit if _COMMIT.fullmatch(commit) and self.snapshot(commit).is_dir() else None


def hub_folder() -> Path:
    """Where models of the hub are kept: as its own tools have it, by the same variables."""
    home = os.environ.get("HF_HOME") or "~/.cache/huggingface"
    return Path(os.environ.get("HF_HUB_CACHE") or Path(home) / "hub").expanduser()


@dataclass(frozen=True)
class Hub:
    """name: as people give it, a hub's or a path."""

    name: str

    def missing(self) -> str | None:
        """Why it cannot be used, with what to do; None where it can. Reads no weights."""
        if find_spec("tokenizers") is None:
            return TOKENIZERS
        if self._is_path:
            found = Path(self.name).expanduser()
            return None if (found / "config.json").is_file() else f"there is no {found / 'config.json'}"
        try:
            if HubName.parse(self.name).commit is None:
                return f"it was not fetched yet: label-studio-atlas encoder fetch {self.name}"
        except ValueError as error:
            return str(error)
        return None

    def fit(self, texts: Sequence[str], *, seed: int = 0) -> Encoder:
        """The encoder as it is. Raises NoWeights, or ValueError where such a model cannot be read."""
        if (problem := self.missing()) is not None:
            raise NoWeights(problem)
        return self._loaded(None)

    def restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> Encoder:
        """Raises KeyError or ValueError where it was another one than what is at hand."""
        encoder = self._loaded(arrays["revision"].tobytes().decode() or None)
        if not np.array_equal(arrays["digest"], encoder.arrays()["digest"]):
            raise ValueError(f"{self.name} has other files than when it was used")
        return encoder

    @property
    def _is_path(self) -> bool:
        return self.name.startswith(("/", "~"))

    def _loaded(self, commit: str | None) -> Encoder:
        if self._is_path:
            folder, commit = Path(self.name).expanduser(), ""
        else:
            known = HubName.parse(self.name)
            commit = commit or known.commit
            if commit is None or not known.snapshot(commit).is_dir():
                raise NoWeights(f"{commit} is not here: label-studio-atlas encoder fetch {self.name}")
            folder = known.snapshot(commit)
        return _load(folder, commit)


@lru_cache(maxsize=8)
def _load(folder: Path, commit: str) -> Encoder:
    """Once per process."""
    from backend.encoders.model_folder import load_folder

    return load_folder(folder, {"revision": np.frombuffer(commit.encode(), np.uint8)})


def digest_of_files(folder: Path, names: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Of files by their names and contents, uint8 [32]."""
    whole = hashlib.sha256()
    for name in sorted(names):
        one = hashlib.sha256()
        with open(folder / name, "rb") as file:
            while piece := file.read(2**20):
                one.update(piece)
        whole.update(f"{one.hexdigest()}  {name}\n".encode())
    return np.frombuffer(whole.digest(), np.uint8)
