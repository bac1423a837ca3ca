"""Of answers that may be right in part a share is drawn at random, too, and their agreement is estimated."""

from __future__ import annotations

from click.testing import CliRunner

from backend.commands.versions import versions
from backend.store.history import History
from backend.store.locations import project_files
from backend.store.reason import AUDIT
from backend.store.served import ServedHeads
from tests.fakes.loop import Loop
from tests.unit.span_scenes import mark, shown, span_project


def test_spans_are_drawn_without_a_guess_and_tell_their_agreement_with_annotators(loop: Loop) -> None:
    loop.set(audit_share=0.3)
    project = span_project(loop)
    first = loop.retrain(project)
    assert first["estimate"] == {"audited": 0, "share": 0.3}
    mark(loop, project, loop.queue(project)[:16])
    done = loop.retrain(project)
    files = project_files(loop.settings, project.id)
    served = ServedHeads(files).read(done["model_version"]) or {}
    drawn = {task for task, reason in served.items() if reason.how == AUDIT}
    assert drawn
    assert not any(words for task, words in shown(project).items() if task in drawn)
    told = done["estimate"]
    assert told["audited"] >= 3
    assert 0 <= told["agreement"]["low"] < told["agreement"]["value"] < told["agreement"]["high"] <= 1
    assert "accuracy" not in told
    assert "forecast" not in done
    assert History(files).read()[-1]["estimate"] == told
    printed = CliRunner().invoke(versions, ["--project", str(project.id)]).output
    assert f"agreement {told['agreement']['value']:.0%}" in printed
    assert "drawn at random" in printed
