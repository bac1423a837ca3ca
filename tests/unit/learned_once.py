"""Trainings that many tests repeat, done once: the same weights come of the same rows, labels and seed, which
the tests of the trainings themselves hold; these do not use it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from torch import Tensor, nn

MOST = 400
"""Trainings that are kept, of one session."""
Known = tuple[dict[str, Tensor], Any]
"""The weights of the network that was trained, and what was returned."""
_KNOWN: OrderedDict[bytes, Known] = OrderedDict()
"""By what went into a training, the last used last."""


def learned_once(train: Callable[..., Any]) -> Callable[..., Any]:
    """A training that looks first whether it was done before.

    train: changes the network that is its first argument in place, or returns tensors and changes nothing.
    """

    def known_or_learned(*given: Any, **named: Any) -> Any:
        key = _digest(train, given, named)
        network = given[0] if isinstance(given[0], nn.Module) else None
        if key in _KNOWN:
            _KNOWN.move_to_end(key)
            weights, told = _KNOWN[key]
            if network is not None:
                network.load_state_dict(weights)
            return _copy(told)
        told = train(*given, **named)
        _KNOWN[key] = _weights(network), _copy(told)
        while len(_KNOWN) > MOST:
            _KNOWN.popitem(last=False)
        return told

    return known_or_learned


def _weights(network: nn.Module | None) -> dict[str, Tensor]:
    return {} if network is None else {name: each.clone() for name, each in network.state_dict().items()}


def _copy(told: Any) -> Any:
    return told.clone() if isinstance(told, Tensor) else told


def _digest(train: Callable[..., Any], given: tuple[Any, ...], named: dict[str, Any]) -> bytes:
    made = sha256(f"{train.__module__}.{train.__qualname__}".encode())
    for each in (*given, *(part for pair in sorted(named.items()) for part in pair)):
        for part in _parts(each):
            made.update(part)
    return made.digest()


def _parts(of: Any) -> Iterator[bytes]:
    """What distinguishes an argument from others. Raises TypeError for one of which that is not known."""
    if isinstance(of, nn.Module):
        yield repr(of).encode()
        for name, each in of.state_dict().items():
            yield name.encode()
            yield from _parts(each)
    elif isinstance(of, Tensor):
        yield f"{of.dtype} {tuple(of.shape)} {of.device}".encode()
        yield of.detach().cpu().contiguous().numpy().tobytes()
    elif of is None or isinstance(of, (bool, int, float, str)):
        yield repr(of).encode()
    else:
        raise TypeError(f"a training is given {type(of).__name__}: say in _parts what distinguishes two")
