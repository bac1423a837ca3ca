"""What the web server says of itself, asked on this machine."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Whatever HTTP_PROXY says: a proxy knows nothing of this machine's ports."""


def health_of(url: str, seconds: float) -> Any:
    """The JSON that it answers. Raises OSError, or ValueError for what is no JSON."""
    with _DIRECT.open(url, timeout=seconds) as answer:
        return json.load(answer)
