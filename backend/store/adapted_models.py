"""Adapted models of a project, each a file named after its digest, and what became of the last attempt.

A model version that answers by one names its digest. The file is written whole before anything names it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from backend.errors import DamagedFile
from backend.learning.network import LayeredNetwork
from backend.learning.tagger import Tagger
from backend.store.adapted_views import ENDING, FOLDER
from backend.store.adapted_views import path_of as views_of
from backend.store.files import Files
from backend.store.kept_json import UNREADABLE

_ATTEMPT = "adapted/attempt.json"
_ABOUT = "about"
KINDS: dict[str, type[LayeredNetwork | Tagger]] = {made.kind: made for made in (LayeredNetwork, Tagger)}


@dataclass(frozen=True)
class AdaptedModel:
    """blocks: the weights of the last blocks by their names; network: the model on what they give; depth:
    "last" or "all"; control: of whose answers; encoder: name of the one it was adapted from."""

    blocks: Mapping[str, Tensor]
    network: LayeredNetwork | Tagger
    depth: str
    control: str
    encoder: str


@dataclass(frozen=True)
class Attempt:
    """How the last fine-tuning of a project ended.

    for_what: all that it depends on, as text; labels: how many there were; said: the outcome in words;
    digest: of the adapted model, None where none is better than the frozen one; told: for a version's stats.
    """

    for_what: str
    labels: int
    said: str
    digest: str | None
    told: dict[str, Any]


class AdaptedModels:
    """files: of the project."""

    def __init__(self, files: Files):
        self._files = files

    def attempt(self) -> Attempt | None:
        try:
            return Attempt(**json.loads(self._files.read(_ATTEMPT)))
        except UNREADABLE:
            return None

    def note(self, attempt: Attempt) -> None:
        self._files.write(_ATTEMPT, json.dumps(asdict(attempt), indent=2).encode())

    def tell_no_more(self, digest: str, name: str) -> None:
        """Of the last attempt, if it made that model: what it tells by that name."""
        attempt = self.attempt()
        if attempt is not None and attempt.digest == digest and name in attempt.told:
            rest = {key: value for key, value in attempt.told.items() if key != name}
            self.note(replace(attempt, told=rest))

    def forget_attempt(self) -> None:
        self._files.delete(_ATTEMPT)

    def save(self, model: AdaptedModel) -> str:
        """Returns its digest."""
        tensors = {f"blocks.{name}": value for name, value in model.blocks.items()}
        tensors |= {f"network.{name}": value for name, value in model.network.state_dict().items()}
        about = {"depth": model.depth, "control": model.control, "encoder": model.encoder}
        header = {_ABOUT: json.dumps({**about, "shape": model.network.described()})}
        content = save({name: value.detach().cpu().contiguous() for name, value in tensors.items()}, header)
        digest = hashlib.sha256(content).hexdigest()
        self._files.write(_path(digest), content)
        return digest

    def load(self, digest: str) -> AdaptedModel:
        """Raises DamagedFile where it is gone, or not what was saved."""
        try:
            content = self._files.read_constant(_path(digest), digest)
            if hashlib.sha256(content).hexdigest() != digest:
                raise DamagedFile("its content is not what was saved")
            header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
            about = json.loads(header["__metadata__"][_ABOUT])
            tensors = load(content)
            made = KINDS[about["shape"].get("kind", LayeredNetwork.kind)]  # releases before named none
            network = made.restored(about["shape"], _part(tensors, "network."))
        except (
            DamagedFile,
            OSError,
            ValueError,
            KeyError,
            TypeError,
            RuntimeError,
            SafetensorError,
        ) as error:
            raise DamagedFile(f"adapted model {digest[:8]} cannot be read: {error}") from error
        names = (about["depth"], about["control"], about["encoder"])
        return AdaptedModel(_part(tensors, "blocks."), network, *names)

    def is_kept(self, digest: str) -> bool:
        return _path(digest) in self._files.paths(FOLDER, ENDING)

    def forget_all_but(self, digests: Iterable[str]) -> None:
        """What neither these nor the last attempt name."""
        kept = set(digests)
        for path in self._files.paths(FOLDER, ENDING):
            attempt = self.attempt()  # each time: a fine-tuning may name what it saved a moment ago
            named = kept | {attempt.digest} if attempt and attempt.digest else kept
            if not any(path in (_path(each), views_of(each)) for each in named):
                self._files.delete(path)


def _path(digest: str) -> str:
    return f"{FOLDER}/{digest[:32]}{ENDING}"


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
