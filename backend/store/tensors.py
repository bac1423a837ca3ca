"""Arrays as bytes that tell whether they are whole: safetensors, whose header carries a digest of the rest.

Reading never runs anything that the bytes say, whoever wrote them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from backend.errors import DamagedFile

Arrays = Mapping[str, npt.NDArray[Any]]


def pack(arrays: Arrays) -> bytes:
    """The same arrays always give the same bytes."""
    in_order = {name: np.ascontiguousarray(array) for name, array in arrays.items()}  # `save` asks for that
    return save(in_order, metadata={"digest": _digest(in_order)})


def parse(content: bytes, *, whole: bool = False) -> dict[str, npt.NDArray[Any]]:
    """Raises DamagedFile when this is not of that kind, or a bit of it has changed.

    whole: it is known that none has, so that the digest need not be computed.
    """
    try:
        arrays = load(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        expected = header["__metadata__"]["digest"]
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise DamagedFile(f"it holds no arrays that can be read: {error}") from error
    if not whole and expected != _digest(arrays):
        raise DamagedFile("it is damaged: its content is not what was written")
    return arrays


def _digest(arrays: Arrays) -> str:
    """The same for the same names, types, shapes and numbers."""
    found = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        found.update(repr((name, array.dtype.str, array.shape)).encode())
        found.update(array.data)
    return found.hexdigest()
