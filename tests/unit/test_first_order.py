"""A project without any label yet gets a first order, whatever its control."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from backend.jobs.retrain import Retrain
from backend.labelstudio.connection import Wishes
from backend.labelstudio.project import Project
from backend.settings import Settings

A_OR_B = '<Choice value="a"/><Choice value="b"/>'
CONTROLS = {
    "single": f'<Choices name="c" toName="t">{A_OR_B}</Choices>',
    "multiple": f'<Choices name="c" toName="t" choice="multiple">{A_OR_B}</Choices>',
    "required multiple": f'<Choices name="c" toName="t" choice="multiple" required="true">{A_OR_B}</Choices>',
    "taxonomy": f'<Taxonomy name="c" toName="t">{A_OR_B}</Taxonomy>',
    "taxonomy of one": f'<Taxonomy name="c" toName="t" maxUsages="1">{A_OR_B}</Taxonomy>',
    "dynamic": '<Choices name="c" toName="t" value="$options"/>',
    "dynamic multiple": '<Choices name="c" toName="t" value="$options" choice="multiple"/>',
}


class UnlabelledProject:
    """A Label Studio with one project, whose tasks nobody has labelled."""

    def __init__(self, label_config: str, tasks: list[dict[str, Any]]):
        self.label_config = label_config
        self.tasks = tasks
        self.imported: list[dict[str, Any]] = []

    def project(self, project_id: int, *, counted: bool = True) -> Project:
        return Project(project_id, self.label_config, None, len(self.tasks), True, (1, 100), False, {})

    def newest_change(self, _: int) -> str:
        return "2026-01-01T00:00:00.000000Z"

    def annotated_tasks(self, _: int) -> list[dict[str, Any]]:
        return []

    def all_tasks(self, _: int) -> list[dict[str, Any]]:
        unlabelled = {"is_labeled": False, "total_annotations": 0, "cancelled_annotations": 0}
        return [
            {"id": i, "data": data, "updated_at": self.newest_change(1), **unlabelled}
            for i, data in enumerate(self.tasks, start=1)
        ]

    def wishes(self, _: int) -> Any:
        return Wishes(updates=False)

    def served_first(self, _: Project) -> set[int]:
        return set()

    def version_sizes(self, _: int) -> dict[str, int]:
        return {}

    def import_predictions(self, _: int, predictions: list[dict[str, Any]]) -> int:
        self.imported = predictions
        return len(predictions)

    def publish(self, _: int, model_version: str, **__: Any) -> None:
        pass


def retrained(server: UnlabelledProject, directory: Path) -> dict[str, Any]:
    state = SimpleNamespace(
        changes=0,
        annotations_alone=False,
        strategy=None,
        weights=None,
        wraps=None,
        held_by_label_studio=False,
        label_config=None,
        refill_at=lambda count: None,
    )
    lock = SimpleNamespace(check=lambda: None)
    settings = Settings(data_dir=directory)
    return Retrain(settings, server, state, 1, lock).run()  # type: ignore[arg-type]


@pytest.mark.parametrize("control", CONTROLS.values(), ids=CONTROLS)
def test_a_project_without_any_label_gets_a_first_order(control: str, tmp_path: Path) -> None:
    options = [{"value": "a"}, {"value": "b"}]
    tasks = [{"text": text, "options": options} for text in ("one", "two", "three")]
    server = UnlabelledProject(f'<View><Text name="t" value="$text"/>{control}</View>', tasks)
    done = retrained(server, tmp_path)
    assert done["published"]
    assert sorted(item["task"] for item in server.imported) == [1, 2, 3]
    assert len({item["score"] for item in server.imported}) == 3
    assert all(item["result"] == [] for item in server.imported)  # nothing is guessed from nothing
