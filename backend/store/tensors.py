"""Arrays in a file that tells whether it is whole: safetensors, whose header carries a digest of the rest.

Reading never runs anything that the file says, whoever wrote it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.errors import DamagedFile
from backend.store.paths import write_atomically

Arrays = Mapping[str, npt.NDArray[Any]]


def digest(arrays: Arrays) -> str:
    """The same for the same names, types, shapes and numbers."""
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(repr((name, array.dtype.str, array.shape)).encode())
        found.update(array.tobytes())
    return found.hexdigest()


def write(path: Path, arrays: Arrays) -> None:
    """Replace the file by one that holds these arrays."""
    write_atomically(path, save(dict(arrays), metadata={"digest": digest(arrays)}))


def read(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Raises DamagedFile when the file is missing, is not of this kind, or a bit of it has changed."""
    try:
        content = path.read_bytes()
        arrays = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        told = header["__metadata__"]["digest"]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(f"{path} cannot be read: {error}") from error
    if told != digest(arrays):
        raise DamagedFile(f"{path} is damaged: its content is not what was written")
    return arrays
