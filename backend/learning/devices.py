"""Where the heavy work is done: chosen within a job's process, whose parent must not touch a GPU.

CUDA does not survive a fork: a parent that has so much as asked for it leaves jobs that cannot use it. So
nothing here is called before the fork, and what runs nowhere else stays on the processor.
"""

from __future__ import annotations

import re

import torch

CPU = "cpu"
NAMES = re.compile(r"auto|cpu|mps|cuda(:\d{1,3})?")
"""What DEVICE may be."""
_used = CPU


def found(wanted: str) -> str:
    """The device of this name; of "auto" the first there is of cuda, mps and cpu.

    Raises ValueError, saying what there is, for one that is not there.
    """
    if not NAMES.fullmatch(wanted):
        raise ValueError(f"{wanted!r} is no device: auto, cpu, cuda, cuda:1, mps")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else CPU
    kind, _, number = wanted.partition(":")
    if kind == "cuda" and int(number or 0) >= (gpus := torch.cuda.device_count()):
        raise ValueError(f"there is no {wanted} here: {_said_of_cuda(gpus)}")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ValueError("there is no mps here: it needs an Apple chip, macOS 12.3 and torch's build for it")
    return wanted


def use(wanted: str) -> str:
    """From now on this process encodes on that device; returns its name. Raises ValueError as `found`."""
    global _used
    _used = found(wanted)
    return _used


def used() -> str:
    """The device that this process encodes on: the processor, unless `use` named another."""
    return _used


def ranks_on(device: str, needed: int) -> str:
    """Where a pool is ranked whose strategies may need so many bytes: a graphics card that has them, else
    the processor. mps has no float64, which strategies reckon in."""
    if not device.startswith("cuda"):
        return CPU
    free, _ = torch.cuda.mem_get_info(device)
    return device if needed <= free else CPU


def _said_of_cuda(gpus: int) -> str:
    if gpus:
        return f"torch sees {gpus} GPU{'' if gpus == 1 else 's'}, counted from cuda:0"
    if torch.version.cuda is None:
        return "torch is installed without CUDA (pip's own torch on Linux has it)"
    return "torch sees no GPU; `nvidia-smi` tells whether the driver does"
