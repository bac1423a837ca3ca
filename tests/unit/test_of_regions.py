"""Choices and ratings of regions are learned as classes of regions, and predicted beside them."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from label_studio_sdk.label_interface import LabelInterface
from torch.utils._python_dispatch import TorchDispatchMode

from backend.controls.base import CLASSES
from backend.controls.config import parse_label_config
from backend.controls.of_regions import OfRegions
from backend.controls.scheme import LabelScheme
from backend.controls.unlearned import not_learned
from backend.controls.weights import own_weights
from backend.encoders import maps
from backend.encoders.maps import BOXES, NAMES, find_map_encoder
from backend.jobs.learners import of_regions
from backend.jobs.learners.of_regions import ClassesOfRegions
from backend.learning.region_network import train_regions
from backend.learning.region_vectors import of_spans
from backend.learning.units import Units
from backend.said.base import Contents
from backend.said.of_regions import SaidOfRegions, region_vectors, said_of_regions
from backend.settings import Settings
from backend.store.model_version import ControlModel
from tests.fakes.loop import Loop
from tests.unit.span_scenes import LABELS, PEOPLE, right, text_of
from tests.unit.whatever import SOME, in_places_of

KIND = (
    '<Choices name="kind" toName="text" perRegion="true"><Choice value="she"/><Choice value="he"/></Choices>'
)
STARS = '<Rating name="stars" toName="text" perRegion="true" maxRating="3"/>'
NAN = float("nan")
SHE = {"Anna", "Carla", "Eva", "Greta"}


def config(*asked: str) -> str:
    return f'<View><Text name="text" value="$text"/>{LABELS}{"".join(asked)}</View>'


def told(region: dict[str, Any], name: str, kind: str, said: Any, number: int) -> list[dict[str, Any]]:
    """A span, and what is said of it, as the editor submits both."""
    place = {key: each for key, each in region["value"].items() if key != "labels"}
    of = {"from_name": name, "to_name": "text", "type": kind, "value": {**place, kind: said}}
    return [{**each, "id": f"r{number}"} for each in (region, of)]


def of(xml: str) -> list[OfRegions]:
    return [each for each in parse_label_config(xml).companions if isinstance(each, OfRegions)]


def test_what_is_said_of_a_region_is_read_by_its_id_or_its_place() -> None:
    (kind, stars) = of(config(KIND, STARS))
    text = text_of(0)
    (span, *_) = right(text)
    both = told(span, "kind", "choices", ["she"], 1)
    start, end = span["value"]["start"], span["value"]["end"]
    assert kind.read(both, text) == f'[[{start}, {end}, "she"]]'
    without_place = [both[0], {**both[1], "value": {"choices": ["she"]}}]
    assert kind.read(without_place, text) == kind.read(both, text) == kind.read(both[1:], text)
    assert stars.read(told(span, "stars", "rating", 2, 1), text) == f'[[{start}, {end}, "2"]]'
    assert kind.read([both[0]], text) is None
    assert kind.read([{**both[1], "value": {"choices": ["she"]}}], text) is None
    assert kind.unknown_in({**both[1], "value": {"choices": ["it"]}}) == ["it"]
    for control, answer in ((kind, kind.read(both, text)), (stars, f'[[{start}, {end}, "3"]]')):
        assert answer is not None
        assert control.read(control.given(answer, text), text) == answer
        beside = control.told_of({**span, "id": "r1"}, json.loads(answer)[0][-1], 0.25)
        told_both = {"result": [{**span, "id": "r1", "score": 0.5}, beside], "score": 0.5}
        assert control.read(told_both["result"], text) == answer
        interface = LabelInterface(config(KIND, STARS))
        assert interface.validate_prediction(told_both, return_errors=True) == []


@pytest.mark.parametrize("given", [2.5, NAN, float("inf"), -1, 4, 10**400, True])
def test_stars_that_nobody_can_give_are_none_and_told_as_unknown(given: Any) -> None:
    (stars,) = of(config(STARS))
    (span, *_) = right(text_of(0))
    region = told(span, "stars", "rating", given, 1)[1]
    assert stars.read([region], text_of(0)) is None
    assert stars.unknown_in(region) == ["4" if given == 4 else given]
    assert stars.unknown_in(told(span, "stars", "rating", 0, 1)[1]) == []


def test_whatever_is_said_of_a_region_is_read() -> None:
    (kind, stars) = of(config(KIND, STARS))
    (span, *_) = right(text_of(0))
    for control, tag, said in ((kind, "choices", ["she"]), (stars, "rating", 2)):
        for result in in_places_of(told(span, control.from_name, tag, said, 1), SOME):
            answer = control.read(result, text_of(0))
            assert answer is None or control.agreement(answer, answer) == 1


def test_it_is_learned_beside_what_marks_and_orders_no_queue() -> None:
    scheme = parse_label_config(config(KIND, STARS))
    assert [each.from_name for each in scheme.controls] == ["label", "kind", "stars"]
    assert not_learned(config(KIND, STARS)) == []
    assert LabelScheme.from_json(scheme.as_json()).is_all_of(scheme)
    with pytest.raises(ValueError, match="kind; the controls that are learned of this project: label"):
        own_weights(scheme, "label=1,kind=1")


@pytest.mark.parametrize(
    "asked",
    [
        KIND.replace("<Choices", '<Choices choice="multiple"'),
        KIND.replace("<Choices", '<Choices visibleWhen="choice-selected" whenTagName="other"'),
        KIND.replace("perRegion", "perItem"),
    ],
)
def test_what_is_not_learned_of_regions_is_said(asked: str) -> None:
    assert of(config(asked)) == []
    (line,) = not_learned(config(asked))
    assert '<Choices name="kind">' in line


def test_it_is_predicted_for_the_labels_it_is_asked_of_under_the_regions_id(loop: Loop) -> None:
    hidden = f'<View visibleWhen="region-selected" whenLabelValue="PER">{KIND}</View>'
    loop.set(encoder="lsa", queue_head=100, show_guess_from=0.3)
    project = loop.fake.create([{"text": text_of(i)} for i in range(48)], label_config=config(hidden))
    for task in list(project.tasks)[:32]:
        text, regions = str(project.tasks[task]["data"]["text"]), []
        for number, span in enumerate(right(text)):
            word = span["value"]["text"]
            said = told(span, "kind", "choices", ["she" if word in SHE else "he"], number)
            regions += said if word in PEOPLE else said[:1]
        loop.fake.annotate(project.id, task, regions)
    assert loop.retrain(project)["notes"] == []
    found: list[bool] = []
    for each in project.predictions:
        people = {
            region["id"]: region["value"]["text"]
            for region in each["result"]
            if region["from_name"] == "label" and region["value"]["labels"] == ["PER"]
        }
        kinds = {region["id"]: region for region in each["result"] if region["from_name"] == "kind"}
        assert kinds.keys() <= people.keys()
        for name, region in kinds.items():
            assert region["value"]["start"] < region["value"]["end"]
            found.append(region["value"]["choices"] == ["she" if people[name] in SHE else "he"])
    assert len(found) >= 6
    assert sum(found) / len(found) >= 0.9


def of_two_people(given: list[str], words: Units) -> Any:
    """What learns of the answers to two texts with two words each."""
    material = SimpleNamespace(
        taught=lambda control: SimpleNamespace(given=given, rows=[0, 1]), units=lambda rows: words
    )
    return ClassesOfRegions(Settings(), material)  # type: ignore[arg-type]


def test_regions_are_told_apart_once_two_classes_are_on_words_and_order_no_queue() -> None:
    (kind,) = of(config(KIND))
    marks = torch.tensor([[0, 4], [5, 9], [0, 4], [5, 9]])
    words = Units(torch.eye(4), torch.tensor([0, 0, 1, 1]), marks, 2)
    she, he, beyond = '[[0, 4, "she"]]', '[[0, 4, "he"]]', '[[40, 44, "he"]]'
    model = of_two_people([she, he], words).learn_alone(kind)
    assert model.control == kind
    assert list(model.networks) == [CLASSES]
    assert of_two_people([she, she], words).learn_alone(kind) is None
    assert of_two_people([she, beyond], words).learn_alone(kind) is None
    with pytest.raises(NotImplementedError, match="kind is asked of regions"):
        of_two_people([], words).learn(kind)


def test_a_retrain_reads_so_many_regions_at_most_of_contents_by_lot(monkeypatch: pytest.MonkeyPatch) -> None:
    (kind,) = of(config(KIND))
    given = ['[[0, 4, "she"], [5, 9, "he"]]'] * 40
    every = of_regions._placed(kind, given, seed=0)
    assert [item for item, _, _ in every] == [each // 2 for each in range(80)]
    monkeypatch.setattr(of_regions, "MOST", 25)
    read = 0

    def counted(self: OfRegions, answer: str) -> Any:
        nonlocal read
        read += 1
        return placed_in(self, answer)

    placed_in = OfRegions.placed_in
    monkeypatch.setattr(OfRegions, "placed_in", counted)
    some = of_regions._placed(kind, given, seed=0)
    assert (len(some), read) == (25, 13)  # no other answer is looked at
    assert some == sorted(some)
    assert set(some) <= set(every)
    assert {item for item, _, _ in some} != set(range(13))
    assert some == of_regions._placed(kind, given, seed=0)
    assert some != of_regions._placed(kind, given, seed=1)


def bright(images: int) -> Units:
    """Maps of images that are bright on the left, dark on the right."""
    encoder = find_map_encoder(NAMES[0], BOXES)
    levels = [torch.zeros(images, *shape) for shape in encoder._shapes]  # type: ignore[attr-defined]
    for level in levels:
        level[..., : level.shape[-1] // 2] = 1
    rows = torch.cat([maps._in_bytes(level) for level in levels], dim=1)
    return Units(rows, torch.arange(images), torch.full((images, 2), 320), images)


def box(x: float, number: int) -> dict[str, Any]:
    place = {"x": x, "y": 30, "width": 20, "height": 20, "rotation": 0}
    told = {"id": f"r{number}", "from_name": "b", "to_name": "i", "type": "rectanglelabels"}
    return {**told, "value": {**place, "rectanglelabels": ["car"]}}


def test_it_is_learned_of_boxes_by_the_maps_within_them() -> None:
    (lit,) = of(
        '<View><Image name="i" value="$image"/><RectangleLabels name="b" toName="i"><Label value="car"/>'
        '</RectangleLabels><Choices name="lit" toName="i" perRegion="true"><Choice value="day"/>'
        '<Choice value="night"/></Choices></View>'
    )
    marked = [box(x, number) for number, x in enumerate((5, 20, 60, 75))]
    said = [lit.told_of(each, "day" if each["value"]["x"] < 50 else "night", 1.0) for each in marked]
    answer = lit.read([*marked, *said])
    assert answer is not None
    places, targets = zip(*lit.placed_in(answer), strict=True)
    vectors, known = region_vectors(lit, bright(1), torch.zeros(4, dtype=torch.int64), places)
    assert known.all()
    model = ControlModel(lit, {CLASSES: train_regions(vectors, torch.tensor(targets), 2)})
    units = bright(3)._replace(item=torch.tensor([0, 2, 3]), items=4)
    found = said_of_regions(model, Contents(["u"] * 4, torch.zeros(4, 1), units=units))
    assert isinstance(found, SaidOfRegions)
    shown = found.beside([[box(10, 7), box(70, 8)], [box(10, 9)], [], [box(65, 1)]], 0.5)
    assert [[(each["id"], each["value"]["choices"]) for each in item] for item in shown] == [
        [("r7", ["day"]), ("r8", ["night"])],
        [],  # it has no maps yet
        [],
        [("r1", ["night"])],
    ]
    assert shown[0][0]["value"] == {
        "x": 10, "y": 30, "width": 20, "height": 20, "rotation": 0, "choices": ["day"]
    }  # fmt: skip


class Largest(TorchDispatchMode):
    """How many values the largest tensor has that is made meanwhile."""

    values = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        self.values = max(self.values, made.numel() if isinstance(made, torch.Tensor) else 0)
        return made


def test_only_words_in_spans_are_copied() -> None:
    words, width = 1000, 64
    begin = torch.arange(words) % 100 * 10
    units = Units(
        torch.randn(words, width), torch.arange(words) // 100, torch.stack([begin, begin + 9], 1), 10
    )
    item, places = torch.tensor([3, 3, 9, 0]), torch.tensor([[0, 25], [20, 29], [990, 999], [9, 10]])
    with Largest() as largest:
        means, known = of_spans(units, item, places)
    assert known.tolist() == [True, True, True, False]
    rows = units.rows
    expected = torch.stack([rows[300:303].mean(0), rows[302], rows[999], torch.zeros(width)])
    torch.testing.assert_close(means, expected)
    nothing, _ = of_spans(units, item[:0], places[:0])
    assert nothing.shape == (0, width)
    assert largest.values <= words
