"""Why Label Studio does not reach a backend, by the words it uses, and what to do."""

from __future__ import annotations

import re
from html import unescape

SSRF_REMEDY = (
    "Start Label Studio with USE_DEFAULT_BANNED_SUBNETS=false. "
    "Networks that shall stay blocked go into its USER_ADDITIONAL_BANNED_SUBNETS, such as 169.254.0.0/16."
)
MAX_CHARS = 10_000
"""Characters of an error text that are looked at; Label Studio's own have a few hundred."""
_RULES = (
    (
        r"reserved network address(?: \(block: (?P<what>[^)]+)\))?",
        "Label Studio's protection against SSRF blocks the address ({what})",
        SSRF_REMEDY,
    ),
    (
        r"must not resolve to local or private network",
        "Label Studio's protection against SSRF blocks the address",
        SSRF_REMEDY,
    ),
    (
        r"Can't resolve hostname (?P<what>\S+)|(?:Name or service not known|NameResolutionError)",
        "Label Studio's machine cannot resolve the host name {what}",
        "Run `connect` with a name or address that Label Studio's machine knows.",
    ),
    (
        r"Enter a valid URL",
        "Label Studio takes no webhook to this host name",
        "Give the backend a name with a dot and no underscore, such as backend.internal, an IP address "
        "or localhost, and run `connect` with it.",
    ),
    (
        r"\b401\b|authentication parameters were",
        "the backend refuses the credentials that Label Studio sends",
        "Run `connect` with the BASIC_AUTH_USER and BASIC_AUTH_PASS that the backend was started with.",
    ),
    (
        r"\b400 Client Error: (?P<what>.{0,1000}?) for url",
        "the backend refuses the project: {what}",
        "Do what the message says.",
    ),
    (
        r"health check failed|Connection refused|Connection reset|[Tt]imed out|Max retries",
        "nothing answers there when Label Studio calls",
        "Run `connect` with the address at which Label Studio's machine reaches this backend, "
        "and let the backend listen there: HOST=0.0.0.0 where they are not the same machine.",
    ),
)


def explain(words: str) -> tuple[str, str]:
    """What is the case and the one thing to do, from an error text of Label Studio's."""
    words = " ".join(unescape(re.sub(r"<[^<>]*>", "", words[:MAX_CHARS])).split())
    for pattern, found, remedy in _RULES:
        match = re.search(pattern, words)
        if match:
            what = match.groupdict().get("what") or ""
            return found.format(what=what).replace(" ()", "").rstrip(), remedy
    return words or "Label Studio does not say why", "Look into the log of the backend's web server."
