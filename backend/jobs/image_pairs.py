"""A project's pairs of images: each image is fetched once, in whatever pairs it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from backend.jobs.image_pool import ImagesPool, ProjectImages
from backend.pairs import parts, sides
from backend.store.tasks import StoredTask


def each_image(tasks: Sequence[StoredTask]) -> list[StoredTask]:
    """A task for each image that is looked at: two of a pair."""
    return [task._replace(text=part) for task in tasks for part in parts(task.text)]


def pool_of_pairs(images: ProjectImages, tasks: Sequence[StoredTask], seed: int) -> ImagesPool:
    """As of single images; the vector of a pair is the left one less the right one."""
    single = images.pool(_both(tasks), seed)
    there = torch.from_numpy(single.done).view(-1, 2)
    done = there.all(1)
    rows = (there.flatten().cumsum(0) - 1).view(-1, 2)[done]
    lacking = {task.text for task, has in zip(tasks, done.tolist(), strict=True) if not has}
    return replace(
        single,
        features=single.features[rows[:, 0]] - single.features[rows[:, 1]],
        done=done.numpy(),
        texts=len({task.text for task in tasks}),
        missing=len(lacking),
    )


def _both(tasks: Sequence[StoredTask]) -> list[StoredTask]:
    """Two for each, whatever stands in it."""
    return [task._replace(text=side) for task in tasks for side in sides(task.text)]
