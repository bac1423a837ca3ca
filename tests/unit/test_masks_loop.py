"""A project of areas on images: classes of kept maps' cells are learned, and drawn at the images' sizes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest

from backend.controls.areas import AreaControl
from backend.controls.config import parse_label_config
from backend.controls.masks import Brush
from backend.doctor import examine
from backend.doctor.finding import State
from backend.doctor.project import label_config
from backend.jobs.auditing import Audits
from backend.jobs.encoding import encode_shard
from backend.jobs.learners import boxes, masks
from backend.learning.detector_training import train_detector
from backend.results.collect import collect
from backend.results.suspects import find_suspects
from backend.store import image_maps
from backend.store.image_cache import image_cache
from backend.store.image_maps import ImageMaps, map_encoder_named
from tests.content import FileServer, file_server
from tests.fakes.loop import Loop
from tests.fakes.rows import Json
from tests.unit.squares import (
    CONFIGS,
    COUNT,
    EDGE,
    HEIGHT,
    LABELS,
    LARGE,
    MAPS,
    WIDTH,
    Asked,
    asked,
    hardly_learned,
    picture,
    size_of,
    square,
)


@pytest.fixture
def files() -> Iterator[FileServer]:
    with file_server() as server:
        server.answers |= {f"/{i}.png": picture(i) for i in range(COUNT)}
        yield server


@pytest.fixture(autouse=True)
def _few_cells(pictures_once: None, monkeypatch: pytest.MonkeyPatch) -> None:
    hardly_learned(monkeypatch)


@pytest.mark.parametrize("kind", ["brush", "bitmask", "polygons"])
def test_areas_are_learned_shown_and_asked_for(loop: Loop, files: FileServer, kind: str) -> None:
    made, xml = CONFIGS[kind]
    asked_for = asked(loop, files, xml)
    project, control = asked_for.project, asked_for.control
    assert type(control) is made
    done = loop.retrain(project)
    assert done["published"]
    assert len(loop.queue(project)) == COUNT
    assert not any(asked_for.shown().values())
    before = loop.queue(project)
    asked_for.mark(loop, range(10))
    done = loop.retrain(project)
    assert done["published"]
    assert done["labels"] == {"red": 5, "blue": 5}
    assert next(iter(done["measured"])) == "mean_iou"
    queue = loop.queue(project)
    assert sorted(map(asked_for.number, queue)) == list(range(10, COUNT))
    assert queue != [task for task in before if task in queue]
    found = asked_for.shown()
    said = [control.read(found[number]) for number in range(10, COUNT)]
    truth = [control.read(asked_for.right(number)) for number in range(10, COUNT)]
    agreed = [control.agreement(str(one), str(other)) for one, other in zip(said, truth, strict=True)]
    assert sum(agreed) / len(agreed) > 0.5
    for number, regions in found.items():
        labelled = [region for region in regions if "score" in region]
        assert all(0.3 <= region["score"] <= 1 for region in labelled)
        if made is Brush:
            sizes = {(region["original_height"], region["original_width"]) for region in regions}
            assert sizes <= {size_of(number)}
    unknown = {"id": None, "data": {"image": "http://127.0.0.1/other.png"}}
    known, nothing = asked_for.predict(asked_for.task(LARGE), unknown)
    assert known["result"] == found[LARGE] != []
    assert not nothing  # Label Studio skips it, and a worker fetches it


@pytest.fixture
def brushed(loop: Loop, files: FileServer) -> Asked:
    return asked(loop, files, CONFIGS["brush"][1])


def test_an_area_with_another_label_is_the_first_that_looks_wrong(loop: Loop, brushed: Asked) -> None:
    """Picture 3 is blue, and painted as if it were red."""

    def painted(number: int) -> list[Json]:
        regions = brushed.right(number)
        return [{**each, "value": {**each["value"], "brushlabels": ["red"]}} for each in regions]

    brushed.mark(loop, range(12), lambda number: painted(number) if number == 3 else brushed.right(number))
    loop.retrain(brushed.project)
    found = find_suspects(loop.settings, loop.client, brushed.project.id, 10)
    assert (brushed.number(found.rows[0].task), found.rows[0].label) == (3, ["red"])
    assert (found.judged, found.contradicted) == (12, 1)


def test_masks_have_the_size_of_the_image_and_not_of_what_is_handed_on(loop: Loop, brushed: Asked) -> None:
    brushed.mark(loop, range(10))
    loop.retrain(brushed.project)
    (region,) = brushed.shown()[LARGE]
    assert (region["original_height"], region["original_width"]) == (7 * HEIGHT, 7 * WIDTH)
    answer = str(brushed.control.read([region]))
    assert brushed.control.agreement(answer, str(brushed.control.read(brushed.right(LARGE)))) > 0.5


def test_every_audit_judges_areas_however_few_images_do(
    loop: Loop, brushed: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    brushed.mark(loop, range(10))
    found = frozenset(task for task in brushed.project.tasks if brushed.number(task) in range(5, 10))
    monkeypatch.setattr("backend.jobs.make_version.audits_of", lambda *_: Audits(found, 0))
    monkeypatch.setattr(masks, "MEASURED", 2)
    told = loop.retrain(brushed.project)["estimate"]
    assert told["audited"] == len(found) == 5


def test_a_class_that_is_renamed_is_learned_again(loop: Loop, brushed: Asked) -> None:
    """What was painted in its old name is not known to be anything."""
    brushed.mark(loop, range(10))
    loop.retrain(brushed.project)
    brushed.project.settings["label_config"] = brushed.config.replace('"red"', '"crimson"')
    assert brushed.predict(brushed.task(12)) == []
    done = loop.retrain(brushed.project)
    assert done["published"]
    assert done["labels"] == {"blue": 5}
    assert "red" in str(done["notes"])
    said = {label for regions in brushed.shown().values() for each in regions for label in labels_on(each)}
    assert said == {"blue"}
    crimson = parse_label_config(brushed.config).main
    assert isinstance(crimson, AreaControl)
    renamed = brushed._replace(control=crimson)
    renamed.mark(loop, range(10, 16), lambda of: in_crimson(brushed.right(of)))
    assert loop.retrain(brushed.project)["labels"] == {"blue": 8, "crimson": 3}
    said = {label for regions in renamed.shown().values() for each in regions for label in labels_on(each)}
    assert said == {"blue", "crimson"}


def labels_on(region: Json) -> list[str]:
    found: list[str] = region["value"]["brushlabels"]
    return found


def in_crimson(regions: list[Json]) -> list[Json]:
    for region in regions:
        labels = ["crimson" if label == "red" else label for label in labels_on(region)]
        region["value"]["brushlabels"] = labels
    return regions


def test_boxes_and_areas_of_an_image_are_learned_from_the_same_maps(
    loop: Loop, files: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boxes, "train_detector", partial(train_detector, steps=20))
    corners = f'<RectangleLabels name="b" toName="i">{LABELS}</RectangleLabels>'
    both = asked(loop, files, CONFIGS["brush"][1] + corners)
    both.mark(loop, range(10), lambda of: [*both.right(of), box(of)])
    done = loop.retrain(both.project)
    assert done["published"]
    maps = image_cache(loop.settings, both.project.id).files.paths(ending=image_maps.ENDING)
    assert maps
    assert all(MAPS in path for path in maps)
    version = loop.versions(both.project).load(str(loop.versions(both.project).published()))
    assert [model.networks["classes"].kind for model in version.models] == ["segmentation", "detector"]
    assert {each["from_name"] for regions in both.shown().values() for each in regions} >= {"m"}


def box(of: int) -> Json:
    (rows, columns) = square(of).nonzero()
    place = {"x": 100 * columns.min() / WIDTH, "y": 100 * rows.min() / HEIGHT}
    size = {"width": 100 * EDGE / WIDTH, "height": 100 * EDGE / HEIGHT, "rotation": 0}
    value = {**place, **size, "rectanglelabels": [("red", "blue")[of % 2]]}
    return {"from_name": "b", "to_name": "i", "type": "rectanglelabels", "value": value}


def test_areas_beside_choices_are_guessed_without_a_say_in_the_queue(loop: Loop, files: FileServer) -> None:
    choices = '<Choices name="c" toName="i"><Choice value="red"/><Choice value="blue"/></Choices>'
    both = asked(loop, files, choices + CONFIGS["labels"][1])
    chosen = {"from_name": "c", "to_name": "i", "type": "choices"}
    both.mark(
        loop,
        range(10),
        lambda of: [*both.right(of), {**chosen, "value": {"choices": [("red", "blue")[of % 2]]}}],
    )
    done = loop.retrain(both.project)
    assert "annotations name" not in str(done["notes"])
    assert done["labels"] == {"red": 5, "blue": 5}
    assert "accuracy" in done
    assert {each["from_name"] for each in both.shown()[LARGE]} >= {"d", "m"}


def test_images_beyond_the_room_on_disk_stand_behind(
    loop: Loop, brushed: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = map_encoder_named(MAPS).row_bytes
    monkeypatch.setattr(image_maps, "DISK", 7 * row + 1)
    monkeypatch.setattr(image_maps, "ROOM", 4 * row)
    brushed.mark(loop, range(2))
    loop.retrain(brushed.project)
    files = image_cache(loop.settings, brushed.project.id).files
    assert len(ImageMaps(files, map_encoder_named(MAPS)).digests()) == 6
    brushed.mark(loop, range(2, 10))
    done = loop.retrain(brushed.project)
    assert len(ImageMaps(files, map_encoder_named(MAPS)).digests()) == 7
    assert len(loop.queue(brushed.project)) == 10
    assert "not fetched yet" in str(done["notes"])


def test_images_that_were_deleted_make_room_for_others(
    loop: Loop, brushed: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = map_encoder_named(MAPS).row_bytes
    monkeypatch.setattr(image_maps, "DISK", 6 * row)
    files = image_cache(loop.settings, brushed.project.id).files
    files.write(f"0.lite0maps-320-8.16.32{image_maps.ENDING}", b"of a config that asked for boxes")
    loop.retrain(brushed.project)
    maps = ImageMaps(files, map_encoder_named(MAPS))
    before = set(maps.digests())
    assert len(before) == 6
    assert all(MAPS in path for path in files.paths(ending=image_maps.ENDING))
    for task in loop.queue(brushed.project)[: COUNT - 5]:  # those with maps come first
        loop.fake.delete_task(brushed.project.id, task)
    loop.state(brushed.project).note_changes(1)
    loop.retrain(brushed.project)
    assert len(maps.digests()) == 5
    assert before.isdisjoint(maps.digests())
    assert len(loop.queue(brushed.project)) == 5


def test_an_image_that_is_gone_from_storage_stops_nothing(
    loop: Loop, files: FileServer, brushed: Asked
) -> None:
    del files.answers["/15.png"], files.answers["/3.png"]
    brushed.mark(loop, range(10))
    done = loop.retrain(brushed.project)
    assert done["published"]
    assert done["trained_on"] == 9
    assert len(loop.queue(brushed.project)) == 10


def test_doctor_and_export_say_what_is_learned(loop: Loop, brushed: Asked) -> None:
    brushed.mark(loop, range(10))
    loop.retrain(brushed.project)
    with examine.Bench() as bench:
        config = label_config(examine.ProjectBench(bench, brushed.project.id))
    assert config.state is State.OK
    assert config.found == '"m" on "i": masks of red, blue'
    rows = {row.task: row for row in collect(loop.settings, loop.client, brushed.project.id).rows}
    assert rows[brushed.task(4)["id"]].labels == {"m": ["1 red"]}
    assert "1 blue" in rows[brushed.task(LARGE)["id"]].guesses["m"].choices


def test_new_images_and_copies_are_guessed(loop: Loop, files: FileServer) -> None:
    """A new one by the model, once a worker has fetched it; a copy of a labelled one as that was labelled."""
    drawn = asked(loop, files, CONFIGS["labels"][1], COUNT - 1)
    drawn.mark(loop, range(10))
    loop.retrain(drawn.project)
    new, copy = loop.fake.add_tasks(
        drawn.project.id, [{"image": f"{files.url}/{LARGE}.png"}, drawn.task(4)["data"]]
    )
    loop.refill(drawn.project)
    for shard in image_cache(loop.settings, drawn.project.id).waiting.shards():
        encode_shard(drawn.project.id, shard.key)
    loop.refill(drawn.project)
    guessed = {each["task"]: each["result"] for each in drawn.project.predictions}
    assert [region["from_name"] for region in guessed[new]] == ["d", "m"]
    assert {(each["original_height"], each["original_width"]) for each in guessed[new]} == {size_of(LARGE)}
    (known,) = drawn.predict({"id": copy, "data": drawn.project.tasks[copy]["data"]})
    assert known["result"] == drawn.right(4)
