"""What is wanted first is moved to the front of what is published, call by call."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from backend.errors import NotFound
from backend.jobs.front import move, note_published
from backend.store.files import Files
from backend.store.wanted_first import Front, WantedFirst


class Published(NamedTuple):
    id: int
    task: int
    score: float | None


@dataclass
class Client:
    """published: as Label Studio has them; gone: ids that were deleted meanwhile."""

    published: list[Published]
    gone: tuple[int, ...] = ()
    asked: list[tuple[int, str]] = field(default_factory=list)
    set: list[tuple[int, float]] = field(default_factory=list)

    def predictions(self, project_id: int, version: str) -> list[Published]:
        self.asked.append((project_id, version))
        return self.published

    def set_score(self, prediction: int, score: float) -> None:
        if prediction in self.gone:
            raise NotFound("gone")
        self.set.append((prediction, score))


THREE = [Published(10, 1, 0.1), Published(20, 2, 0.2), Published(30, 3, None)]


def moved(client: Client, *args: Any, **more: Any) -> int:
    return move(client, 7, "v1", *args, **more)  # type: ignore[arg-type]


def test_those_that_stand_elsewhere_are_moved_the_first_first() -> None:
    client = Client(THREE)
    assert moved(client, {1: 2e-10, 2: 1e-10, 3: 3e-10}, [1, 2, 3]) == 0
    assert client.asked == [(7, "v1")]
    assert client.set == [(20, 1e-10), (10, 2e-10), (30, 3e-10)]


def test_what_stands_there_already_costs_no_call() -> None:
    client = Client(THREE)
    assert moved(client, {1: 0.1, 2: 0.2 * (1 + 1e-12), 3: 0.3}, [1, 2, 3]) == 0
    assert client.set == [(30, 0.3)]


def test_only_those_that_are_asked_for_and_have_a_place_are_moved() -> None:
    client = Client(THREE)
    assert moved(client, {1: 0.01, 2: 0.02}, [2, 3]) == 0
    assert client.set == [(20, 0.02)]


@pytest.mark.parametrize(("places", "tasks"), [({}, [1]), ({1: 0.5}, []), ({1: 0.5}, [9])])
def test_where_there_is_nothing_to_move_nothing_is_asked(places: dict[int, float], tasks: list[int]) -> None:
    client = Client(THREE)
    assert moved(client, places, tasks) == 0
    assert (client.asked, client.set) == ([], [])


@pytest.mark.parametrize(("most", "left"), [(0, 3), (1, 2), (2, 1), (3, 0), (9, 0), (None, 0)])
def test_so_many_at_once_and_the_rest_is_told(most: int | None, left: int) -> None:
    client = Client(THREE)
    assert moved(client, {1: 3e-10, 2: 1e-10, 3: 2e-10}, [1, 2, 3], most=most) == left
    assert [each for each, _ in client.set] == [20, 30, 10][: 3 - left]


def test_one_that_was_deleted_meanwhile_stops_no_other() -> None:
    client = Client(THREE, gone=(20,))
    assert moved(client, {1: 2e-10, 2: 1e-10}, [1, 2]) == 0
    assert client.set == [(10, 2e-10)]


@pytest.fixture
def kept(tmp_path: Path) -> WantedFirst:
    return WantedFirst(Files(tmp_path))


WISHED = Front().with_wish([1, 2]).with_wish([3, 4])


def test_what_no_longer_waits_leaves_the_front_once_it_is_published(kept: WantedFirst) -> None:
    kept.write(WISHED)
    assert note_published(kept, WISHED, {2, 3, 9}) is False
    assert kept.read().number_of == {2: 1, 3: 2}


def test_what_was_released_is_settled_by_a_version_without_it(kept: WantedFirst) -> None:
    released = WISHED.without([3])
    kept.write(released)
    assert note_published(kept, released, {1, 2, 3, 4}) is False
    assert kept.read().released == ()
    assert kept.read().number_of == {1: 1, 2: 1, 4: 2}


def test_what_was_wished_meanwhile_is_left_to_a_refill(kept: WantedFirst) -> None:
    kept.write(WISHED.with_wish([8]))
    assert note_published(kept, WISHED, {1}) is True
    assert kept.read().number_of == {1: 1, 2: 1, 3: 2, 4: 2, 8: 3}


def test_where_nothing_changes_nothing_is_written(kept: WantedFirst, tmp_path: Path) -> None:
    assert note_published(kept, Front(), {1, 2}) is False
    assert list(tmp_path.iterdir()) == []
