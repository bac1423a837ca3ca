"""The demo of parts: what is made, asked and submitted, and how it is told how well they are found."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from backend.cli import main
from backend.controls.config import parse_label_config
from backend.controls.regions import RegionControl
from backend.controls.span_answers import known_in
from backend.demo import data as demo_data
from backend.demo.asked import SPANS
from backend.demo.data import DemoData, marked
from backend.demo.marked import COUNT, drawn_boxes, drawn_masks, sentences
from backend.demo.measure import measure_parts
from backend.demo.objects import TextObjects
from backend.demo.project import label_config
from backend.store.locations import version_store
from tests.fakes.loop import Loop

FEW = 6


@pytest.fixture(params=["spans", "boxes", "masks"])
def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DemoData:
    for name, few in (("sentences", sentences), ("drawn_boxes", drawn_boxes), ("drawn_masks", drawn_masks)):
        monkeypatch.setattr(demo_data, name, lambda *given, few=few: few(*given, FEW))
    return marked(str(request.param), tmp_path)


def test_what_is_submitted_says_what_is_true_of_the_item(data: DemoData) -> None:
    config = label_config(data.labels, data.objects, data.asked)
    control = parse_label_config(config).main
    assert isinstance(control, RegionControl)
    assert len(data.pool) == FEW
    for content, answer in data.pool:
        regions = data.asked.regions(data.objects.name, answer, content)
        assert all(region.get("score") is None for region in regions)
        found = control.read(regions, content)
        assert found is not None
        assert control.agreement(found, answer) == 1
    assert data.rare in data.labels
    assert data.rare_in(answer for _, answer in data.pool) == pytest.approx(data.rare_share * FEW)


def test_sentences_hold_the_names_that_are_marked_in_them() -> None:
    made = sentences()
    assert made == sentences()
    assert len({text for text, _ in made}) == COUNT
    for text, answer in made:
        for span in known_in(answer):
            assert text[span.start : span.end].istitle()
    assert DemoData(made, [], TextObjects(), SPANS).rare == "SHIP"


def test_scenes_are_drawn_once_and_the_same_for_boxes_and_masks(tmp_path: Path) -> None:
    boxes, masks = drawn_boxes(tmp_path, 3), drawn_masks(tmp_path, 3)
    assert [file for file, _ in boxes] == [file for file, _ in masks]
    with Image.open(boxes[0][0]) as opened:
        assert min(opened.size) > 200
    assert len(list(tmp_path.iterdir())) == 1


def test_how_well_parts_are_found_is_what_the_version_tells(loop: Loop) -> None:
    made = DemoData(sentences(60), [], TextObjects(), SPANS)
    loop.set(encoder="lsa")
    config = label_config(made.labels, made.objects, made.asked)
    project = loop.fake.create([{"text": text} for text, _ in made.pool], label_config=config)
    given = [answer for _, answer in made.pool[:30]]
    for task, (text, answer) in list(zip(project.tasks, made.pool, strict=True))[:30]:
        loop.fake.annotate(project.id, task, made.asked.regions("text", answer, text))
    loop.retrain(project)
    version = version_store(loop.settings, project.id).published() or ""
    row = measure_parts(loop.settings, project.id, made, version, given)
    assert row.scores == [row.measured["f1"]]
    assert 0 < (row.measured["f1"] or 0) <= 1
    assert row.rare_found == made.rare_in(given)


@pytest.mark.parametrize("kind", ["images", "spans"])
def test_data_of_ones_own_has_no_other_kind(kind: str, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("text,label\na,b\n")
    asked = CliRunner().invoke(main, ["demo", "--kind", kind, "--data", str(tmp_path / "mine.csv")])
    assert asked.exit_code == 2
    assert f"--kind {kind} has data of its own" in asked.output
