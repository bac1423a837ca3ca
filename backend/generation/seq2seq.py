"""A sequence-to-sequence model writes within a worker's own process: nothing is sent anywhere.

transformers is imported once a text is to be written, and not before. Weights are read from safetensors
alone, no code that comes with a model is run, and nothing is fetched.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.errors import GenerationError, NotWritten
from backend.generation.own import OwnModel
from backend.generation.prompt import shortened
from backend.generation.written import LONGEST, Example, Written, sureness

if TYPE_CHECKING:
    from torch import Tensor

MOST_READ, MOST_WRITTEN = 1024, 256
"""Pieces of a text that are read, and of what is written of it, where the model takes as many."""
SLOW = "Name a smaller model, set DEVICE to a GPU, or raise WRAPPED_TIMEOUT."


class Seq2SeqWriter:
    """A `Writer`. device: tells, in the process that writes, where; most: seconds, in all of its life."""

    def __init__(
        self,
        model: OwnModel,
        device: Callable[[], str],
        most: float,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._model = model
        self._device = device
        self._clock = clock
        self._until = clock() + most

    def check(self) -> None:
        """`own_model` has looked whether it is there."""

    def close(self) -> None:
        """It stays loaded, for the next one in this process."""

    def write_each(
        self, instruction: str, examples: Sequence[Example], texts: Iterator[str], seconds: float
    ) -> Iterator[Written | None]:
        """All at once. The instruction stands before each text; such models take no examples."""
        given = [f"{instruction} {shortened(text)}".strip() for text in texts]
        model = loaded(self._model.folder, self._device())
        seconds = min(seconds, self._until - self._clock())
        if seconds <= 0:
            raise GenerationError(
                f"{self._model.name} has used up the time that a job may take", SLOW, failure="slow"
            )
        try:
            written = model.write(given, seconds)
        except Exception as error:  # whatever a model and its tokenizer make of a text
            raise NotWritten(
                f"{self._model.name} fails: {type(error).__name__}: {str(error)[:200]}",
                "The order goes on without that text. Where it fails at every one, name another model.",
            ) from error
        yield from written


class Seq2Seq:
    """A model with its tokenizer, on a device."""

    def __init__(self, model: Any, tokenizer: Any, device: str):
        self._model = model
        self._tokenizer = tokenizer
        self._device = device
        room = getattr(model.config, "max_position_embeddings", None) or MOST_READ
        self._most_read = min(MOST_READ, tokenizer.model_max_length, room)
        self._most_written = min(MOST_WRITTEN, room - 1)

    def write(self, texts: Sequence[str], seconds: float) -> list[Written | None]:
        """Of each text the likeliest piece after piece (Graves 2012's greedy search), and how likely these
        are; None where the time was over before it had ended."""
        import torch

        read = self._tokenizer(
            list(texts), truncation=True, max_length=self._most_read, padding=True, return_tensors="pt"
        )
        likely = LogProbabilities()
        with torch.inference_mode():
            rows = self._model.generate(
                input_ids=read["input_ids"].to(self._device),
                attention_mask=read["attention_mask"].to(self._device),
                do_sample=False,
                num_beams=1,
                max_new_tokens=self._most_written,
                max_time=seconds,
                logits_processor=[likely],
            )
        told = likely.of(rows).cpu()
        return [self._written(row, each) for row, each in zip(rows[:, 1:].cpu(), told, strict=True)]

    def _written(self, row: Tensor, likely: Tensor) -> Written | None:
        """row: int64 [T], without the piece that all begin with; likely: float32 [T]."""
        import torch

        ends = torch.tensor(self._ends, dtype=row.dtype)
        ended = torch.isin(row, ends).nonzero()[:, 0]
        if not len(ended) and len(row) < self._most_written:
            return None
        pieces = int(ended[0]) + 1 if len(ended) else len(row)
        text = self._tokenizer.decode(row[:pieces].tolist(), skip_special_tokens=True)
        clean = text.replace("\0", "").encode("utf-8", "replace").decode()
        return Written(clean.strip()[:LONGEST], sureness(likely[:pieces].tolist()))

    @property
    def _ends(self) -> list[int]:
        """Pieces that end a text."""
        found = self._model.generation_config.eos_token_id
        return [] if found is None else [found] if isinstance(found, int) else list(found)


class LogProbabilities:
    """Called with what is scored at each step, last of all that change scores; keeps one step's alone, since
    those of a large vocabulary take a megabyte a piece."""

    def __init__(self) -> None:
        self._last: Tensor | None = None
        self._chosen: list[Tensor] = []

    def __call__(self, pieces: Tensor, scores: Tensor) -> Tensor:
        """pieces: int64 [B, t], so far; scores: float [B, V], of the next."""
        self._look(pieces)
        self._last = scores.float().log_softmax(-1)
        return scores

    def of(self, pieces: Tensor) -> Tensor:
        """The log-probability of each piece but the first, float32 [B, T]. pieces: int64 [B, 1 + T], all."""
        import torch

        self._look(pieces)
        self._last = None
        return torch.stack(self._chosen, 1)

    def _look(self, pieces: Tensor) -> None:
        if self._last is not None:
            self._chosen.append(self._last.gather(1, pieces[:, -1:])[:, 0])


@lru_cache(maxsize=1)
def loaded(folder: Path, device: str) -> Seq2Seq:
    """Once per process. Raises GenerationError."""
    try:
        from transformers import AutoModelForSeq2SeqLM, AutoTokenizer
        from transformers.utils import logging

        logging.set_verbosity_error()
        logging.disable_progress_bar()
        here: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        model = AutoModelForSeq2SeqLM.from_pretrained(folder, use_safetensors=True, **here)
        tokenizer = AutoTokenizer.from_pretrained(folder, **here)
        return Seq2Seq(model.float().eval().to(device), tokenizer, device)
    except Exception as error:  # of as many kinds as there are models
        raise GenerationError(
            f"the model in {folder} cannot be loaded: {type(error).__name__}: {str(error)[:500]}",
            "Name another model in GENERATION_MODEL, or mend what it says.",
        ) from error
