"""What a project's page says where answers are no classes, and where contents are no texts."""

from __future__ import annotations

import re

from backend.controls.config import parse_label_config
from backend.jobs.item_colours import DISPUTED, Colours
from backend.jobs.rare_finds import classes_in, rare_finds
from backend.jobs.studying import study
from backend.pages.sections.how_good import measures_of
from backend.store.label_record import LabelledFor
from backend.store.reason import Reason
from tests.content import FileServer
from tests.fakes.loop import Loop
from tests.unit.every_kind import PICTURES
from tests.unit.page_visits import page_of, visit
from tests.unit.span_scenes import CONFIG
from tests.unit.squares import picture

SPANS = parse_label_config(CONFIG).main


def test_of_parts_the_labels_are_rare_or_not_and_no_answer_is_a_class() -> None:
    answers = {i: f'[[0, {i + 1}, "PER"], [9, 12, "PER"]]' for i in range(24)}
    answers |= {5: '[[0, 3, "LOC"], [9, 12, "PER"]]', 6: "[]", 7: "[[0, 3, null]]"}
    record = {i: LabelledFor(i, i, Reason("picked" if i % 2 else "audit")) for i in answers}
    found = rare_finds({i: classes_in(SPANS, answer) for i, answer in answers.items()}, record)
    assert [each["name"] for each in found["classes"]] == ["LOC"]
    assert found["classes"][0]["chosen"]["found"] == 1
    assert found["classes"][0]["random"]["found"] == 0


def test_no_column_of_a_table_of_classes_is_there_twice() -> None:
    row = {"name": "red", "support": 3, "mean_iou": 0.2, "iou": 0.2, "right": 1}
    assert measures_of([row]) == ["mean_iou"]
    assert measures_of([{"name": "PER", "support": 3, "f1": 0.1, "recall": 0.2}]) == ["f1", "recall"]


def test_the_map_names_what_is_marked_by_its_labels_alone(loop: Loop) -> None:
    """What somebody marked nothing in has the colour of what a model sees nothing in."""

    class Told(Colours):
        def __init__(self) -> None:
            self._main = SPANS

    names = [Told()._label(each) for each in ("[]", '[[0, 3, "LOC"]]', "[[0, 3, null]]", None)]
    assert names == ["nothing", "LOC", DISPUTED, None]


def test_a_small_picture_stands_beside_each_image_that_is_listed(loop: Loop, studio: FileServer) -> None:
    studio.answers |= {f"/{i}.png": picture(i) for i in range(12)}
    loop.set(content_hosts=f"127.0.0.1:{studio.port}", encode_within=60)
    rows = [{"image": f"{studio.url}/{i}.png"} for i in range(12)]
    project = loop.fake.create(rows, label_config=PICTURES, maximum_annotations=2)
    loop.fake.spread(project.id)
    for i, task in enumerate(list(project.tasks)[:10]):
        for user in (1, 2):
            said = ("red", "blue")[(i + (i == 3 and user == 2)) % 2]
            region = {"from_name": "c", "to_name": "i", "type": "choices", "value": {"choices": [said]}}
            loop.fake.annotate(project.id, task, [region], user=user)
        loop.state(project).note_changes(1)
    loop.retrain(project)
    study(project.id)
    page = page_of(visit(loop), project)
    disputed = list(project.tasks)[3]
    for part in ("who", "opinions"):
        shown = page.split(f'<section class="card" id="{part}"')[1].split("</section>")[0]
        assert re.search(
            rf'<img class="small" src="data:image/jpeg[^"]+" alt="Picture of task {disputed}">', shown
        )
