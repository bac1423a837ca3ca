"""Model versions: a folder each, weights as safetensors, everything else in a manifest.

The manifest is written last and read first, so a version is whole or absent. It tells what the weights
must be (checksum, names and shapes), whose they are, and its own checksum: a version that is not
exactly what was saved is refused. `published.json` names the one that serves. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from backend.errors import DamagedFile
from backend.labelstudio.scheme import LabelScheme
from backend.learning.heads import DomainHead, ErrorHead
from backend.learning.network import LayeredNetwork, Shape
from backend.store.files import files_of

PREFIX = "atlas-"
HEADS: dict[str, type[ErrorHead] | type[DomainHead]] = {"error": ErrorHead, "domain": DomainHead}
_POINTER = "published.json"
_MANIFEST = "manifest.json"
_WEIGHTS = "model.safetensors"
_NAME = re.compile(rf"^{PREFIX}(\d{{6,}})$")


@dataclass(frozen=True)
class ModelVersion:
    """One training's outcome. `network` is None before there are labels of two classes.

    queue_ids: int64 [N], the whole ranked pool's task ids, first to label first; queue_worth: float32
    [N], the strategy's worth in that order, empty where the order did not come from a number per item;
    scorer_head: what the strategy learned when it ranked, by which it scores new items; None if nothing.
    """

    name: str
    scheme: LabelScheme
    strategy: str
    encoder: str
    network: LayeredNetwork | None
    scorer_head: ErrorHead | DomainHead | None
    queue_ids: Tensor
    queue_worth: Tensor
    stats: dict[str, Any] = field(default_factory=dict)
    companions: tuple[tuple[LabelScheme, LayeredNetwork], ...] = ()
    """The label config's other controls that there is something to say of."""
    choices: LayeredNetwork | None = None
    """What knows how likely each choice is, where several may be given; `network` knows sets of them.
    Of a companion with several choices, its own network is of this kind."""
    error_head: ErrorHead | None = None
    """What knows how likely the network is right, whatever the strategy; None while there were too few
    errors, or too few successes, to learn from."""

    known_keys: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    """Of the content that is labelled or waits, rising: int64 [K]. See `backend.copies`."""
    known_labels: Tensor = field(default_factory=lambda: torch.zeros(0, dtype=torch.int64))
    """The class that each was given, int64 [K], -1 for none."""

    @property
    def bytes(self) -> int:
        """In memory, without what Python adds."""
        networks = [self.network, self.choices, *(network for _, network in self.companions)]
        parts = [*networks, self.scorer_head, self.error_head]
        held = [value for part in parts if part is not None for value in part.state_dict().values()]
        return sum(
            value.nbytes
            for value in (*held, self.queue_ids, self.queue_worth, self.known_keys, self.known_labels)
        )

    @property
    def models(self) -> list[tuple[LabelScheme, LayeredNetwork]]:
        """What is shown of all controls that are predicted, the one that orders the queue first."""
        shown = self.choices if self.scheme.several else self.network
        first = [] if shown is None else [(self.scheme, shown)]
        return [*first, *self.companions]


def version_number(name: str) -> int:
    """17 for "atlas-000017", 0 for a name that is not ours."""
    match = _NAME.match(name)
    return int(match.group(1)) if match else 0


