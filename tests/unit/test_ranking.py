"""An order of items is read and told, and nothing is said that Label Studio would not open."""

from __future__ import annotations

import json
import tracemalloc
from math import comb
from typing import Any

from hypothesis import given

from backend.controls.config import parse_label_config
from backend.controls.unlearned import not_learned
from tests.fakes.loop import Loop
from tests.unit.test_hostile import JSON

CONFIG = '<View><List name="l" value="$items"/><Ranker name="r" toName="l">{}</Ranker></View>'
FLAT = CONFIG.format("")
RANKING = parse_label_config(FLAT).main


def ranked(order: Any) -> dict[str, Any]:
    return {"from_name": "r", "to_name": "l", "type": "ranker", "value": {"ranker": order}}


def items(*names: str) -> list[dict[str, str]]:
    return [{"id": name, "title": name, "html": f"<b>the {name}</b> &amp; more"} for name in names]


def test_an_order_is_read_as_it_was_written_and_compared_by_pairs() -> None:
    one, other = (RANKING.read([ranked({"r": order})]) for order in (["a", "b", "c"], ["b", "a", "c"]))
    assert one is not None
    assert other is not None
    assert RANKING.read(RANKING.regions(one, 0.5)) == one
    assert RANKING.in_words(one) == ["a, b, c"]
    assert RANKING.agreement(one, other) == RANKING.agreement(other, one) == 2 / 3
    best, rest = (RANKING.read([ranked({"best": ["a"], "rest": each})]) for each in (["b", "c"], ["c", "b"]))
    assert best is not None
    assert rest is not None
    assert RANKING.agreement(best, rest) == 1
    assert RANKING.agreement(one, RANKING.read([ranked({"r": ["x"]})]) or "") == 0
    assert RANKING.unknown_in(ranked(["a"])) == [["a"]]


def test_a_list_without_end_is_compared_by_its_first_items() -> None:
    names = [str(number) for number in range(30_000)]
    one, other = (RANKING.read([ranked({"r": each})]) or "" for each in (names, names[::-1]))
    reordered = RANKING.read([ranked({"r": [names[1], names[0], *names[2:]]})]) or ""
    tracemalloc.start()
    assert RANKING.agreement(one, other) < 0.3
    assert RANKING.agreement(one, reordered) == 1 - 1 / comb(200, 2)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 2**20


@given(JSON)
def test_whatever_stands_in_it_is_read(value: Any) -> None:
    for result in (value, [value], [ranked(value)], [ranked({"r": value})]):
        answer = RANKING.read(result)
        assert answer is None or RANKING.agreement(answer, answer) == 1


def test_its_items_are_read_and_that_nothing_is_learned_is_said() -> None:
    assert RANKING.source.content({"items": items("ant", "bee")}) == "ant the ant & more\nbee the bee & more"
    (line,) = not_learned(FLAT)
    assert "none is learned or predicted" in line
    beside = FLAT.replace("</View>", '<Text name="t" value="$t"/><Rating name="s" toName="t"/></View>')
    assert parse_label_config(beside).main.from_name == "s"


def test_title_and_body_are_text_as_the_editor_shows_them() -> None:
    item = {"title": "A<B", "body": "5 < 6 and x<y", "html": "<i>1 &lt; 2</i>"}
    assert RANKING.source.content({"items": [item, "no item"]}) == "A<B 5 < 6 and x<y 1 < 2\n"


def test_a_queue_of_orders_serves_typical_tasks_and_tells_no_order(loop: Loop) -> None:
    names = ["ant", "bee", "cow", "dog", "eel", "fox"]
    lists = [items(names[i % 6], names[(i + 1 + i // 6) % 6]) for i in range(12)]
    project = loop.fake.create([{"items": each} for each in lists], label_config=FLAT)
    for task in list(project.tasks)[:4]:
        ids = [each["id"] for each in project.tasks[task]["data"]["items"]]
        loop.fake.annotate(project.id, task, [ranked({"r": ids})])
    done = loop.retrain(project)
    assert done["published"]
    assert len(loop.queue(project)) == 8
    assert not any(each["result"] for each in project.predictions)
    assert json.dumps(done)
