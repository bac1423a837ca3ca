"""Answer predictions from the published model, or a kept one, without asking Label Studio anything."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from torch import Tensor

from backend.adapting import said_by
from backend.controls.base import Answer
from backend.controls.impossible import without_impossible
from backend.controls.reading import text_in, unreadable_in_words
from backend.controls.regions import NOTHING
from backend.controls.scheme import LabelScheme
from backend.copied import UNKNOWN, place_behind, seen_before, with_given
from backend.copies import Ints
from backend.errors import AtlasError, DamagedFile
from backend.guessing import LIKELIEST, outputs_of, probabilities, regions
from backend.labelstudio.publishing import prediction
from backend.loaded import Loaded, load_version
from backend.lru import RecentlyUsed
from backend.placing import between, lot_of
from backend.said.base import Contents, Said
from backend.said.boxes import DRAWN_FROM, boxes_seen
from backend.settings import Settings
from backend.store.finding import Found
from backend.store.locations import stored_projects, version_store
from backend.store.model_version import version_number
from backend.store.reason import COPY, LATE, Reason
from backend.store.waiting import Shard
from backend.why import reasons_of
from backend.worth import worth_of

logger = logging.getLogger(__name__)

UNREADABLE_KEPT = 10_000
"""Tasks remembered, so that the log names each once."""
ANSWER_SECONDS = 20.0
"""That an answer may take for content that nobody has encoded yet, and for what an adapted model says of it:
Label Studio waits for 100."""


class Predictor:
    """Published models by project, the recently used ones in memory. Safe to share between threads.

    on_damage: told the project whose published version cannot be read; only a retrain mends that.
    on_late: told of the project's texts that there was no time to encode, in shards for workers.
    on_unseen: told the project of which images were asked about that no worker has fetched yet.
    """

    def __init__(
        self,
        settings: Settings,
        on_damage: Callable[[int], object] = lambda project_id: None,
        on_late: Callable[[int, list[Shard]], object] = lambda project_id, shards: None,
        on_unseen: Callable[[int], object] = lambda project_id: None,
    ):
        self._settings = settings
        self._on_damage = on_damage
        self._on_late = on_late
        self._on_unseen = on_unseen
        self._loaded: RecentlyUsed[tuple[int, str], Loaded] = RecentlyUsed(
            settings.model_cache_mb * 2**20, lambda loaded: loaded.bytes
        )
        self._unreadable: set[tuple[int, str]] = set()
        """Tasks, by their projects, that the log has named."""

    def version_of(self, project_id: int) -> str | None:
        """The published version's name, without loading it; None when there is none yet."""
        return version_store(self._settings, project_id).published()

    def versions(self, project_id: int | None = None) -> list[str]:
        """Names of the kept versions, newest first: of one project, or of all."""
        projects = stored_projects(self._settings) if project_id is None else [project_id]
        kept = {name for i in projects for name in version_store(self._settings, i).names()}
        return sorted(kept, key=version_number, reverse=True)

    def places(self, project_id: int) -> tuple[str | None, Mapping[int, float]]:
        """The published version, None where there is none, and by task its place in that one's queue.

        Raises DamagedFile when the version cannot be read.
        """
        loaded = self._load(project_id)
        return (None, {}) if loaded is None else (loaded.version.name, loaded.place_of)

    def silent(self, project_id: int) -> frozenset[int]:
        """Tasks that are to carry no guess. Raises DamagedFile when the version cannot be read."""
        loaded = self._load(project_id)
        return frozenset() if loaded is None else frozenset(loaded.silent)

    def predict(
        self,
        project_id: int,
        scheme: LabelScheme,
        tasks: Sequence[Any],
        version: str | None = None,
        likely: int | None = LIKELIEST,
    ) -> list[Any]:
        """One prediction per task, in order, all of one version: the published one unless another is named;
        [] for a task whose content there was no time to encode, which Label Studio skips.

        With `probabilities` of each control's likeliest choices, for scripts: Label Studio keeps none of
        it. likely: of so many; None for all, which with thousands of choices are far larger than the rest.
        scheme: what the request's label config asks for. Returns [] when there is nothing to say: no
        version yet, or one that was trained for another label config.
        Raises DamagedFile when the version cannot be read.
        """
        loaded = self._load(project_id, version)
        if loaded is None or not scheme.fits(loaded.version.scheme) or not tasks:
            return []
        known = [task if isinstance(task, dict) else {} for task in tasks]
        texts = self._texts(project_id, scheme, known)
        ids = [task.get("id") for task in known]
        sure = self._settings.show_guess_from
        began = monotonic()
        found = loaded.vectors(texts, ANSWER_SECONDS)
        if found.late or found.late_words:
            self._put_off(project_id, loaded, found)
        elif not found.has.all():
            self._on_unseen(project_id)
        ids, texts, known = found.of(ids), found.of(texts), found.of(known)
        offered = [scheme.offered(task.get("data")) for task in known]
        left = began + ANSWER_SECONDS - monotonic()
        contents = Contents(texts, found.features, offered, found.units)
        guesses = answers(loaded, ids, contents, shown_from=sure, likely=likely, seconds=left)
        guesses = without_impossible(scheme, guesses, offered)
        rest = iter(guesses)
        return [next(rest) if has else [] for has in found.has.tolist()]

    def boxes_in(
        self, project_id: int, scheme: LabelScheme, task: dict[str, Any], name: str
    ) -> tuple[Answer, Sequence[float]]:
        """What a control's model sees in a task's image, however unsure, and how sure it is of each; nothing
        where there is no such model, or the image is not at hand. Raises as `predict`."""
        loaded = self._load(project_id)
        models = [] if loaded is None or not scheme.fits(loaded.version.scheme) else loaded.version.models
        model = next((each for each in models if each.control.from_name == name), None)
        if loaded is None or model is None:
            return NOTHING, ()
        found = loaded.vectors(self._texts(project_id, scheme, [task]), ANSWER_SECONDS)
        if found.units is None or not found.units.items:
            self._on_unseen(project_id)
            return NOTHING, ()
        answers, sure = boxes_seen(model, found.units, DRAWN_FROM)
        return answers[0], sure[0]

    def _put_off(self, project_id: int, loaded: Loaded, found: Found) -> None:
        """For the next time it is asked; this answer does not depend on it."""
        late = sum(not has for has in found.has.tolist())
        logger.info("project %d: %d tasks have no prediction yet: their content waits", project_id, late)
        try:
            self._on_late(project_id, loaded.put_off(found))
        except (AtlasError, OSError) as error:
            logger.warning("project %d: %s", project_id, error)

    def _texts(self, project_id: int, scheme: LabelScheme, tasks: Sequence[dict[str, Any]]) -> list[str]:
        """Empty for a task that cannot be read, which is named in the log once."""
        read = [text_in(scheme, task.get("data")) for task in tasks]
        problems = {
            str(task.get("id")): problem
            for task, (_, problem) in zip(tasks, read, strict=True)
            if problem is not None and (project_id, str(task.get("id"))) not in self._unreadable
        }
        if problems:
            logger.warning("project %d: %s", project_id, unreadable_in_words(problems))
        if len(self._unreadable) < UNREADABLE_KEPT:
            self._unreadable |= {(project_id, task) for task in problems}
        return [text for text, _ in read]

    def _load(self, project_id: int, name: str | None = None) -> Loaded | None:
        if name is not None:
            return self._get(project_id, name)
        store = version_store(self._settings, project_id)
        while (chosen := store.chosen()) is not None:
            try:
                return self._get(project_id, chosen)
            except DamagedFile as damage:
                if store.chosen() == chosen:  # else it was replaced, and deleted, under our eyes
                    return self._served_before(project_id, chosen, damage)
        return None

    def _get(self, project_id: int, name: str) -> Loaded:
        return self._loaded.get((project_id, name), lambda: load_version(self._settings, project_id, name))

    def _served_before(self, project_id: int, chosen: str, damage: DamagedFile) -> Loaded:
        """The newest of the versions before that can be read. Raises `damage` where none can."""
        logger.error("%s", damage)
        self._on_damage(project_id)
        for name in version_store(self._settings, project_id).before(chosen):
            try:
                return self._get(project_id, name)
            except DamagedFile as error:
                logger.error("%s", error)
        raise damage


