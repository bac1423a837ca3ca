"""Checks of what orders a project's tasks: sampling, strategy, retrains, the published version."""

from __future__ import annotations

from backend.controls.weights import own_weights, shares_of, unknown_weights
from backend.doctor.bench import ProjectBench
from backend.doctor.checks import project_check
from backend.doctor.finding import Finding, State, not_checked, note, ok, wrong
from backend.jobs.status import job_status
from backend.labelstudio.client import UNCERTAINTY_SAMPLING
from backend.labelstudio.suggestions import said_of
from backend.store.chosen_settings import chosen
from backend.store.locations import version_store
from backend.store.model_version import version_number


@project_check("sampling", "project")
def sampling(bench: ProjectBench) -> Finding:
    found = bench.sampling
    if found != UNCERTAINTY_SAMPLING:
        return wrong(f'"{found}": Label Studio does not follow our order', bench.connect_again)
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
    by_page = chosen(bench.bench.settings, bench.id).get("strategy")
    if by_page is not None:
        return ok(f"{by_page}, as the project's page has it")
    return ok(f"{bench.bench.settings.strategy}, by STRATEGY")


@project_check("controls", "label config", "settings")
def controls(bench: ProjectBench) -> Finding:
    weights, scheme = bench.bench.settings.weights, bench.scheme
    unknown = unknown_weights(scheme, weights)
    if unknown is not None:
        return wrong(unknown, "Correct CONTROL_WEIGHTS and restart label-studio-atlas, or the label config.")
    own = next(filter(None, (each.weights for each in bench.connections)), None)
    try:
        shares = shares_of(scheme, weights if own is None else own_weights(scheme, own))
    except ValueError as error:
        return wrong(f"the connection's extra params are not heeded: {error}", "Correct them.")
    said = "" if own is None else ", as the connection asks"
    if len(shares) == 1:
        return ok(f"{next(iter(shares))} alone orders the queue{said}")
    told = ", ".join(f"{name} {share:.0%}" for name, share in shares.items())
    return ok(f"the queue is ordered by {told}{said}")


@project_check("retrain", "project", "worker")
def retrain(bench: ProjectBench) -> Finding:
    job = job_status(bench.bench.redis, f"retrain-{bench.id}")
    aside = bench.bench.dispatcher.state(bench.id).aside
    if aside is not None:
        return wrong(
            f"the project is set aside, since each retrain failed: {aside}",
            f"Mend what it names, then run `{bench.connect_command}`; annotations start a try now and then.",
        )
    if job is None:
        return ok("none is waiting")
    if job.get("error"):
        when = "the last one failed" if job["status"] == "failed" else "it failed and is tried again"
        again = "Mend what it names; the next annotation, or `connect`, starts another retrain."
        return wrong(f"{when}: {job['error']}", again)
    if job["status"] != "finished":
        return ok({"started": "running"}.get(job["status"], "waiting"))
    done = job["result"] if isinstance(job["result"], dict) else {}
    if done.get("published"):
        return ok(f"the last one published {done.get('model_version')}, from {done.get('trained_on')} labels")
    return ok(f"the last one published nothing: {done.get('reason', 'no task waits, or one is pinned')}")


@project_check("model version", "project", "retrain", "model store")
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
        return _published(bench, published)
    if bench.project.is_finished:
        return ok("all tasks are labelled: there is nothing to order")
    return wrong(
        f"the project follows {current or 'none'}, last published is {published}", bench.connect_again
    )


def _published(bench: ProjectBench, version: str) -> Finding:
    theirs = version_store(bench.bench.settings, bench.id).stats(version).get("suggestions")
    if theirs is None:
        return ok(f"{version}, the one last published")
    return note(f"{version}, the one last published, orders; {said_of(str(theirs))}")


def _nothing_published(bench: ProjectBench) -> Finding:
    current = bench.project.model_version or ""
    if not bench.project.task_count:
        return not_checked("the project has no tasks")
    if bench.project.is_finished:
        return ok("all tasks are labelled: there is nothing to order")
    if bench.bench.dispatcher.is_retraining(bench.id):
        return note("the first order is being made")
    if version_number(current):
        return not_checked(f"{current} was not published from DATA_DIR {bench.bench.settings.data_dir}")
    if bench.connection is None or bench.connection.state != "CO":
        return not_checked('"connection" comes first')
    return wrong("nothing has been published yet, and no retrain is coming", bench.connect_again)
