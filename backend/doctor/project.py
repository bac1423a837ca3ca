"""Checks of a project: its label config, and Label Studio's connection to this backend."""

from __future__ import annotations

from backend.controls.any_config import lacking_in
from backend.doctor.bench import ProjectBench, classes_in_words
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, note, ok, wrong
from backend.errors import LabelConfigError, LabelStudioError, NotFound, Unreachable
from backend.labelstudio.refusals import explain


@project_check("project", "API key", "Redis")
def project(bench: ProjectBench) -> Finding:
    try:
        tasks = bench.project.task_count
    except NotFound:
        return wrong(
            f"Label Studio has no project {bench.id}, or hides it from this user",
            "Correct --project: the number is in the address of the project's page.",
        )
    return ok(f"{tasks} tasks") if tasks else note("no tasks yet: there is nothing to order", "Import some.")


@project_check("label config", "project")
def label_config(bench: ProjectBench) -> Finding:
    try:
        scheme = bench.scheme
    except LabelConfigError as error:
        return wrong(str(error), "Change it under Settings > Labeling Interface.")
    lacking = lacking_in(scheme, bench.project.label_config, bench.bench.settings.queue_controls)
    if lacking:
        return note(f"{classes_in_words(scheme)}. Not learned: {'; '.join(lacking)}")
    return ok(classes_in_words(scheme))


@project_check("texts", "label config")
def texts(bench: ProjectBench) -> Finding:
    found = bench.survey
    if found.texts is not None:
        return wrong(
            found.texts, "Correct the value under Settings > Labeling Interface, or the tasks' data."
        )
    return (
        ok(f"of the first {found.tasks} tasks, there and not all alike") if found.tasks else note("none yet")
    )


@project_check("annotations", "label config")
def known_answers(bench: ProjectBench) -> Finding:
    found = bench.survey
    if found.answers is not None:
        return note(
            f"{found.answers}; nothing is learned of these",
            "Name what they mean in the label config, or correct the annotations.",
        )
    if not found.annotated:
        return ok("none yet")
    return ok(f"of the first {found.annotated} annotated tasks, as the label config has them")


@project_check("connection", "label config", "backend")
def connection(bench: ProjectBench) -> Finding:
    before = bench.contact.last("setup")
    ours = bench.connection  # Label Studio tries it now
    if ours is None:
        return wrong("the project has no ML backend", bench.connect_again)
    if ours.state != "CO":
        found, remedy = explain(ours.error if ours.state == "ER" else _why_disconnected(bench))
        return wrong(f"{ours.url}: {found}", remedy)
    if bench.contact.last("setup") == before:
        if bench.bench.dispatcher.state(bench.id).disconnected:
            return wrong(
                f"the project was taken from this backend, and {ours.url} is another one's",
                f"To have it back, run `{bench.connect_command}`; else nothing is wrong.",
            )
        return wrong(
            f"Label Studio reaches a backend at {ours.url}, but not the one that shares this Redis",
            "Run `connect` with the address of this backend, or this doctor with that one's REDIS_URL.",
        )
    first = bench.connections[0]
    if first != ours:
        return note(
            f"Label Studio reaches {ours.url}, but asks {first.url} for single predictions",
            "Remove the other model under Settings > Model.",
        )
    return ok(f"Label Studio reaches {ours.url}")


def _why_disconnected(bench: ProjectBench) -> str:
    """Label Studio keeps no reason; saving the connection as it is makes it try once more and tell."""
    ours = bench.connection
    if ours is None:
        return ""
    try:
        bench.bench.label_studio.save_connection(bench.id, ours.url, bench.bench.settings.basic_auth, ours.id)
    except Unreachable:  # that is Label Studio itself
        raise
    except LabelStudioError as error:
        return str(error)
    return "it answers again now"
