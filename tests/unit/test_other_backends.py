"""The doctor's check for a second backend on a project, whose order would replace this one's in turn."""

from __future__ import annotations

import pytest

from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.examine import all_is_well
from backend.doctor.finding import Finding, State
from backend.labelstudio.administration import Connection, Webhook
from backend.settings import Settings

OURS = Connection(1, "http://localhost:9191", "label-studio-atlas", "CO", "")
OURS_TOO = Connection(2, "http://127.0.0.1:9191", "label-studio-atlas", "CO", "")
THEIRS = Connection(3, "http://localhost:9090/", "label-studio-atlas", "CO", "")
BY_HAND = Connection(4, "http://localhost:9090", "by hand", "CO", "")
OUR_HOOK = Webhook("http://localhost:9191/webhook?project=1", id=5)
THEIR_HOOK = Webhook("http://localhost:9090/webhook?project=1", id=6)
MADE_BY_LABEL_STUDIO = Webhook("http://localhost:9090/webhook", id=7)
SWITCHED_OFF = Webhook("http://localhost:9090/webhook?project=1", is_active=False, id=8)
SOMETHING_ELSE = Webhook("http://localhost:9090/hooks", id=9)


def found(
    connections: list[Connection], webhooks: list[Webhook], another: bool | None, port: int = 9191
) -> Finding:
    """another: what is found out of whoever answers on port 9090."""
    bench = ProjectBench(Bench(), 1)
    bench.bench.settings = Settings(port=port)
    bench.bench.is_another = lambda url: another if "9090" in url else False  # type: ignore[method-assign]
    vars(bench).update(connections=[OURS, *connections], all_webhooks=[OUR_HOOK, *webhooks])
    return CHECKS["other backends"].function(bench)


@pytest.mark.parametrize(
    ("connections", "webhooks"),
    [([THEIRS], []), ([BY_HAND], []), ([], [THEIR_HOOK]), ([], [MADE_BY_LABEL_STUDIO])],
)
def test_another_backend_that_answers_is_a_fault(
    connections: list[Connection], webhooks: list[Webhook]
) -> None:
    finding = found(connections, webhooks, another=True)
    assert not all_is_well([finding])
    assert "http://localhost:9090 (" in finding.found
    assert "Settings > Model" in finding.remedy
    assert "Settings > Webhooks" in finding.remedy


@pytest.mark.parametrize(
    ("connections", "webhooks", "state"),
    [
        ([THEIRS], [], State.NOTE),
        ([], [THEIR_HOOK], State.NOTE),
        ([BY_HAND], [MADE_BY_LABEL_STUDIO], State.OK),  # of any other ML backend
    ],
)
def test_one_that_cannot_be_reached_from_here_is_noted_where_connect_set_it_up(
    connections: list[Connection], webhooks: list[Webhook], state: State
) -> None:
    assert found(connections, webhooks, another=None).state is state


@pytest.mark.parametrize(
    ("connections", "webhooks"),
    [([], []), ([OURS_TOO], []), ([], [SWITCHED_OFF]), ([], [SOMETHING_ELSE])],
)
def test_what_does_not_work_on_the_project_is_no_fault(
    connections: list[Connection], webhooks: list[Webhook]
) -> None:
    assert found(connections, webhooks, another=True).state is State.OK


def test_this_backend_by_another_of_its_addresses_is_no_other() -> None:
    assert found([THEIRS], [THEIR_HOOK], another=False).state is State.OK


def test_another_that_is_taken_for_this_one_by_its_port_is_found_out() -> None:
    """As where this one is reached by a port that something else maps to its own."""
    assert found([THEIRS], [], another=True, port=9090).state is State.WRONG
