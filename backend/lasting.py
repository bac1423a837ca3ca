"""What a process makes once and keeps to its end, modules above all, and Python's collector of cycles.

The collector goes through all objects again and again: while torch and its kind are imported, then now and
then in whatever runs, and four times when the process ends, which takes longer than most commands do. In what
lasts there is nothing for it to find.
"""

from __future__ import annotations

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """What is made within lasts as long as the process: the collector rests meanwhile, and passes over it
    from then on. Processes that are forked later share its memory, which the collector leaves alone."""
    was_at_work = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_at_work:
            gc.enable()


def end_quickly() -> None:
    """At the end of this process nobody looks for cycles: its memory goes back as a whole. What is closed or
    written at the end (`atexit`, `logging.shutdown`, whatever nothing refers to any more) still is."""
    atexit.unregister(gc.freeze)
    atexit.register(gc.freeze)
