"""A project's tasks of several images: each image is fetched once, in whatever tasks it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from backend.combining import Combine, each_of
from backend.jobs.image_pool import ImagesPool, ProjectImages
from backend.pairs import parts
from backend.store.tasks import StoredTask


def each_image(tasks: Sequence[StoredTask]) -> list[StoredTask]:
    """A task for each image that is looked at."""
    return [task._replace(text=part) for task in tasks for part in parts(task.text)]


def pool_of_several(
    images: ProjectImages, tasks: Sequence[StoredTask], seed: int, count: int, combine: Combine
) -> ImagesPool:
    """As of single images, with one vector of the `count` images of each task."""
    every = [task._replace(text=each) for task in tasks for each in each_of(task.text, count)]
    single = images.pool(every, seed)
    there = torch.from_numpy(single.done).view(-1, count)
    done = there.all(1)
    rows = (there.flatten().cumsum(0) - 1).view(-1, count)[done]
    lacking = {task.text for task, has in zip(tasks, done.tolist(), strict=True) if not has}
    return replace(
        single,
        features=combine(single.features[rows]),
        done=done.numpy(),
        texts=len({task.text for task in tasks}),
        missing=len(lacking),
    )
