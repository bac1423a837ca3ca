"""Checks of a project: from its label config to the order its annotators get."""

from __future__ import annotations

import time

from backend.doctor.bench import ProjectBench, told_classes
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, State, not_checked, note, ok, wrong
from backend.errors import LabelConfigError, LabelStudioError, NotFound, Unreachable
from backend.jobs.state import digest
from backend.jobs.status import job_status
from backend.labelstudio.client import UNCERTAINTY_SAMPLING
from backend.labelstudio.refusals import explain
from backend.labelstudio.scheme import parse_label_config
from backend.store.versions import version_number

ARRIVES_WITHIN = 3
"""Seconds; Label Studio sends a webhook before it answers, and gives up after one."""


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
        scheme = parse_label_config(bench.project.label_config, bench.bench.settings.queue_control)
    except LabelConfigError as error:
        return wrong(str(error), "Change it under Settings > Labeling Interface.")
    return ok(told_classes(scheme))


@project_check("connection", "label config", "backend")
def connection(bench: ProjectBench) -> Finding:
    before = bench.contact.last("setup")
    ours = bench.connection  # Label Studio tries it now
    if ours is None:
        return wrong("the project has no ML backend", _connect(bench))
    if ours.state != "CO":
        found, remedy = explain(ours.error if ours.state == "ER" else _why_disconnected(bench))
        return wrong(f"{ours.url}: {found}", remedy)
    if bench.contact.last("setup") == before:
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


@project_check("webhook", "project", "settings")
def webhook(bench: ProjectBench) -> Finding:
    if bench.connection is None:
        return not_checked('"connection" comes first')
    url, wanted = bench.connection.webhook_url, bench.bench.settings.webhook_authorization
    hooks = bench.webhooks
    if not hooks:
        return wrong(f"there is none to {url}", _connect(bench))
    hook = next((each for each in hooks if each.is_active), hooks[0])
    if not hook.is_active:
        return wrong(f"the one to {url} is switched off", _connect(bench))
    carried = hook.headers.get("Authorization", "")
    own = bench.bench.dispatcher.state(bench.id).webhook_digest
    if carried != wanted if wanted else own and digest(carried) != own:
        what = "another secret" if carried else "no secret"
        return wrong(f"the one to {url} carries {what}", _connect(bench))
    if not hook.with_payload or hook.missing_actions:
        lacks = ", ".join(sorted(hook.missing_actions)) or "its payload"
        return wrong(f"the one to {url} lacks {lacks}", _connect(bench))
    open_door = f", with no secret that is asked for: `{bench.connect_command}` makes one"
    return ok(f"active, to {url}" + (", with a secret" if wanted or own else open_door))


@project_check("webhook arrives", "connection", "webhook")
def webhook_arrives(bench: ProjectBench) -> Finding:
    """Asks Label Studio for one: a change of nothing makes it send PROJECT_UPDATED."""
    before = bench.contact.last("webhook")
    bench.bench.label_studio.set_sampling(bench.id, bench.sampling or UNCERTAINTY_SAMPLING)
    deadline = time.monotonic() + ARRIVES_WITHIN
    while bench.contact.last("webhook") == before:
        if time.monotonic() > deadline:
            return wrong(
                "Label Studio was made to send one, and it did not arrive",
                "Look for it in Label Studio's log: it waits one second for the backend "
                "(more with its WEBHOOK_TIMEOUT).",
            )
        time.sleep(0.1)
    return ok("Label Studio was made to send one, and it arrived")


@project_check("sampling", "project")
def sampling(bench: ProjectBench) -> Finding:
    found = bench.sampling
    if found != UNCERTAINTY_SAMPLING:
        return wrong(f'"{found}": Label Studio does not follow our order', _connect(bench))
    return ok(f'"{found}": Label Studio follows the order of predictions')


@project_check("strategy", "project", "settings")
def strategy(bench: ProjectBench) -> Finding:
    """Connections are listed by id: the first that names one is the oldest."""
    named = {each.id: each.strategy for each in bench.connections}
    asked = next(filter(None, named.values()), None)
    if len(set(named.values())) > 1:
        each = "; ".join(f"connection {i} {name or 'names none'}" for i, name in named.items())
        return note(
            f"the connections do not agree ({each}): {asked}, of the oldest that names one, orders the queue",
            "Name the same strategy in the extra params of all, or remove the models that are not used.",
        )
    if asked is not None:
        return ok(f"{asked}, as the connection asks")
    return ok(f"{bench.bench.settings.strategy}, by STRATEGY")


@project_check("retrain", "project", "worker")
def retrain(bench: ProjectBench) -> Finding:
    told = job_status(bench.bench.redis, f"retrain-{bench.id}")
    aside = bench.bench.dispatcher.state(bench.id).aside
    if aside is not None:
        return wrong(
            f"the project is set aside, since each retrain failed: {aside}",
            f"Mend what it names, then run `{bench.connect_command}`: annotations start none meanwhile.",
        )
    if told is None:
        return ok("none is waiting")
    if told.get("error"):
        when = "the last one failed" if told["status"] == "failed" else "it failed and is tried again"
        again = "Mend what it names; the next annotation, or `connect`, starts another retrain."
        return wrong(f"{when}: {told['error']}", again)
    if told["status"] != "finished":
        return ok({"started": "running"}.get(told["status"], "waiting"))
    done = told["result"] if isinstance(told["result"], dict) else {}
    if done.get("published"):
        return ok(f"the last one published {done.get('model_version')}, from {done.get('trained_on')} labels")
    return ok(f"the last one published nothing: {done.get('reason', 'no task waits, or one is pinned')}")


@project_check("model version", "project", "retrain")
def model_version(bench: ProjectBench) -> Finding:
    """Looked at twice where it seems wrong: since the project was read a retrain may have published."""
    found = _order(bench)
    if found.state is not State.WRONG:
        return found
    busy = bench.bench.dispatcher.is_retraining(bench.id)  # first: it may end while the rest is read
    bench.look_again()
    found = _order(bench)
    if found.state is State.WRONG and busy:
        return note(f"{found.found}; a retrain is under way", "Look again once it has ended.")
    return found


def _order(bench: ProjectBench) -> Finding:
    current, published = bench.project.model_version, bench.published
    if published is None:
        return _nothing_published(bench)
    if current == published:
        return ok(f"{current}, the one last published")
    if bench.project.is_finished:
        return ok("all tasks are labelled: there is nothing to order")
    return wrong(f"the project follows {current or 'none'}, last published is {published}", _connect(bench))


def _nothing_published(bench: ProjectBench) -> Finding:
    current = bench.project.model_version or ""
    if not bench.project.task_count:
        return not_checked("the project has no tasks")
    if bench.bench.dispatcher.is_retraining(bench.id):
        return note("the first order is being made")
    if version_number(current):
        return not_checked(f"{current} was not published from DATA_DIR {bench.bench.settings.data_dir}")
    if bench.connection is None or bench.connection.state != "CO":
        return not_checked('"connection" comes first')
    return wrong("nothing has been published yet, and no retrain is coming", _connect(bench))


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


def _connect(bench: ProjectBench) -> str:
    return f"Run `{bench.connect_command}`."
