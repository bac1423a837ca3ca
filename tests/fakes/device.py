"""A device that is none: numbers reckoned by the processor, in tensors that say that they lie elsewhere.

As on a GPU, what mixes its tensors with the processor's is refused, but for what torch allows: copies, single
numbers, and indices into its tensors. Torch's "meta" lends the name, which is to be had everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

NAME = "meta"
ATEN = torch.ops.aten
COPIES = {ATEN._to_copy, ATEN.copy_}
INDEXED = {ATEN.index, ATEN.index_put, ATEN.index_put_, ATEN._index_put_impl_, ATEN._unsafe_index}
WITH_VALUES = INDEXED - {ATEN.index, ATEN._unsafe_index}


class There(torch.Tensor):
    """numbers: those of the tensor, on the processor."""

    numbers: torch.Tensor

    @staticmethod
    def __new__(cls, numbers: torch.Tensor) -> There:
        made = torch.Tensor._make_wrapper_subclass(
            cls,
            numbers.size(),
            strides=numbers.stride(),
            storage_offset=numbers.storage_offset(),
            dtype=numbers.dtype,
            device=torch.device(NAME),
        )
        made.numbers = numbers
        return made

    def tolist(self) -> Any:
        return self.numbers.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        raise TypeError(f"can't convert a tensor on {NAME} to numpy: use .cpu() first")

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})


class Device(TorchDispatchMode):
    """So that tensors are made there too."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _done(func, args, kwargs or {})


@contextmanager
def a_device() -> Iterator[str]:
    """Its name. While it is entered there is such a device."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)  # parameters stay the same objects
    try:
        with Device():
            yield NAME
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)


def _done(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, torch.Tensor)]
    there = [value for value in tensors if isinstance(value, There)]
    if len(there) not in (0, len(tensors)):
        _refuse_mixed(func, args, tensors)
    if func.overloadpacket is ATEN.copy_:
        is_there = isinstance(args[0], There)
    elif kwargs.get("device") is not None:
        is_there = torch.device(kwargs["device"]).type == NAME
        kwargs = {**kwargs, "device": torch.device("cpu")}
    else:
        is_there = bool(there)
    found = func(*tree_map(_numbers, args), **tree_map(_numbers, kwargs))
    known = {id(value.numbers): value for value in there}  # what is changed in place comes back itself

    def placed(value: Any) -> Any:
        if not is_there or not isinstance(value, torch.Tensor):
            return value
        return known[id(value)] if id(value) in known else There(value)

    return tree_map(placed, found)


def _numbers(value: Any) -> Any:
    return value.numbers if isinstance(value, There) else value


def _refuse_mixed(func: Any, args: tuple[Any, ...], tensors: list[torch.Tensor]) -> None:
    operation = func.overloadpacket
    if operation in COPIES:
        return
    if operation in INDEXED and isinstance(args[0], There):
        here = [args[2]] if operation in WITH_VALUES and not isinstance(args[2], There) else []
    else:
        here = [value for value in tensors if not isinstance(value, There)]
    if any(value.dim() or operation in INDEXED - WITH_VALUES for value in here):
        raise RuntimeError(f"{func}: expected all tensors on one device, found {NAME} and cpu")
