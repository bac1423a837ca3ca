"""Whether the newest version has to be made anew."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from backend.controls.scheme import LabelScheme
from backend.jobs.outdated import outdated
from backend.store.tasks import StoredTask, fingerprint, former_fingerprint
from tests.unit.schemes import scheme, single

ASKED = scheme(single("c", "a", "b"))
TASKS = [
    StoredTask(1, "one", True, {}, "a"),
    StoredTask(2, "two", False, {}, None),
    StoredTask(5, "five", False, {}, None),
]
CHANGED = "tasks or annotations changed"
OTHER = "no version for this label config"


@dataclass
class Versions:
    """The newest one's stats, and what it was made for."""

    stats_of: dict[str, Any]
    made_for: LabelScheme | None = ASKED
    kept: list[str] = field(default_factory=lambda: ["v1", "v2"])

    def names(self) -> list[str]:
        return self.kept

    def scheme(self, name: str) -> LabelScheme | None:
        return self.made_for if name == "v2" else None

    def stats(self, name: str) -> dict[str, Any]:
        return self.stats_of if name == "v2" else {}


def why(versions: Versions, tasks: list[StoredTask], asked: LabelScheme = ASKED) -> str | None:
    return outdated(versions, asked, tasks)  # type: ignore[arg-type]


MADE = Versions({"newest_task": 5, "fingerprint": fingerprint(TASKS)})


def test_nothing_new_is_no_reason() -> None:
    assert why(MADE, TASKS) is None


@pytest.mark.parametrize(
    "versions",
    [
        Versions({}, kept=[]),
        Versions(MADE.stats_of, made_for=None),  # its manifest cannot be read
        Versions(MADE.stats_of, made_for=scheme(single("c", "a", "z"))),
        Versions(MADE.stats_of, made_for=scheme(single("d", "a", "b"))),
    ],
)
def test_a_config_without_a_version_of_its_own_is_one(versions: Versions) -> None:
    assert why(versions, TASKS) == OTHER


@pytest.mark.parametrize(
    "tasks",
    [
        [TASKS[0]._replace(target="b"), *TASKS[1:]],
        [TASKS[0]._replace(text="other"), *TASKS[1:]],
        [TASKS[0]._replace(others={"d": "x"}), *TASKS[1:]],
        [TASKS[0]._replace(unknown=("c: z",)), *TASKS[1:]],
        TASKS[1:],
        [*TASKS, StoredTask(6, "six", True, {}, "b")],
        [*TASKS, StoredTask(6, "six", True, {}, None, others={"d": "x"})],
    ],
    ids=["label", "text", "companion", "unknown answer", "deleted", "new label", "new companion's label"],
)
def test_what_can_be_learned_is_one(tasks: list[StoredTask]) -> None:
    assert why(MADE, tasks) == CHANGED


@pytest.mark.parametrize(
    "tasks",
    [
        [*TASKS, StoredTask(6, "six", False, {}, None)],
        [*TASKS, StoredTask(6, "six", True, {}, None)],  # skipped
        [*TASKS[:2], TASKS[2]._replace(is_labeled=True, touched=True)],
    ],
    ids=["new without an answer", "new and skipped", "skipped"],
)
def test_what_nothing_is_learned_of_is_none(tasks: list[StoredTask]) -> None:
    assert why(MADE, tasks) is None


def test_a_version_of_the_release_before_is_known_by_its_own_fingerprint() -> None:
    former = Versions({"newest_task": 5, "fingerprint": former_fingerprint(TASKS)})
    assert why(former, TASKS) is None
    assert why(former, [*TASKS[:2], TASKS[2]._replace(is_labeled=True)]) == CHANGED  # there a skip counted


def test_a_version_that_tells_nothing_is_made_anew() -> None:
    assert why(Versions({}), TASKS) == CHANGED
