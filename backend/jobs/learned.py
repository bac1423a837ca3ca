"""What a retrain learns: of every control of a scheme, each by its learner."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from backend.controls.base import Control
from backend.controls.boxes import Boxes
from backend.controls.masks import Bitmask, Brush
from backend.controls.of_regions import OfRegions
from backend.controls.polygons import Polygons
from backend.controls.spans import Spans
from backend.jobs.learners.base import Learned, Learner
from backend.jobs.learners.boxes import BoxesOfImages
from backend.jobs.learners.masks import AreasOfImages
from backend.jobs.learners.of_regions import ClassesOfRegions
from backend.jobs.learners.spans import SpansOfTexts
from backend.jobs.learners.whole_items import WholeItems
from backend.jobs.learners.wrapped import Wrapped
from backend.jobs.material import Material
from backend.settings import Settings
from backend.store.model_version import ControlModel

LEARNERS: dict[type[Control], Callable[[Settings, Material], Learner]] = {
    OfRegions: ClassesOfRegions,
    Spans: SpansOfTexts,
    Boxes: BoxesOfImages,
    Brush: AreasOfImages,
    Bitmask: AreasOfImages,
    Polygons: AreasOfImages,
}
"""Of controls about parts of a content. A new one is an entry here."""


class AllLearned(NamedTuple):
    """main: of the control that orders the queue; others: of companions that have a say; models: of all that
    there is something to say of, the first control's first."""

    main: Learned
    others: Sequence[Learned]
    models: tuple[ControlModel, ...]


def learn(settings: Settings, material: Material, shares: Mapping[str, float]) -> AllLearned:
    """shares: of the queue, by the names of the controls that have one."""
    scheme = material.scheme
    main = learner_of(settings, material, scheme.main).learn(scheme.main)
    others = [
        learner_of(settings, material, each).learn(each)
        for each in scheme.companions
        if each.from_name in shares
    ]
    models = [main.model(), *_companion_models(settings, material, others)]
    return AllLearned(main, others, tuple(model for model in models if model is not None))


def learner_of(settings: Settings, material: Material, control: Control) -> Learner:
    if material.heard is not None:
        return Wrapped(settings, material)
    kind = next((learner for of, learner in LEARNERS.items() if isinstance(control, of)), WholeItems)
    return kind(settings, material)


def _companion_models(
    settings: Settings, material: Material, ordering: Sequence[Learned]
) -> list[ControlModel | None]:
    """ordering: of those that have a say in the queue."""
    known = {each.control.from_name: each for each in ordering if each.is_trained}
    return [
        known[each.from_name].model()
        if each.from_name in known
        else learner_of(settings, material, each).learn_alone(each)
        for each in material.scheme.companions
    ]