def answers(
    loaded: Loaded,
    ids: Sequence[Any],
    contents: Contents,
    *,
    shown_from: float = 0.0,
    likely: int | None = 0,
    seconds: float = ANSWER_SECONDS,
) -> list[dict[str, Any]]:
    """One prediction per content, in order. `ids` say which of them were ranked; None for one without.

    contents: as the version's encoders see them; shown_from: how likely right a guess must be to be in it.
    likely: with the `probabilities` of so many choices of each control, the likeliest first, None for all,
    and with `why` it stands where it does: see `Reason`; 0 for neither.
    Tasks that the version is silent on have no guess.
    seconds: for what an adapted model says; of texts that it does not come to the version's network does.
    """
    said: Sequence[Said]
    said = ordered = outputs_of(loaded.version, contents)
    texts, features = contents.values, contents.features
    seen = seen_before(loaded.version, texts)
    worth = worth_of(loaded.version, said)
    scores = _scores(loaded, ids, texts, seen, worth)
    said = said_by(loaded.adapted, said, contents, seconds)
    shown = regions(loaded.version, said, len(texts), shown_from=shown_from)
    shown = with_given(loaded.version, seen, shown, texts)
    silent = [isinstance(task, int) and task in loaded.silent for task in ids]
    shown = [[] if is_silent else each for is_silent, each in zip(silent, shown, strict=True)]
    made = [prediction(loaded.version.name, place, each) for place, each in zip(scores, shown, strict=True)]
    if likely == 0:
        return made
    likelihoods = probabilities(said, len(texts), most=likely)
    reasons = reasons_of(loaded.version, scores, features, ordered, _came(loaded, ids, seen))
    return [
        {**item, "probabilities": each, "why": why.as_json()}
        for item, each, why in zip(made, likelihoods, reasons, strict=True)
    ]


