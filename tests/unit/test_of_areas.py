"""Choices and ratings of areas are learned as classes of regions, of the maps' cells under each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from label_studio_sdk.label_interface import LabelInterface

from backend.controls.areas import ACROSS, CELLS, AreaControl, cells_under
from backend.controls.config import parse_label_config
from backend.controls.of_regions import OfRegions
from backend.controls.runs import runs_of, shares
from backend.controls.unlearned import not_learned
from backend.learning.region_vectors import of_areas
from tests.content import FileServer, file_server
from tests.fakes.loop import Loop
from tests.fakes.rows import Json
from tests.unit.squares import CONFIGS, COUNT, HEIGHT, WIDTH, asked, hardly_learned, picture, square

SAID = '<Choice value="warm"/><Choice value="cool"/>'
WARMTH = f'<Choices name="warmth" toName="i" perRegion="true">{SAID}</Choices>'
STARS = '<Rating name="stars" toName="i" perRegion="true" maxRating="3"/>'
KINDS = list(CONFIGS)


@pytest.fixture
def files() -> Iterator[FileServer]:
    with file_server() as server:
        server.answers |= {f"/{i}.png": picture(i) for i in range(COUNT)}
        yield server


def of(xml: str) -> tuple[AreaControl, list[OfRegions]]:
    """What marks areas, and what is asked of each."""
    scheme = parse_label_config(xml)
    assert isinstance(scheme.main, AreaControl)
    return scheme.main, [each for each in scheme.companions if isinstance(each, OfRegions)]


def told(regions: list[Json], name: str, kind: str, said: Any) -> list[Json]:
    """Areas, and what is said of each, under its id as the API takes it."""
    ids = dict.fromkeys(region["id"] for region in regions)
    of_each = {"from_name": name, "to_name": "i", "type": kind, "value": {kind: said}}
    return [*regions, *({**of_each, "id": each} for each in ids)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said_of_an_area_is_read_where_the_area_is(kind: str) -> None:
    xml = f"<View>{CONFIGS[kind][1]}{WARMTH}{STARS}</View>"
    marking, (warmth, stars) = of(xml)
    assert not_learned(xml) == []
    answer = marking.drawn(square(3) * 1, [1.0] * 3, (HEIGHT, WIDTH)).answer
    regions = marking.regions(answer, 1.0)
    (area,) = [each for each in regions if each["from_name"] == "m"]
    under = np.flatnonzero(shares(runs_of(square(3)), (HEIGHT, WIDTH), (ACROSS, ACROSS)) >= 0.5)
    for control, told_so in (
        (warmth, told(regions, "warmth", "choices", ["cool"])),
        (stars, told(regions, "stars", "rating", 2)),
    ):
        said = control.read(told_so)
        assert said is not None
        assert control.read(regions) is None  # nothing is said of it
        ((place, number),) = control.placed_in(said)
        assert number == 1
        assert len(place) == min(CELLS, len(under))
        assert len(set(place) - set(under.tolist())) < 0.2 * len(place)
        assert control.place_in(area, "") == place
        assert control.read(control.given(said, "")) == said
        beside = control.told_of(area, control.classes[1], 0.25)
        assert beside["id"] == area["id"]
        assert list(beside["value"]) == [control.type]
        interface = LabelInterface(xml)
        whole = {"result": [*({**each, "score": 0.5} for each in regions), beside], "score": 0.5}
        assert interface.validate_prediction(whole, return_errors=True) == []
        assert control.read(whole["result"]) == said


def test_an_area_that_says_nothing_or_lies_nowhere_is_none() -> None:
    marking, (warmth,) = of(f"<View>{CONFIGS['brush'][1]}{WARMTH}</View>")
    nowhere = marking.regions(marking.drawn(square(3) * 1, [1.0] * 3, (HEIGHT, WIDTH)).answer, 1.0)
    nowhere[0]["value"]["rle"] = [1, 2, 3]
    assert warmth.place_in(nowhere[0], "") is None
    assert warmth.read(told(nowhere, "warmth", "choices", ["cool"])) is None
    assert cells_under(None) == ()
    assert cells_under(((9, 9), runs_of(np.zeros((9, 9), bool)))) == ()
    pixel = np.zeros((800, 800), bool)
    pixel[12, 799] = True
    assert cells_under(((800, 800), runs_of(pixel))) == (1 * ACROSS + ACROSS - 1,)


def test_the_maps_are_read_at_the_cells_of_an_area() -> None:
    asked_at: list[int] = []

    def look(items: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """Where each point is, and of which of the maps."""
        asked_at.append(points.shape[1])
        return torch.cat([points, items[:, None, None].expand(-1, points.shape[1], 1).float()], -1)

    places = [[0], list(range(4, 8)), list(range(16)), [5]]
    owner, item = torch.tensor([2, 5]), torch.tensor([5, 2, 5, 3])
    vectors, known = of_areas(look, owner, item, places, 4)
    assert known.tolist() == [True, True, True, False]
    expected = [[0.125, 0.125, 1], [0.5, 0.375, 0], [0.5, 0.5, 1], [0, 0, 0]]
    torch.testing.assert_close(vectors, torch.tensor(expected))
    assert sorted(asked_at) == [4, 17]  # each picture's maps are opened once
    assert of_areas(look, owner, item[3:], [[1]], 4)[0].shape == (1, 0)


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_learned_and_predicted_beside_the_area_under_its_id(
    loop: Loop, files: FileServer, kind: str, pictures_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    hardly_learned(monkeypatch)
    project = asked(loop, files, CONFIGS[kind][1] + WARMTH)

    def right(number: int) -> list[Json]:
        return told(project.right(number), "warmth", "choices", [("warm", "cool")[number % 2]])

    project.mark(loop, range(10), right)
    assert loop.retrain(project.project)["notes"] == []
    found: list[bool] = []
    for number, regions in project.shown().items():
        areas = {each["id"] for each in regions if each["from_name"] == "m"}
        said = {each["id"]: each["value"] for each in regions if each["from_name"] == "warmth"}
        assert said.keys() <= areas
        found += [each == {"choices": [("warm", "cool")[number % 2]]} for each in said.values()]
    assert len(found) >= 8
    assert sum(found) / len(found) >= 0.9


def test_of_a_whole_picture_some_cells_from_all_over_it_are_told() -> None:
    found = np.array(cells_under(((50, 50), runs_of(np.ones((50, 50), bool)))))
    assert len(found) == len(set(found.tolist())) == CELLS
    rows, columns = np.divmod(found, ACROSS)
    assert abs(rows.mean() - (ACROSS - 1) / 2) < 0.02 * ACROSS
    assert abs(columns.mean() - (ACROSS - 1) / 2) < 0.02 * ACROSS
    for places in (rows, columns):
        assert np.bincount(places * 4 // ACROSS, minlength=4).min() >= CELLS // 8
