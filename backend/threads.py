"""How the web server shares out its threads."""

from __future__ import annotations


def slow_threads(web_threads: int) -> int:
    """How many of a web process's threads are for requests that may take their time, as predictions do; the
    others are kept for those that Label Studio waits a moment for."""
    return max(1, web_threads * 3 // 4)
