"""What a refill did."""

from __future__ import annotations

from dataclasses import dataclass

LEFT_ALONE = "Label Studio orders by another version, and a connection is gone: the next look tells whose"


@dataclass(frozen=True)
class Refilled:
    """What was done. `left`: tasks of the head nobody has touched yet; `more`: whether others wait behind;
    `unmoved`: tasks that stand elsewhere than wanted until another refill moves them."""

    added: int = 0
    left: int = 0
    more: bool = False
    mended: bool = False
    unmoved: int = 0
    needs_retrain: str | None = None
    """Why no published model can do it, None where it could."""
    left_alone: str | None = None
    """Why Label Studio goes on ordering by another version."""


def in_words(done: Refilled) -> str:
    """A line of the log, for people."""
    if done.needs_retrain is not None:
        return f"the head of the queue cannot be topped up without a retrain: {done.needs_retrain}"
    added = f"{done.added} tasks added to the head of the queue" if done.added else "the head is full"
    behind = "more wait behind it" if done.more else "none waits behind it"
    mended = ["; Label Studio orders by the published version again"] if done.mended else []
    left_alone = [f"; {done.left_alone}"] if done.left_alone else []
    return "".join([f"{added}, {done.left} of it are left, {behind}", *mended, *left_alone])
