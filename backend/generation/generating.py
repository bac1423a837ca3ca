"""A model that writes, in the place of an ML backend: its texts are predictions of a <TextArea>."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any, Protocol

from backend.controls.text_area import TextArea
from backend.errors import NotWritten
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
        made = time.time()
        texts = [self.control.source.content(task.get("data")) for task in tasks]
        self._write(dict.fromkeys(text for text in texts if text.strip()), seconds)
        said = (self._prediction(task, text, made) for task, text in zip(tasks, texts, strict=True))
        return Answer([*said], version=self.version)

    def _prediction(self, task: Mapping[str, Any], text: str, made: float) -> WrappedPrediction | None:
        """None of a task without a text, and where it wrote nothing."""
        written = self.record.of(self._key(text))
        if written is None or not written.text:
            return None
        region = self.control.region("textarea", {"text": [written.text]}, written.sure or 0.0)
        if written.sure is None:
            del region["score"]
        about = digest_of(task.get("data"))
        return WrappedPrediction(int(task["id"]), self.version, (region,), written.sure, made, about)

    def _write(self, texts: Iterable[str], seconds: float) -> None:
        """Of those of which it has written nothing yet. What there is time for is kept; of what is left
        NotWritten is raised, for fewer to be asked about."""
        lacking = [text for text in texts if self.record.of(self._key(text)) is None]
        if not lacking:
            return
        given = self.writer.write_each(self.instruction, self._examples, self._taken(lacking), seconds)
        late = 0
        for text, written in zip(lacking, given, strict=True):
            if written is None:
                late += 1
            else:
                self.record.keep(WrittenText(self._key(text), *written))
        if late:
            raise NotWritten(
                f"{self.name} wrote {len(lacking) - late} of {len(lacking)} texts in {seconds:.3g} s",
                "Name a smaller model, set DEVICE to a GPU, or raise WRAPPED_TIMEOUT.",
                failure="slow",
            )

    def _taken(self, texts: Sequence[str]) -> Iterator[str]:
        for text in texts:
            self.take()
            yield text

    def _key(self, text: str) -> str:
        return key_of(self.version, text)

    @cached_property
    def _examples(self) -> Sequence[Example]:
        return self.examples()
