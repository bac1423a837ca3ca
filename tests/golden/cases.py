"""The configs, their tasks and their labels: small, made up, and the same for ever."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.fakes.label_studio import choice

TOPICS = {
    "weather": "storm rain flood wind thunder hail cloud snow frost heat",
    "sport": "cup goal league match coach race medal team score referee",
    "money": "bank loan market price share tax profit budget trade coin",
}
COMMON = "today town people again report after week many north old new house"
TASKS = 40
LABELED = 16
STRATEGIES = ("auto", "margin", "atlas", "bald", "badge", "transfer_representative")
TEXT = '<Text name="o" value="$text"/>'
OPTIONS = "".join(f'<Choice value="{topic}"/>' for topic in TOPICS)
SINGLE = f'<Choices name="c" toName="o">{OPTIONS}</Choices>'
Regions = list[dict[str, Any]]


def texts() -> list[tuple[str, tuple[str, ...]]]:
    """Each with its topics: one, or two in every fourth text."""
    chance = random.Random(20261127)
    made = []
    for i in range(TASKS):
        topics = chance.sample(sorted(TOPICS), 2 if i % 4 == 3 else 1)
        words = [word for topic in topics for word in chance.sample(TOPICS[topic].split(), 4 // len(topics))]
        words += chance.sample(COMMON.split(), 4)
        chance.shuffle(words)
        made.append((" ".join(words), tuple(topics)))
    return made


@dataclass(frozen=True)
class Case:
    """data: a task's data for a text; answer: what an annotator submits for a text's topics."""

    config: str
    data: Callable[[str], dict[str, Any]]
    answer: Callable[[tuple[str, ...]], Regions]


def _text(text: str) -> dict[str, Any]:
    return {"text": text}


def _one(topics: tuple[str, ...]) -> Regions:
    return [choice(topics[0], "c", "o")]


def _several(topics: tuple[str, ...]) -> Regions:
    return [{**choice("", "c", "o"), "value": {"choices": list(topics)}}]


def _paths(topics: tuple[str, ...]) -> Regions:
    paths = [[topic] for topic in topics]
    return [{"from_name": "c", "to_name": "o", "type": "taxonomy", "value": {"taxonomy": paths}}]


def _not_money(topics: tuple[str, ...]) -> Regions:
    """Left blank where there is nothing but money."""
    named = [topic for topic in topics if topic != "money"]
    return _several(tuple(named)) if named else []


def _two(topics: tuple[str, ...]) -> Regions:
    return [*_one(topics), choice("long" if len(topics) > 1 else "short", "d", "o")]


def _offered(text: str) -> dict[str, Any]:
    return {"text": text, "options": [{"value": topic} for topic in TOPICS]}


SECOND = '<Choices name="d" toName="o"><Choice value="short"/><Choice value="long"/></Choices>'
MULTIPLE = SINGLE.replace('toName="o"', 'toName="o" choice="multiple"')
CASES = {
    "single": Case(TEXT + SINGLE, _text, _one),
    "multiple": Case(TEXT + MULTIPLE.replace("<Choices ", '<Choices required="true" '), _text, _several),
    "taxonomy": Case(f'{TEXT}<Taxonomy name="c" toName="o">{OPTIONS}</Taxonomy>', _text, _paths),
    "dynamic": Case(TEXT + '<Choices name="c" toName="o" value="$options"/>', _offered, _one),
    "may be blank": Case(TEXT + MULTIPLE, _text, _not_money),
    "two controls": Case(TEXT + SINGLE + SECOND, _text, _two),
    "HyperText": Case(
        '<HyperText name="o" value="$page"/>' + SINGLE, lambda t: {"page": f"<p>{t}</p>"}, _one
    ),
    "Paragraphs": Case(
        '<Paragraphs name="o" value="$talk" nameKey="who" textKey="said"/>' + SINGLE,
        lambda t: {"talk": [{"who": "a", "said": t}, {"who": "b", "said": "?"}]},
        _one,
    ),
}
