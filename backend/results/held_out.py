"""A project's labels, ready to be judged by models that were trained without them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from backend.controls.config import parse_label_config
from backend.controls.regions import RegionControl
from backend.controls.scheme import LabelScheme
from backend.copies import keys_of
from backend.errors import AtlasError
from backend.jobs.pull import pull
from backend.jobs.taught import labeled
from backend.labelstudio.client import LabelStudioClient
from backend.learning.suspects import FEWEST, Ints
from backend.loaded import Loaded
from backend.results.collect import load_kept
from backend.settings import Settings
from backend.store.paths import project_dir
from backend.store.tasks import StoredTask


class Labels(NamedTuple):
    """Of the control that orders the queue. tasks: of the project; rows: of these, M that have one of its
    classes; targets: int64 [M], which; features: float32 [M, D]; together: int64 [M], equal for copies."""

    loaded: Loaded
    scheme: LabelScheme
    tasks: list[StoredTask]
    rows: list[int]
    targets: Ints
    features: npt.NDArray[np.float32]
    together: Ints


def labels_of(settings: Settings, client: LabelStudioClient, project_id: int) -> Labels:
    """As they are in Label Studio now.

    Raises AtlasError where there are too few labels, or labels of parts, LabelStudioError, LabelConfigError.
    """
    loaded = load_kept(settings, project_id)
    project = client.project(project_id, counted=False)
    scheme = parse_label_config(project.label_config, settings.queue_controls)
    if isinstance(scheme.main, RegionControl):
        raise AtlasError(
            f"{scheme.main.from_name} marks parts; labels of whole contents are judged. Name such a control "
            "in QUEUE_CONTROL, if the project has one."
        )
    tasks = pull(client, project, scheme, project_dir(settings.data_dir, project_id))
    targets = [task.target for task in tasks]
    scheme = scheme.with_classes({scheme.main.from_name: [each for each in targets if each]})
    rows, classes = labeled(scheme.main, targets)
    vectors = loaded.vectors([tasks[row].text for row in rows])
    rows, given = vectors.of(rows), np.array(vectors.of(classes.tolist()), np.int64)
    counts = np.bincount(given)
    if (counts > 0).sum() < 2 or counts.max() < FEWEST:
        raise AtlasError(
            f"labels of two classes are needed, {FEWEST} of one of them: so few cannot contradict each other"
        )
    words = scheme.source.words_of([tasks[row].text for row in rows])
    _, together = np.unique(keys_of(words), return_inverse=True)
    return Labels(loaded, scheme, tasks, rows, given, vectors.features.numpy(), together)


def page_of(settings: Settings, project_id: int, task: int) -> str:
    """The address of a task's page in Label Studio."""
    return f"{settings.label_studio_url.rstrip('/')}/projects/{project_id}/data?task={task}"
