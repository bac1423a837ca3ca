"""A device that is none: numbers reckoned by the processor, in tensors that say that they lie elsewhere.

As on a GPU, what mixes its tensors with the processor's is refused, but for what torch allows: copies, single
numbers, and indices into its tensors. Torch's "meta" lends the name, which is to be had everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

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
    tensors = [*_tensors((*args, *kwargs.values()))]
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
    found = func(*_each(args, _numbers), **{name: _each(value, _numbers) for name, value in kwargs.items()})
    known = {id(value.numbers): value for value in there}  # what is changed in place comes back itself

    def placed(value: torch.Tensor) -> torch.Tensor:
        return known[id(value)] if id(value) in known else There(value)

    return _each(found, placed) if is_there else found


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    """Those in an argument of torch's, or in what it gives: torch's own walk takes five times as long."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, (tuple, list)):
        for part in value:
            yield from _tensors(part)


def _each(value: Any, change: Callable[[torch.Tensor], torch.Tensor]) -> Any:
    """The same with each of `_tensors` changed."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, (tuple, list)):
        return type(value)([_each(part, change) for part in value])
    return value


def _numbers(value: torch.Tensor) -> torch.Tensor:
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
