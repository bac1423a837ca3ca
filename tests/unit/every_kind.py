"""A small project of each kind that the loop works on, labelled and trained, on a Label Studio in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import pytest

from backend.jobs.learners import boxes
from backend.jobs.projecting import project_items
from backend.jobs.studying import study
from backend.jobs.wrapped_pull import pull_wrapped
from backend.learning import detection, projection
from backend.learning.detection import train_detection
from tests.content import FileServer
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop, label_of
from tests.fakes.project import FakeProject
from tests.fakes.rows import Json
from tests.fakes.wrapped import FakeBackend
from tests.unit import span_scenes
from tests.unit.squares import CONFIGS, EDGE, HEIGHT, IMAGE, LABELS, WIDTH, asked, hardly_learned, square
from tests.unit.test_wrapped_pull import said, wrapping

WORDS = ("awful", "poor", "fine", "good", "superb")
COUNT = 30
TEXT = '<Text name="t" value="$text"/>'
BOXES = f'<View>{IMAGE}<RectangleLabels name="b" toName="i">{LABELS}</RectangleLabels></View>'
PICTURES = (
    f'<View>{IMAGE}<Choices name="c" toName="i"><Choice value="red"/><Choice value="blue"/></Choices></View>'
)
PAIRS = (
    '<View><Pairwise name="p" toName="a,b"/><Text name="a" value="$one"/><Text name="b" value="$two"/></View>'
)
MOOD = '<Choices name="mood" toName="t"><Choice value="glad"/><Choice value="sad"/></Choices>'
TOPIC = '<Choices name="topic" toName="t"><Choice value="odd"/><Choice value="even"/></Choices>'


class EveryKind:
    """files: have the pictures of `squares`; theirs: what is wrapped."""

    def __init__(self, loop: Loop, files: FileServer, theirs: FakeBackend):
        self._loop = loop
        self._files = files
        self._theirs = theirs

    def made(self) -> dict[str, FakeProject]:
        """By the kind's name: each has labels of two annotators, a version, a study and a map."""
        kinds: dict[str, Callable[[], FakeProject]] = {
            "texts": self._texts,
            "several controls": self._several,
            "images": self._pictures,
            "spans": self._spans,
            "boxes": self._boxes,
            "areas": self._areas,
            "pairs": self._pairs,
            "stars": partial(self._numbers, "Rating", "rating", lambda i: 1 + i % 5),
            "numbers": partial(self._numbers, "Number", "number", lambda i: 10 * (i % 5) + i % 2),
            "free text": self._free_text,
            "wrapped": self._wrapped,
        }
        found = {}
        for name, make in kinds.items():
            found[name] = project = make()
            project.settings["title"] = name
            self._loop.retrain(project)
            study(project.id)
            project_items(project.id)
        return found

    def _create(self, config: str, rows: Sequence[Json], answer: Callable[[int], list[Json]]) -> FakeProject:
        """The first two thirds of the tasks are labelled, every fourth of these by two annotators."""
        project = self._loop.fake.create(rows, label_config=config, maximum_annotations=2)
        self._loop.fake.spread(project.id)
        for i, task in list(enumerate(project.tasks))[: 2 * len(rows) // 3]:
            for user in (1, 2)[: 1 + (i % 4 == 0)]:
                self._loop.fake.annotate(project.id, task, answer(i), user=user)
            self._loop.state(project).note_changes(1)
        return project

    def _texts(self) -> FakeProject:
        project = self._loop.create(COUNT, labeled=20)
        for task in list(project.tasks)[:8]:
            self._loop.label(project, task, user=2)
        self._loop.label(project, list(project.tasks)[8], "other", user=2)
        self._loop.label(project, list(project.tasks)[10], "other")
        return project

    def _several(self) -> FakeProject:
        rows = [
            {"text": f"{('smile', 'tears')[i // 2 % 2]} {('one', 'two')[i % 2]} n{i}"} for i in range(COUNT)
        ]

        def answer(i: int) -> list[Json]:
            said = {"mood": ("glad", "sad")[i // 2 % 2], "topic": ("odd", "even")[i % 2]}
            return [
                {"from_name": name, "to_name": "t", "type": "choices", "value": {"choices": [each]}}
                for name, each in said.items()
            ]

        return self._create(f"<View>{TEXT}{MOOD}{TOPIC}</View>", rows, answer)

    def _addresses(self, count: int) -> list[Json]:
        return [{"image": f"{self._files.url}/{i}.png"} for i in range(count)]

    def _pictures(self) -> FakeProject:
        def answer(i: int) -> list[Json]:
            value = {"choices": [("red", "blue")[i % 2]]}
            return [{"from_name": "c", "to_name": "i", "type": "choices", "value": value}]

        return self._create(PICTURES, self._addresses(12), answer)

    def _spans(self) -> FakeProject:
        project = span_scenes.span_project(self._loop)
        span_scenes.mark(self._loop, project, list(project.tasks)[:16])
        return project

    def _boxes(self) -> FakeProject:
        def answer(i: int) -> list[Json]:
            rows, columns = square(i).nonzero()
            value = {
                "x": 100 * columns.min() / WIDTH,
                "y": 100 * rows.min() / HEIGHT,
                "width": 100 * EDGE / WIDTH,
                "height": 100 * EDGE / HEIGHT,
                "rotation": 0,
                "rectanglelabels": [("red", "blue")[i % 2]],
            }
            return [{"from_name": "b", "to_name": "i", "type": "rectanglelabels", "value": value}]

        return self._create(BOXES, self._addresses(12), answer)

    def _areas(self) -> FakeProject:
        found = asked(self._loop, self._files, CONFIGS["brush"][1], count=12)
        found.mark(self._loop, range(8))
        return found.project

    def _pairs(self) -> FakeProject:
        rows = [
            {"one": f"{WORDS[i % 5]} thing", "two": f"{WORDS[(i // 5 + i + 1) % 5]} thing {i}"}
            for i in range(COUNT)
        ]

        def answer(i: int) -> list[Json]:
            one, two = (WORDS.index(rows[i][side].split()[0]) for side in ("one", "two"))
            value = {"selected": "left" if one > two else "right"}
            return [{"from_name": "p", "to_name": "a", "type": "pairwise", "value": value}]

        return self._create(PAIRS, rows, answer)

    def _numbers(self, tag: str, kind: str, right: Callable[[int], int]) -> FakeProject:
        rows = [{"text": f"{WORDS[i % 5]} thing {i}"} for i in range(COUNT)]

        def answer(i: int) -> list[Json]:
            return [{"from_name": "n", "to_name": "t", "type": kind, "value": {kind: right(i)}}]

        return self._create(f'<View>{TEXT}<{tag} name="n" toName="t"/></View>', rows, answer)

    def _free_text(self) -> FakeProject:
        rows = [{"text": f"{WORDS[i % 5]} thing {i}"} for i in range(COUNT)]

        def answer(i: int) -> list[Json]:
            value = {"text": [f"it is {WORDS[i % 5]}, says number {i}"]}
            return [{"from_name": "a", "to_name": "t", "type": "textarea", "value": value}]

        return self._create(f'<View>{TEXT}<TextArea name="a" toName="t"/></View>', rows, answer)

    def _wrapped(self) -> FakeProject:
        self._theirs.answers["/predict"] = lambda body: {"results": [said(task) for task in body["tasks"]]}
        project = wrapping(self._loop, self._theirs, COUNT)
        pull_wrapped(project.id)
        for task in list(project.tasks)[:12]:
            label = label_of(project.tasks[task]["data"]["text"])
            self._loop.fake.annotate(project.id, task, [choice(label)], user=1)
            self._loop.state(project).note_changes(1)
        return project


def made_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Detectors, areas and maps are hardly learned."""
    monkeypatch.setattr(boxes, "train_detection", partial(train_detection, steps=10))
    monkeypatch.setattr(detection, "FOLDS", 2)
    hardly_learned(monkeypatch, steps=20)
    monkeypatch.setattr(projection, "EARLY", 10)
    monkeypatch.setattr(projection, "LATE", 10)
