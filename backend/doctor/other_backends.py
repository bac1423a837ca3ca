"""Check that a project has no second label-studio-atlas: each would put its own version in order in turn."""

from __future__ import annotations

from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, note, ok, wrong
from backend.labelstudio.administration import former_webhook_url, webhook_url
from backend.labelstudio.connection import TITLE

_REMEDY = (
    "Remove its connection under Settings > Model and its webhook under Settings > Webhooks, "
    "or run `connect` and `doctor` with that backend's settings and stop this one."
)


@project_check("other backends", "connection")
def other_backends(bench: ProjectBench) -> Finding:
    """Wrong where another one certainly has a say; a note where it may be stopped, or out of sight."""
    proven, likely = [], []
    for url, names in sorted(_addresses(bench).items()):
        is_another = bench.bench.is_another(url)
        if is_another:
            proven.append(f"{url} ({' and '.join(names)})")
        elif is_another is None and _looks_like_another(bench, url):
            likely.append(f"{url} ({' and '.join(names)})")
    if proven:
        return wrong(
            f"another label-studio-atlas works on this project too, at {', '.join(proven + likely)}: "
            "each puts its own order in place of the other's",
            _REMEDY,
        )
    if likely:
        return note(
            f"another label-studio-atlas may work on this project too, at {', '.join(likely)}: "
            "each would put its own order in place of the other's",
            _REMEDY,
        )
    return ok("no other label-studio-atlas works on this project")


def _addresses(bench: ProjectBench) -> dict[str, list[str]]:
    """Of backends, this one among them, and by what the project has each."""
    found: dict[str, list[str]] = {}
    for each in bench.connections:
        found.setdefault(each.url.rstrip("/"), []).append(f"connection {each.id}")
    for hook in bench.all_webhooks:
        base = hook.url.removesuffix(f"?project={bench.id}").removesuffix("/webhook")
        if hook.is_active and hook.url in (webhook_url(base, bench.id), former_webhook_url(base)):
            found.setdefault(base, []).append(f"webhook {hook.id}")
    return found


def _looks_like_another(bench: ProjectBench, url: str) -> bool:
    """`connect` made its connection or its webhook, and it is not the one that this backend is taken for."""
    if bench.connection is not None and bench.connection.url.rstrip("/") == url:
        return False
    titled = any(each.url.rstrip("/") == url and each.title == TITLE for each in bench.connections)
    wanted = webhook_url(url, bench.id)
    return titled or any(hook.is_active and hook.url == wanted for hook in bench.all_webhooks)
