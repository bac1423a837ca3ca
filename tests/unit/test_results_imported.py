"""Predictions of all tasks go into Label Studio whole or not at all, and out again in pieces."""

from __future__ import annotations

from typing import Any, cast

import pytest
from redis import RedisError

from backend.errors import AtlasError, Unavailable
from backend.jobs.clearing import TooSlow
from backend.results import imported
from backend.results.collect import Result, Results
from backend.results.imported import PREFIX, import_all, imported_versions, remove_at_once, remove_in_pieces

NAME = f"{PREFIX}000002"


class Studio:
    """Of Label Studio what is asked: how many predictions each version has. kept: how many of a call's it
    keeps; fails_at: the number of the call that fails."""

    def __init__(self, sizes: dict[str, int] | None = None, kept: float = 1.0, fails_at: int | None = None):
        self.sizes = dict(sizes or {})
        self.calls: list[list[dict[str, Any]]] = []
        self._kept, self._fails_at = kept, fails_at

    def version_sizes(self, project: int) -> dict[str, int]:
        return dict(self.sizes)

    def import_predictions(self, project: int, batch: list[dict[str, Any]]) -> int:
        if self._fails_at == len(self.calls):
            raise Unavailable("it is busy")
        self.calls.append(batch)
        kept = int(len(batch) * self._kept)
        self.sizes[NAME] = self.sizes.get(NAME, 0) + kept
        return kept

    def delete_version(self, project: int, name: str) -> None:
        self.sizes.pop(name, None)


def row(task: int, *scores: Any, waits: bool = True) -> Result:
    return Result(task, "x", waits, {}, {}, [{"from_name": "a", "score": score} for score in scores])


def results(*rows: Result) -> Results:
    return Results(3, "atlas-000002", ["a"], iter(rows), len(rows))


def put(studio: Studio, *rows: Result) -> tuple[str, int]:
    return import_all(cast(Any, studio), results(*rows))


def test_what_waits_and_has_a_guess_is_imported_under_a_name_of_its_own() -> None:
    studio = Studio({"atlas-000002": 9})
    assert put(studio, row(1, 0.5), row(2, 0.5, waits=False), row(3), row(4, 0.9, 0.25)) == (NAME, 2)
    (batch,) = studio.calls
    assert [(each["task"], each["score"], each["model_version"]) for each in batch] == [
        (1, 0.5, NAME),
        (4, 0.25, NAME),
    ]


@pytest.mark.parametrize(("given", "score"), [(-0.5, 0.0), (1.5, 1.0), (0, 0.0), ("0.5", 0.5)])
def test_a_score_is_one_that_label_studio_takes(given: Any, score: float) -> None:
    studio = Studio()
    put(studio, row(1, given))
    assert studio.calls[0][0]["score"] == score


def test_many_go_in_several_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imported, "AT_ONCE", 3)
    studio = Studio()
    assert put(studio, *(row(i, 0.5) for i in range(7))) == (NAME, 7)
    assert [len(call) for call in studio.calls] == [3, 3, 1]


def test_nothing_to_import_is_none() -> None:
    studio = Studio()
    assert put(studio, row(1), row(2, 0.5, waits=False)) == (NAME, 0)
    assert studio.calls == []


def test_what_is_there_already_is_to_be_removed_first() -> None:
    studio = Studio({NAME: 5})
    with pytest.raises(AtlasError, match=r"has 5 predictions of .* already: remove them first .*--remove"):
        put(studio, row(1, 0.5))
    assert studio.calls == []


@pytest.mark.parametrize(
    ("studio", "said"),
    [
        (Studio(kept=0.5), "Label Studio kept 1 of 3 predictions"),
        (Studio(fails_at=0), "it is busy"),
        (Studio(fails_at=1), "it is busy"),
    ],
)
def test_where_not_all_are_kept_none_is_left(
    studio: Studio, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imported, "AT_ONCE", 3)
    with pytest.raises(AtlasError, match="Nothing was left behind") as refused:
        put(studio, *(row(i, 0.5) for i in range(6)))
    assert said in str(refused.value)
    assert studio.sizes == {}


def test_only_our_own_are_removed() -> None:
    studio = Studio({NAME: 5, f"{PREFIX}000001": 2, "atlas-000002": 9, "theirs": 4})
    assert imported_versions(cast(Any, studio), 3) == {NAME: 5, f"{PREFIX}000001": 2}
    assert remove_at_once(cast(Any, studio), 3) == 7
    assert studio.sizes == {"atlas-000002": 9, "theirs": 4}
    assert remove_at_once(cast(Any, studio), 3) == 0


class Piecewise:
    """A `Clearing` that deletes so many each time, or fails."""

    each = 4
    error: Exception | None = None

    def __init__(self, studio: Studio, *rest: Any):
        self._studio, self.deleted = studio, 0

    def run(self, present: dict[str, int]) -> None:
        for name in present:
            gone = min(self.each - self.deleted, self._studio.sizes[name])
            self.deleted += gone
            self._studio.sizes[name] -= gone
            if not self._studio.sizes[name]:
                del self._studio.sizes[name]
        if self.error is not None:
            raise self.error


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> type[Piecewise]:
    class Own(Piecewise):
        pass

    monkeypatch.setattr(imported, "Clearing", Own)
    monkeypatch.setattr(imported, "Pace", lambda *given: None)
    return Own


def remove(studio: Studio, said: list[int]) -> int:
    return remove_in_pieces(cast(Any, studio), 3, cast(Any, None), said.append)


def test_pieces_are_removed_until_nothing_is_left(pieces: type[Piecewise]) -> None:
    studio, said = Studio({NAME: 10, "theirs": 4}), list[int]()
    assert remove(studio, said) == 10
    assert said == [4, 8, 10]
    assert studio.sizes == {"theirs": 4}


def test_what_is_listed_and_never_goes_ends_it(pieces: type[Piecewise]) -> None:
    pieces.each = 0
    said: list[int] = []
    assert remove(Studio({NAME: 10}), said) == 0
    assert said == [0]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TooSlow("a piece takes 3 s"), "a piece takes 3 s. 4 are gone; while nobody labels, remove the rest"),
        (RedisError("gone"), r"Redis does not answer \(gone\), .* or use --at-once"),
    ],
)
def test_what_stops_it_is_told_with_the_way_out(pieces: type[Piecewise], error: Exception, said: str) -> None:
    pieces.error = error
    with pytest.raises(AtlasError, match=said):
        remove(Studio({NAME: 10}), [])
