"""What Redis's keys of a project are called."""

from __future__ import annotations

PROJECTS_KEY = "atlas:projects"
"""The ids of all projects that Label Studio is known to have."""
INSTALLATION_KEY = "atlas:installation"
COUNTERS_KEY = "atlas:measures"
GONE_KEY = "atlas:gone"
"""By project that Label Studio has no more, since when."""
OUTCOMES = ("published", "kept", "nothing", "failed")
"""Of a retrain: a version that serves; one that is only kept; nothing to learn; an error, also when the
retrain is tried again."""
WRAPPED_OUTCOMES = ("well", "away", "slow", "refuses", "fails", "garbage", "busy", "spent")
"""Of a request to an ML backend that is wrapped, or to a model that writes."""
STAGES = ("pull", "encode", "train", "rank", "save", "import", "switch")


def state_key(project_id: int) -> str:
    return f"atlas:project:{project_id}"


def aside_key(project_id: int) -> str:
    return f"atlas:project:{project_id}:aside"


def peace_key(project_id: int) -> str:
    """Held while Label Studio wants to be left alone for the project."""
    return f"{state_key(project_id)}:peace"


def contact_key(project_id: int) -> str:
    return f"atlas:contact:{project_id}"


def encoding_key(project_id: int) -> str:
    return f"atlas:encoding:{project_id}"


def measures_key(project_id: int) -> str:
    return f"atlas:measures:{project_id}"


def failed_key(project_id: int) -> str:
    """Jobs that failed, the last first."""
    return f"{state_key(project_id)}:failed"


def failing_key(project_id: int) -> str:
    """Kinds of jobs of which none has ended well since one failed."""
    return f"{state_key(project_id)}:failing"


def worked_key(project_id: int) -> str:
    """When jobs of kinds that had failed ended well again, the last first."""
    return f"{state_key(project_id)}:worked"


def failures_key(project_id: int) -> str:
    """Images that could not be had."""
    return f"{state_key(project_id)}:images"


def selection_key(project_id: int, key: str) -> str:
    """What somebody selected on a page's map."""
    return f"{state_key(project_id)}:selection:{key}"


def wrapped_key(project_id: int) -> str:
    """What is known of the ML backend that the project wraps."""
    return f"{state_key(project_id)}:wrapped"


def silent_key(project_id: int) -> str:
    """Tasks of which that backend has said nothing."""
    return f"{state_key(project_id)}:silent"


def generation_key(day: int) -> str:
    """Texts that a model was asked for on a day, by its number since 1970."""
    return f"atlas:generation:{day}"


def map_key(project_id: int) -> str:
    """How far the map of a project's items has come, in words."""
    return f"{state_key(project_id)}:map"


KEYS_OF_PROJECT = (
    state_key,
    aside_key,
    peace_key,
    contact_key,
    encoding_key,
    measures_key,
    failed_key,
    failing_key,
    worked_key,
    failures_key,
    wrapped_key,
    silent_key,
    map_key,
)
"""Those that go with a project; what is selected goes by itself."""


def counter(kind: str, project_id: int, what: str) -> str:
    """A field of the counters. kind: "retrains" by outcome, "seconds" and "times" by stage, "wrapped" by
    outcome."""
    return f"{kind} {project_id} {what}"


def counters_of(project_id: int) -> list[str]:
    return [
        *(counter("retrains", project_id, outcome) for outcome in OUTCOMES),
        *(counter(kind, project_id, stage) for kind in ("seconds", "times") for stage in STAGES),
        *(counter("wrapped", project_id, outcome) for outcome in WRAPPED_OUTCOMES),
        counter("wrapped_seconds", project_id, "all"),
    ]
