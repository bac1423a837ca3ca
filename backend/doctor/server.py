"""Checks of Label Studio itself, and of our way in."""

from __future__ import annotations

import base64
import json

import httpx

from backend.doctor.bench import Bench
from backend.doctor.checks import check
from backend.doctor.finding import Finding, note, ok, wrong
from backend.errors import AccessDenied, AnswerTooLarge, NotConfigured
from backend.labelstudio.bounds import ask

TESTED = "1.23.2"
"""The release that this backend's tests run against."""
HTTP_TIMEOUT = 10
"""Seconds for the whole answer."""
MAX_VERSION = 2**20
"""Bytes of it: it names every package."""
MAKE_TOKEN = "user icon > Account & Settings > Personal Access Token"


@check("Label Studio", "settings")
def label_studio(bench: Bench) -> Finding:
    url = bench.settings.label_studio_url
    try:
        answer = ask("GET", f"{url}/api/version", HTTP_TIMEOUT, MAX_VERSION, follow_redirects=True)
        release = str(answer.json()["release"])
    except httpx.HTTPError as error:
        return wrong(f"{url} does not answer ({error})", "Start Label Studio, or correct LABEL_STUDIO_URL.")
    except (AnswerTooLarge, ValueError, KeyError, TypeError):
        return wrong(f"{url} answers, but not as Label Studio does", "Correct LABEL_STUDIO_URL.")
    if release.split(".")[:2] != TESTED.split(".")[:2]:
        return note(f"{release} at {url}; tested with {TESTED}")
    return ok(f"{release} at {url}")


@check("API key", "Label Studio")
def api_key(bench: Bench) -> Finding:
    try:
        kind = kind_of(bench.settings.api_key)
    except NotConfigured:
        return wrong("LABEL_STUDIO_API_KEY is not set", f"Set it to a token made under {MAKE_TOKEN}.")
    if kind == "access token":
        return wrong(
            "this is a short-lived access token, not a personal access token",
            f"Set LABEL_STUDIO_API_KEY to the token shown under {MAKE_TOKEN}.",
        )
    try:
        return ok(f"{kind} of {bench.label_studio.user()}")
    except AccessDenied as error:
        if "legacy token authentication has been disabled" in str(error):
            return wrong(
                "a legacy token, and legacy tokens are off in this organization",
                f"Set LABEL_STUDIO_API_KEY to a token made under {MAKE_TOKEN} "
                "(or let an owner switch legacy tokens on: Organization > Access Token Settings).",
            )
        return wrong(
            f"Label Studio does not accept this {kind}: unknown, revoked or expired",
            f"Make a new one under {MAKE_TOKEN}, set LABEL_STUDIO_API_KEY to it and restart the backend.",
        )


def kind_of(key: str) -> str:
    """Personal access tokens are JWTs of the type "refresh"; legacy tokens are not JWTs."""
    try:
        payload = key.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return "personal access token" if claims.get("token_type") == "refresh" else "access token"
    except (IndexError, ValueError, AttributeError):
        return "legacy token"