def why(loaded: Loaded, ids: Sequence[int], texts: Sequence[str], scores: Sequence[float]) -> list[Reason]:
    """Of tasks with these places in the queue; of those without kept vectors no more than the place."""
    found = loaded.vectors(texts, 0)
    came = _came(loaded, ids, seen_before(loaded.version, texts))
    reasons = reasons_of(loaded.version, scores, came=came)
    said = outputs_of(loaded.version, Contents(found.of(texts), found.features, units=found.units))
    known = reasons_of(loaded.version, found.of(scores), found.features, said, found.of(came))
    rest = iter(known)
    return [next(rest) if has else bare for bare, has in zip(reasons, found.has.tolist(), strict=True)]


def _came(loaded: Loaded, ids: Sequence[Any], seen: Ints) -> list[str | None]:
    """How tasks that are not in the version's queue came to their place."""
    known = (isinstance(i, int) and i in loaded.place_of for i in ids)
    copies = (seen != UNKNOWN).tolist()
    return [None if there else COPY if copy else LATE for there, copy in zip(known, copies, strict=True)]


def _scores(
    loaded: Loaded, ids: Sequence[Any], texts: Sequence[str], seen: Ints, worth: Tensor | None
) -> list[float]:
    """Where each task stands in the published queue, or would stand had it been there: in (0, 1).

    Distinct from each other and from every place of the queue, and the same whenever asked.
    worth: float [N], of a label of each; None where that is not known.
    """
    model = loaded.version
    keys = [lot_of(task_id, text) for task_id, text in zip(ids, texts, strict=True)]
    ranked = loaded.version.queue_worth
    unseen = keys if worth is None or not len(ranked) else between(ranked, worth, keys)
    for copy in (seen != UNKNOWN).nonzero()[0].tolist():
        unseen[copy] = place_behind(model, ids[copy], texts[copy])
    return [
        loaded.place_of.get(task_id, place) if isinstance(task_id, int) else place
        for task_id, place in zip(ids, unseen, strict=True)
    ]
