"""A model that writes, in the place of an ML backend: its texts are predictions of a <TextArea>."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Protocol

from backend.controls.text_area import TextArea
from backend.generation.named import GENERATION
from backend.generation.written import Example, Writer
from backend.store.written_texts import WrittenText, key_of
from backend.wrapped.answers import MAX_VERSION, Answer
from backend.wrapped.prediction import WrappedPrediction, digest_of
from backend.wrapped.target import Target


class Record(Protocol):
    """What it wrote before; see `WrittenTexts`."""

    def of(self, key: str) -> WrittenText | None: ...

    def keep(self, written: WrittenText) -> None: ...


@dataclass
class GeneratingBackend:
    """A `Foreign`. name: the model's; instruction: what it is told to do; examples: gives labelled texts,
    asked for once; take: is called before each text that is sent, and raises DayIsSpent."""

    writer: Writer
    name: str
    control: TextArea
    label_config: str
    instruction: str
    examples: Callable[[], Sequence[Example]]
    record: Record
    take: Callable[[], object]
    target: Target = field(default_factory=lambda: Target(GENERATION))
    _examples: Sequence[Example] | None = None

    def close(self) -> None:
        self.writer.close()

    @property
    def version(self) -> str:
        """Another one for another model, and for the same one that is told to do something else."""
        told = blake2b(self.instruction.encode(), digest_size=4).hexdigest()
        return f"{self.name[: MAX_VERSION - 20]} {told}"

    def health(self) -> None:
        self.writer.check()

    def setup(self, *, hostname: str = "", seconds: float = 0) -> str:
        """Nothing is sent."""
        return self.version

    def forward(self, event: Mapping[str, Any], *, seconds: float = 0) -> None:
        """It learns of annotations by nothing but its examples."""

    def predict(
        self,
        tasks: Sequence[Mapping[str, Any]],
        context: Any = None,
        *,
        seconds: float = 60,
        version: str | None = None,
    ) -> Answer:
        """Of each task with a text what it writes, or has written before. Raises GenerationError."""
        return Answer([self._prediction(task, seconds) for task in tasks], version=self.version)

    def _prediction(self, task: Mapping[str, Any], seconds: float) -> WrappedPrediction | None:
        """None of a task without a text, and where it wrote nothing."""
        text = self.control.source.content(task.get("data"))
        if not text.strip():
            return None
        made = time.time()
        key = key_of(self.version, text)
        written = self.record.of(key)
        if written is None:
            written = self._written(key, text, seconds)
        if not written.text:
            return None
        region = self.control.region("textarea", {"text": [written.text]}, written.sure or 0.0)
        if written.sure is None:
            del region["score"]
        about = digest_of(task.get("data"))
        return WrappedPrediction(int(task["id"]), self.version, (region,), written.sure, made, about)

    def _written(self, key: str, text: str, seconds: float) -> WrittenText:
        self.take()
        if self._examples is None:
            self._examples = self.examples()
        others = [each for each in self._examples if each.text != text]
        found = WrittenText(key, *self.writer.write(self.instruction, others, text, seconds))
        self.record.keep(found)
        return found
