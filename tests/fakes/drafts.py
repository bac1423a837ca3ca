"""A project that asks for texts, and a model that writes drafts of them, and fails on one kind of text."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from backend.jobs.wrapped_pull import pull_wrapped
from backend.store.locations import project_files
from backend.store.wrapped_access import WrappedAccess, keep_access
from tests.fakes.chat import KEY, FakeChat
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject

CONFIG = (
    '<View><Header value="What is it about?"/><Text name="text" value="$text"/>'
    '<TextArea name="sum" toName="text"/></View>'
)
KINDS = {
    "weather": "storm rain flood wind thunder cloud drizzle frost",
    "sport": "match goal team season coach league player stadium",
    "food": "recipe flour butter oven soup salad kitchen spice",
    "money": "bank loan interest market share profit budget price",
    "poetry": "verse rhyme stanza sonnet metaphor ballad elegy ode",
}
WEAK = "poetry"


def draft(content: str) -> str:
    """What annotators write: what it is about, and its first word."""
    kind = next(kind for kind, words in KINDS.items() if content.split()[0] in words.split())
    return f"It is about {kind}, first of all {content.split()[0]}."


def written(content: str) -> tuple[str, float | None]:
    """The model's: right but of the weak kind, and as sure of that."""
    right = draft(content)
    sure = 0.6 + 0.3 * random.Random(content).random()
    return ("???", sure) if WEAK in right else (right, sure)


def contents(count: int, share: float, seed: int) -> list[str]:
    """Of the kinds, so many of the weak one, no two alike."""
    draw = random.Random(seed)
    others = [kind for kind in KINDS if kind != WEAK]
    kinds = [WEAK if i < round(count * share) else others[i % len(others)] for i in range(count)]
    draw.shuffle(kinds)
    return [" ".join([*draw.sample(KINDS[kind].split(), 5), f"number {i}"]) for i, kind in enumerate(kinds)]


def answer(content: str) -> list[dict[str, Any]]:
    """As annotators submit it."""
    region = {"from_name": "sum", "to_name": "text", "type": "textarea"}
    return [{**region, "value": {"text": [draft(content)]}}]


def name_model(loop: Loop, chat: FakeChat, **settings: Any) -> None:
    named = {"generation_url": f"{chat.url}/v1", "generation_model": "tiny", "generation_key": KEY}
    loop.set(**named, **settings)


@dataclass
class Drafts:
    """A project of such texts, with the model to write."""

    loop: Loop
    project: FakeProject
    labelled: list[int] = field(default_factory=list)

    @classmethod
    def made(cls, loop: Loop, texts: list[str], label_config: str = CONFIG) -> Drafts:
        project = loop.fake.create(texts, label_config=label_config)
        loop.fake.spread(project.id)
        for connection in project.connections.values():
            connection["extra_params"] = {"wraps": "generation"}
        keep_access(project_files(loop.settings, project.id), WrappedAccess("generation"))
        loop.retrain(project)  # which learns what the connection says
        loop.retrain(project)
        return cls(loop, project)

    def text(self, task: int) -> str:
        return str(self.project.tasks[task]["data"]["text"])

    def label(self, count: int) -> None:
        """So many at the head of the queue."""
        for task in self.loop.queue(self.project)[:count]:
            self.loop.fake.annotate(self.project.id, task, answer(self.text(task)))
            self.loop.state(self.project).note_changes(1)
            self.labelled.append(task)

    def go_on(self) -> dict[str, Any]:
        """The order after that, what is written for it, and the order that follows from this."""
        self.loop.retrain(self.project)
        done = pull_wrapped(self.project.id)
        self.loop.retrain(self.project)
        return done

    def shown(self) -> dict[int, str]:
        """By task of the published head, what annotators find written, "" for nothing."""
        current = self.project.settings["model_version"]
        ours = [each for each in self.project.predictions if each["model_version"] == current]
        return {
            each["task"]: each["result"][0]["value"]["text"][0] if each["result"] else "" for each in ours
        }

    @property
    def errors(self) -> int:
        """Of the labelled tasks, those that the model is wrong about."""
        return sum(written(self.text(task))[0] != draft(self.text(task)) for task in self.labelled)
