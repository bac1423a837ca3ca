"""What annotators' answers add to what is asked."""

from __future__ import annotations

import pytest

from backend.controls.config import parse_label_config
from backend.jobs.answered import answered
from backend.store.tasks import StoredTask
from tests.unit.schemes import scheme, several, single

TWO = scheme(several("c", ("a", "b", "c")), several("d", ("x", "y")))


def task(number: int, target: str | None = None, **others: str) -> StoredTask:
    return StoredTask(number, "text", target is not None, {}, target, others=others)


def test_each_controls_answers_become_its_own_classes() -> None:
    tasks = [task(1, '["b"]', d='["y"]'), task(2, '["a", "b"]'), task(3, '["b"]', d='["x", "y"]')]
    found = answered(TWO, tasks, wraps=False)
    assert found.main.classes == ('["a", "b"]', '["b"]')
    assert found.companions[0].classes == ('["x", "y"]', '["y"]')


def test_a_task_without_an_answer_adds_nothing_and_a_companion_alone_counts() -> None:
    found = answered(TWO, [task(1), task(2, None, d='["x"]'), task(3, None, e='["x"]')], wraps=False)
    assert found.main.classes == ()
    assert found.companions[0].classes == ('["x"]',)


def test_without_tasks_it_stays_as_the_config_has_it() -> None:
    fixed = scheme(single("c", "a", "b"), single("d", "x", "y"))
    assert answered(fixed, [], wraps=False) == fixed
    assert answered(fixed, [task(1, "a", d="y")], wraps=False) == fixed


@pytest.mark.parametrize(("wraps", "classes"), [(True, ("(free text)",)), (False, ("no", "yes"))])
def test_what_another_backend_answers_is_judged_not_learned(wraps: bool, classes: tuple[str, ...]) -> None:
    """Texts that repeat are classes to learn, and free texts to compare."""
    xml = '<View><Text name="t" value="$text"/><TextArea name="c" toName="t"/></View>'
    tasks = [task(i, ("yes", "no")[i % 2]) for i in range(8)]
    assert answered(parse_label_config(xml), tasks, wraps).main.classes == classes


def test_the_configs_other_controls_stay_beside() -> None:
    other = '<TextArea name="c" toName="t" perRegion="true"/><Choices name="d" toName="t" choice="multiple">'
    options = '<Choice value="a"/><Choice value="b"/></Choices>'
    found = parse_label_config(f'<View><Text name="t" value="$text"/>{other}{options}</View>')
    assert found.beside == ("c",)
    assert answered(found, [task(1, '["a"]')], wraps=False).beside == ("c",)
