"""What doctor says of a project's tasks and annotations."""

from __future__ import annotations

import pytest

import backend.doctor.examine  # noqa: F401  registers the checks, in their order
from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.labelstudio.survey import Survey


@pytest.mark.parametrize(
    ("annotated", "said"), [(0, "none yet"), (3, "of the first 3 annotated tasks, as the label config")]
)
def test_annotations_are_counted_where_there_are_some(annotated: int, said: str) -> None:
    bench = ProjectBench(Bench(), 1)
    vars(bench)["survey"] = Survey(9, annotated, None, None)
    assert CHECKS["annotations"].function(bench).found.startswith(said)
