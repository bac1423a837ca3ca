"""Tell Label Studio which tasks of the published head are alike, so that each annotator gets them in turn.

With clusters Label Studio serves an annotator the cluster of which they have solved the fewest tasks, and
within it the lowest score. Its bulk import drops the cluster, and only the call for a single prediction
keeps it. So a version is published as ever, at once and in order, and marked some seconds later, from the
front of the queue on. What is not marked yet counts as one more cluster.
"""

from __future__ import annotations

import logging

import torch
from torch import Tensor

from backend.errors import NotFound
from backend.jobs.pull import last_pulled
from backend.labelstudio.client import LabelStudioClient
from backend.loaded import load_version
from backend.sampling import alike
from backend.settings import Settings
from backend.store.locations import version_store
from backend.store.model_version import version_number
from backend.store.paths import project_dir

logger = logging.getLogger(__name__)

STRIDE = 1000
"""Clusters of different versions have different numbers: Label Studio counts what an annotator has solved
over all predictions a task has, and numbers used twice would mix clusters that have nothing in common."""


def mark_clusters(settings: Settings, client: LabelStudioClient, project_id: int) -> int:
    """Give each prediction of the published version that has no cluster one of QUEUE_CLUSTERS.

    Those that are marked keep theirs, and draw the others to them. Ends early where another version is
    published meanwhile. Returns how many were marked. Raises DamagedFile when the version cannot be read.
    """
    directory = project_dir(settings.data_dir, project_id)
    versions = version_store(settings, project_id)
    name = versions.published()
    if name is None:
        return 0
    text_of = {task.id: task.text for task in last_pulled(directory)}
    predictions = [each for each in client.predictions(project_id, name) if each.task in text_of]
    if all(each.cluster is not None for each in predictions):
        return 0
    loaded = load_version(settings, project_id, name)
    found = loaded.vectors([text_of[each.task] for each in predictions])
    features, predictions = found.features, found.of(predictions)
    known = torch.tensor([-1 if each.cluster is None else each.cluster % STRIDE for each in predictions])
    clusters = assigned(features, known, settings.queue_clusters, settings.seed)
    marked = 0
    for each, cluster in zip(predictions, clusters.tolist(), strict=True):
        if each.cluster is None:
            if versions.published() != name:
                break
            marked += _mark(client, each.id, version_number(name) * STRIDE + cluster)
    logger.info("marked the clusters of %d predictions of %s", marked, name)
    return marked


def assigned(features: Tensor, known: Tensor, k: int, seed: int) -> Tensor:
    """The cluster of each item, int64 [N]: the known one, or that whose known items are most like it.

    features: float [N, D]; known: int64 [N], -1 for none. Where none is known, k clusters are made.
    """
    if (known < 0).all():
        return alike.clustered(features, k, seed)
    return torch.where(known < 0, alike.joined(features, known), known)


def _mark(client: LabelStudioClient, prediction: int, cluster: int) -> bool:
    try:
        client.set_cluster(prediction, cluster)
        return True
    except NotFound:  # deleted meanwhile
        return False
