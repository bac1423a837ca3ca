"""Whole retrains, on a fake Label Studio."""

from __future__ import annotations

import pytest

from tests.fakes.loop import Loop


def test_a_first_order_stands_before_any_label(loop: Loop) -> None:
    project = loop.create(12)
    done = loop.retrain(project)
    assert done["published"]
    assert sorted(loop.queue(project)) == sorted(project.tasks)
    assert project.settings["sampling"] == "Uncertainty sampling"


def test_labels_are_learned_and_the_rest_is_ordered_anew(loop: Loop) -> None:
    project = loop.create(24, labeled=8)
    done = loop.retrain(project)
    assert (done["trained_on"], done["waiting"], done["labels"]) == (8, 16, {"disaster": 4, "other": 4})
    assert project.settings["model_version"] == done["model_version"]
    assert len(loop.queue(project)) == 16


@pytest.mark.parametrize("strategy", ["auto", "atlas", "transfer_uncertainty", "badge", "typiclust"])
def test_a_version_is_kept_and_read_again_whatever_ranked_it(loop: Loop, strategy: str) -> None:
    loop.set(strategy=strategy)
    project = loop.create(28)
    for i, task in enumerate(
        list(project.tasks)[:12]
    ):  # some labels are wrong: there are two kinds of verdicts
        loop.label(project, task, "other" if i in (2, 4) else None)
    done = loop.retrain(project)
    assert len(loop.queue(project)) == 16
    version = loop.versions(project).load(done["model_version"])
    assert (version.strategy, version.error_head is None) == (strategy, False)
