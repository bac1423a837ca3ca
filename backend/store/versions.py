"""Model versions: a folder each, weights as safetensors, everything else in a manifest.

The manifest is written last and read first, so a version is whole or absent. It tells what the weights
must be (checksum, names and shapes), whose they are, and its own checksum: a version that is not
exactly what was saved is refused. `published.json` names the one that serves. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from backend.controls.scheme import LabelScheme
from backend.errors import DamagedFile
from backend.store.files import files_of
from backend.store.kept_json import UNREADABLE
from backend.store.manifests import manifest_of, scheme_from, tensors_of, version_from
from backend.store.model_version import ModelVersion, version_number

_POINTER = "published.json"
_MANIFEST = "manifest.json"
_WEIGHTS = "model.safetensors"
HISTORY = 50
"""Publications that are remembered."""


class VersionStore:
    """The versions of one project. model_store: fsspec URL of what several machines share; "" for none.

    Raises ModelStoreError where that fails and nothing else will do.
    """

    def __init__(self, directory: Path, model_store: str = ""):
        self._project = directory.name
        self._files = files_of(directory, model_store)

    def names(self) -> list[str]:
        """Oldest first."""
        folders = [path.split("/")[1] for path in self._files.paths("versions") if path.endswith(_MANIFEST)]
        return sorted(filter(version_number, folders), key=version_number)

    def chosen(self) -> str | None:
        """The version that shall serve, whether or not it can be read."""
        name = self._read_pointer().get("version")
        return name if isinstance(name, str) and version_number(name) else None

    def before(self, name: str) -> list[str]:
        """The versions kept from before this one, newest first."""
        return [other for other in reversed(self.names()) if version_number(other) < version_number(name)]

    def published(self) -> str | None:
        """The version that serves, None when there is none yet."""
        name = self.chosen()
        return name if name is not None and self._manifest(name) else None

    def pinned(self) -> bool:
        """Whether the published version is to stay, whatever is trained meanwhile."""
        return self.published() is not None and self._read_pointer().get("pinned") is True

    def set_published(self, name: str, *, pinned: bool = False) -> None:
        history = [*self.history(), (time.time(), name)][-HISTORY:]
        pointer = {"version": name, "pinned": pinned, "history": history}
        self._files.write(_POINTER, json.dumps(pointer).encode())

    def history(self) -> list[tuple[float, str]]:
        """The last publications, the oldest first: when, in seconds since 1970, and of which version."""
        pointer = self._read_pointer()
        found = pointer.get("history")
        listed = found if isinstance(found, list) else []
        pairs = (each for each in listed if isinstance(each, list) and len(each) == 2)
        return [(float(at), str(name)) for at, name in pairs if isinstance(at, int | float)]

    def _read_pointer(self) -> dict[str, Any]:
        try:
            pointer = json.loads(self._files.read(_POINTER))
        except UNREADABLE:
            return {}
        return pointer if isinstance(pointer, dict) else {}

    def stats(self, name: str) -> dict[str, Any]:
        """What is told of a version, without loading it; {} when its manifest cannot be read."""
        stats = self._manifest(name).get("stats")
        return stats if isinstance(stats, dict) else {}

    def encoder(self, name: str) -> str | None:
        """The name of a version's encoder, without loading it; None when its manifest cannot be read."""
        return self._manifest(name).get("encoder")

    def unit_encoder(self, name: str) -> str:
        """Of what reads parts of contents, likewise; "" where nothing does."""
        return str(self._manifest(name).get("unit_encoder", ""))

    def scheme(self, name: str) -> LabelScheme | None:
        """What a version was trained for, without loading it; None when its manifest cannot be read."""
        try:
            return scheme_from(self._manifest(name))
        except (KeyError, TypeError, ValueError, AttributeError):
            return None

    def _manifest(self, name: str) -> dict[str, Any]:
        try:
            manifest = json.loads(self._files.read_constant(f"versions/{name}/{_MANIFEST}"))
        except UNREADABLE:
            return {}
        return manifest if isinstance(manifest, dict) else {}

    def save(self, version: ModelVersion) -> None:
        tensors = tensors_of(version)
        weights = save(tensors)
        manifest = {
            **manifest_of(version),
            "project": self._project,
            "sha256": hashlib.sha256(weights).hexdigest(),
            "tensors": {key: list(value.shape) for key, value in tensors.items()},
        }
        manifest["checksum"] = _checksum(manifest)
        self._files.delete(f"versions/{version.name}/{_MANIFEST}")  # of one that was never published
        self._files.write(f"versions/{version.name}/{_WEIGHTS}", weights)
        self._files.write(f"versions/{version.name}/{_MANIFEST}", json.dumps(manifest, indent=2).encode())

    def load(self, name: str) -> ModelVersion:
        """Raises DamagedFile when the files are missing or not what was saved here under this name."""
        try:
            manifest = json.loads(self._files.read(f"versions/{name}/{_MANIFEST}"))
            if manifest["checksum"] != _checksum(manifest):
                raise DamagedFile(f"model version {name} is refused: its manifest has been changed")
            if (manifest["name"], manifest["project"]) != (name, self._project):
                raise DamagedFile(f"model version {name} is refused: it is another one's")
            weights = self._files.read_constant(f"versions/{name}/{_WEIGHTS}", manifest["sha256"])
            return version_from(manifest, _tensors(weights, manifest))
        except (
            *(OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError),
            *(MemoryError, OverflowError, RecursionError, SafetensorError),
        ) as error:
            raise DamagedFile(f"model version {name} cannot be read: {error}") from error

    def prune(self, keep: int) -> set[str]:
        """Delete all but the newest `keep` and the published one, and what a crash left of one.

        Returns the encoders still in use.
        """
        names = self.names()
        kept = set(names[-keep:]) | {self.published()}
        for name in {path.split("/")[1] for path in self._files.paths("versions")} - kept:
            self._files.delete(f"versions/{name}/{_MANIFEST}")  # first: half a version is none
            self._files.delete(f"versions/{name}")
        return {encoder for name in self.names() if (encoder := self.encoder(name))}


def _checksum(manifest: dict[str, Any]) -> str:
    """Of all that the manifest tells. Raises AttributeError when it is no object."""
    checked = {key: value for key, value in manifest.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(checked, sort_keys=True).encode()).hexdigest()


def _tensors(weights: bytes, manifest: dict[str, Any]) -> dict[str, Tensor]:
    name = manifest["name"]
    if hashlib.sha256(weights).hexdigest() != manifest["sha256"]:
        raise DamagedFile(f"model version {name} is refused: its weights are not those of its manifest")
    tensors = load(weights)
    if {key: list(value.shape) for key, value in tensors.items()} != manifest["tensors"]:
        raise DamagedFile(f"model version {name} is refused: its weights are not of its manifest's shapes")
    return tensors
