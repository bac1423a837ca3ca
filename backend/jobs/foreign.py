"""Whoever answers for a project in our place: the ML backend that it wraps, or the model that writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis

from backend.controls.any_config import parse_config
from backend.controls.text_area import TextArea
from backend.errors import LabelConfigError, NotConfigured
from backend.generation.chat import ChatModel
from backend.generation.generating import GeneratingBackend
from backend.generation.named import GENERATION, is_run_here, named_model, text_area_of
from backend.generation.own import OwnModel
from backend.generation.prompt import instruction_in
from backend.generation.seq2seq import Seq2SeqWriter
from backend.generation.written import Example
from backend.jobs.generation_day import GenerationDay
from backend.jobs.job_settings import job_settings
from backend.jobs.pull import last_pulled
from backend.settings import Settings
from backend.store.locations import project_files
from backend.store.paths import project_dir
from backend.store.wrapped_access import read_access, target_of
from backend.store.written_texts import WrittenTexts
from backend.wrapped.client import WrappedBackend
from backend.wrapped.foreign import Foreign, Manner

FRONT = 20
"""Tasks at the head of the queue that a model writes of: what is served until there is another order."""
LONGEST_ANSWER = 2_000
"""Characters of an answer that is an example."""
AT_ONCE = 8
"""Texts that a model which is run here writes of at once; a model behind an address gets one at a time."""


def manner_of(settings: Settings, wraps: str | None) -> Manner:
    if wraps == GENERATION:
        at_once = AT_ONCE if is_run_here(settings) else 1
        return Manner(min(FRONT, settings.queue_head), 0, at_once, is_metered=True)
    return Manner(settings.queue_head, settings.wrapped_rate, settings.wrapped_batch)


@contextmanager
def foreign(
    settings: Settings, redis: Redis, project_id: int, wraps: str, label_config: str, project: str
) -> Iterator[Foreign]:
    """wraps: what the project's connection names; project: as Label Studio names it to backends.

    Raises NotConfigured where it may not be asked; ModelStoreError, DamagedFile.
    """
    if wraps == GENERATION:
        _check_switched_on(settings, project_id)
        writing = generating(settings, redis, project_id, label_config)
        try:
            yield writing
        finally:
            writing.close()
        return
    with WrappedBackend(target_of(settings, project_id, wraps), project, label_config) as backend:
        yield backend


def _check_switched_on(settings: Settings, project_id: int) -> None:
    """Whoever may change a connection in Label Studio can name the model there: what it costs is switched on
    by the operator alone. Raises NotConfigured where it is not; ModelStoreError, DamagedFile."""
    access = read_access(project_files(settings, project_id))
    if access is None or access.url != GENERATION:
        raise NotConfigured(
            f"project {project_id}'s connection asks for drafts, and nothing is sent before "
            f"`label-studio-atlas connect --project {project_id} --wraps {GENERATION}` was run where the "
            "backend runs"
        )


def generating(settings: Settings, redis: Redis, project_id: int, label_config: str) -> GeneratingBackend:
    """Raises NotConfigured, with what to do, where no model is named, or it cannot write of such."""
    named = named_model(settings)
    try:
        control = text_area_of(parse_config(label_config, settings.queue_controls, wraps=True))
    except LabelConfigError as error:
        raise NotConfigured(f"project {project_id}: {error}") from error
    record, asked = WrittenTexts(project_files(settings, project_id)), (control, label_config)
    if isinstance(named, OwnModel):
        half = settings.job_timeout / 2  # of a job, whose last batch may take long to be read
        writer = Seq2SeqWriter(named, lambda: job_settings().device, half)
        told = settings.generation_prompt.strip()
        return GeneratingBackend(writer, named.name, *asked, told, list, record, lambda: None)
    return GeneratingBackend(
        ChatModel(named),
        named.name,
        *asked,
        instruction_in(label_config, settings.generation_prompt),
        lambda: examples_of(settings, project_id, control),
        record,
        GenerationDay(redis, settings.generation_per_day).take,
    )


def examples_of(settings: Settings, project_id: int, control: TextArea) -> list[Example]:
    """The first labelled tasks by number, as they were last pulled: the same ones, as far as they stay."""
    found = list[Example]()
    for task in last_pulled(project_dir(settings.data_dir, project_id)):
        if len(found) == settings.generation_examples:
            break
        answer = "\n".join(control.in_words(task.target)) if task.target else ""
        if task.text and answer and len(answer) <= LONGEST_ANSWER:
            found.append(Example(task.text, answer))
    return found