def version_name(number: int) -> str:
    return f"{PREFIX}{number:06d}"


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
        return sorted(filter(_NAME.match, folders), key=version_number)

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
        self._files.write(_POINTER, json.dumps({"version": name, "pinned": pinned}).encode())

    def _read_pointer(self) -> dict[str, Any]:
        try:
            pointer = json.loads(self._files.read(_POINTER))
        except (OSError, ValueError):
            return {}
        return pointer if isinstance(pointer, dict) else {}

    def stats(self, name: str) -> dict[str, Any]:
        """What is told of a version, without loading it; {} when its manifest cannot be read."""
        stats = self._manifest(name).get("stats")
        return stats if isinstance(stats, dict) else {}

    def scheme(self, name: str) -> LabelScheme | None:
        """What a version was trained for, without loading it; None when its manifest cannot be read."""
        try:
            return LabelScheme.from_json(self._manifest(name)["scheme"])
        except (KeyError, TypeError, AttributeError):
            return None

    def _manifest(self, name: str) -> dict[str, Any]:
        try:
            manifest = json.loads(self._files.read_constant(f"versions/{name}/{_MANIFEST}"))
        except (OSError, ValueError):
            return {}
        return manifest if isinstance(manifest, dict) else {}

    def save(self, version: ModelVersion) -> None:
        tensors = {
            "queue.ids": version.queue_ids,
            "queue.worth": version.queue_worth,
            "known.keys": version.known_keys,
            "known.labels": version.known_labels,
        }
        others = [(f"companion{i}", network) for i, (_, network) in enumerate(version.companions)]
        # On disk it is `head`, as in releases before.
        heads = [("head", version.scorer_head), ("error_head", version.error_head)]
        networks = [("network", version.network), ("choices", version.choices)]
        for part, module in (*networks, *heads, *others):
            if module is not None:
                tensors |= {
                    f"{part}.{key}": value.detach().cpu() for key, value in module.state_dict().items()
                }
        # Copies: one head may be what ranks the pool and what says how sure a guess is.
        weights = save({key: value.contiguous().clone() for key, value in tensors.items()})
        manifest = {
            "name": version.name,
            "project": self._project,
            "scheme": version.scheme.as_json(),
            "strategy": version.strategy,
            "encoder": version.encoder,
            "shape": asdict(version.network.shape) if version.network is not None else None,
            "choices": asdict(version.choices.shape) if version.choices is not None else None,
            "head": _describe(version.scorer_head),
            "error_head": _describe(version.error_head),
            "companions": [
                {"scheme": scheme.as_json(), "shape": asdict(network.shape)}
                for scheme, network in version.companions
            ],
            "stats": version.stats,
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
            return _build(manifest, _tensors(weights, manifest))
        except (
            *(OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError),
            *(MemoryError, RecursionError, SafetensorError),
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
        return {encoder for name in self.names() if (encoder := self._manifest(name).get("encoder"))}


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


def _describe(head: ErrorHead | DomainHead | None) -> dict[str, Any] | None:
    """What it takes to build the head again."""
    if head is None:
        return None
    kind = next(name for name, made in HEADS.items() if isinstance(head, made))
    return {"kind": kind, "hidden": head.hidden}


def _build(manifest: dict[str, Any], tensors: dict[str, Tensor]) -> ModelVersion:
    error_head = _head(manifest["error_head"], _part(tensors, "error_head"))
    nothing = torch.zeros(0, dtype=torch.int64)
    return ModelVersion(
        name=manifest["name"],
        scheme=LabelScheme.from_json(manifest["scheme"]),
        strategy=manifest["strategy"],
        encoder=manifest["encoder"],
        network=_network(manifest["shape"], _part(tensors, "network")),
        choices=_network(manifest["choices"], _part(tensors, "choices")),
        scorer_head=_head(manifest["head"], _part(tensors, "head")),
        queue_ids=tensors["queue.ids"].to(torch.int64),
        queue_worth=tensors["queue.worth"],
        known_keys=tensors.get("known.keys", nothing),  # of an older release there are none
        known_labels=tensors.get("known.labels", nothing),
        stats=manifest["stats"],
        companions=tuple(
            (LabelScheme.from_json(other["scheme"]), network)
            for i, other in enumerate(manifest["companions"])
            if (network := _network(other["shape"], _part(tensors, f"companion{i}"))) is not None
        ),
        error_head=error_head if isinstance(error_head, ErrorHead) else None,
    )


def _head(described: dict[str, Any] | None, weights: dict[str, Tensor]) -> ErrorHead | DomainHead | None:
    if described is None:
        return None
    head = HEADS[described["kind"]](described["hidden"])
    head.load_state_dict(weights)
    return head


def _network(shape: dict[str, Any] | None, weights: dict[str, Tensor]) -> LayeredNetwork | None:
    if shape is None:
        return None
    network = LayeredNetwork(
        Shape(shape["inputs"], shape["classes"], shape["members"], tuple(shape["hidden"]))
    )
    network.load_state_dict(weights)
    return network


def _part(tensors: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")
    }
