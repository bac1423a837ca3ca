"""Which texts or images to mark next, and why: encode, train and rank, as a simulation of parts does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from backend import sampling
from backend.controls.regions import NOTHING
from backend.labelled.marked import MarkedText, MarkedTexts
from backend.labelled.marked_images import MarkedImage, MarkedImages
from backend.labelled.partly_marked import PartlyMarked
from backend.learning import devices
from backend.next.choose import Choice, Chosen, Tell, explained
from backend.settings import Settings
from backend.simulate.parts import Items, Surest
from backend.simulate.reading import reading_of


def choose_parts(marked: PartlyMarked, count: int, settings: Settings, tell: Tell) -> Chosen:
    """The `count` items to mark next, or all that wait where there are fewer. Of a choice `probabilities`
    are, by the label of what the model would mark, how sure the surest part with it is.

    Raises ValueError for a strategy, an encoder or a device that cannot be used, NoContent or OSError for an
    image that cannot be read.
    """
    torch.set_num_threads(settings.torch_threads or torch.get_num_threads())
    settings = settings.model_copy(update={"device": devices.use(settings.device)})
    given = _with_waiting(marked)
    items = _encoded(given, settings)
    tell("encoding", len(items))
    own = torch.arange(len(items)) < len(marked.given.rows)
    taught, rest = (torch.nonzero(each)[:, 0] for each in (own, ~own))
    tell("training", 0)
    trained = items.of(taught).trained(settings.seed)
    pool, vectors = items.of(rest), items.compared()
    tell("choosing", 0)
    scene = sampling.make_scene(
        vectors[rest],
        vectors[taught],
        torch.zeros(len(taught), dtype=torch.int64),
        batch=count,
        seed=settings.seed,
        device=settings.device,
        trained=None if trained is None else pool.learned(trained),
    )
    ranking = sampling.rank_scene(settings.strategy, scene, min(count, len(rest)))
    picks = ranking.order[:count]
    likely: list[dict[str, float]] = [{} for _ in picks]
    if trained is not None:
        likely = _likely(pool.of(picks).surest(trained), given.labels)
    choices = [
        Choice(pick + 1, marked.waiting[pick], *why)
        for pick, why in zip(picks.tolist(), explained(scene, ranking, picks, likely), strict=True)
    ]
    return Chosen(choices, settings.strategy, notes=list(ranking.notes))


def _encoded(given: MarkedTexts | MarkedImages, settings: Settings) -> Items:
    """As a simulation reads them: out of a file, which goes again."""
    name = settings.encoder if isinstance(given, MarkedTexts) else settings.image_encoder
    reading = reading_of(given, name)
    with TemporaryDirectory() as folder:
        place = Path(folder) / "items.safetensors"
        reading.write(place)
        return reading.read(place)


def _likely(sure: Sequence[Surest], labels: Sequence[str]) -> list[dict[str, float]]:
    """By label how sure the surest part with it is, the surest first. sure: the same by the label's place."""
    return [
        {labels[i]: round(p, 4) for i, p in sorted(each.items(), key=lambda one: -one[1])} for each in sure
    ]


def _with_waiting(marked: PartlyMarked) -> MarkedTexts | MarkedImages:
    """What is marked first. What waits counts as unmarked, and nothing is learned of it."""
    given = marked.given
    if isinstance(given, MarkedTexts):
        return replace(given, rows=[*given.rows, *(MarkedText(each, NOTHING) for each in marked.waiting)])
    return replace(given, rows=[*given.rows, *(MarkedImage(each, NOTHING) for each in marked.waiting)])
