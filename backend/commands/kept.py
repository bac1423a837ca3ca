"""Whether anything is kept of a project, seen before anything heavy is imported."""

from __future__ import annotations

from backend.errors import AtlasError
from backend.settings import Settings
from backend.store.paths import project_dir, project_ids


def check_kept(settings: Settings, project: int) -> None:
    """Raises AtlasError, naming the projects there are, for one of which nothing is kept on this machine.

    With a MODEL_STORE only a look into that can tell.
    """
    if settings.model_store or project_dir(settings.data_dir, project).is_dir():
        return
    kept = ", ".join(map(str, project_ids(settings.data_dir))) or "none"
    raise AtlasError(
        f"nothing is kept of project {project} in {settings.data_dir}; kept are: {kept}. "
        "Check the number, and that DATA_DIR is the running backend's."
    )
