"""Everything that runs in a demo, started: new, or as the last one left it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backend.demo.data import DemoData
from backend.demo.environment import install_label_studio, is_installed
from backend.demo.kept import LABEL_STUDIO, KeptDemo, begin, digest_of, has_begun
from backend.demo.label_studio import LabelStudioServer, User, free_port, start_label_studio
from backend.demo.project import DemoProject
from backend.demo.show import console, step
from backend.demo.team import Team
from backend.running.backend import inherited_environment, start_backend
from backend.running.supervisor import Supervisor
from backend.settings import Settings


@dataclass(frozen=True)
class Stage:
    """Everything that runs. labelled: how many tasks have their label already;
    held_out: what would stand in tasks about what is held out."""

    server: LabelStudioServer
    project: DemoProject
    team: Team
    backend_url: str
    retrain_every: int
    labelled: int
    held_out: list[str]
    settings: Settings
    """Of the backend, as its processes have them."""


def boot(
    supervisor: Supervisor,
    settings: Settings,
    directory: Path,
    data: DemoData,
    *,
    strategy: str,
    annotators: int,
    fresh: bool,
) -> Stage:
    """Raises AtlasError, or a ProcessDied with the log's end, when something does not come up."""
    kept = begin(directory, fresh=fresh)
    if kept is not None:
        console.print("Going on with the last demo and what was labelled in it (--fresh starts anew).")
    with step(_installing(settings)) as progress:
        program = install_label_studio(settings.cache_dir, progress)
    with step(f"Starting Label Studio {'again' if kept else 'with an empty database (about half a minute)'}"):
        admin = kept.admin if kept else None
        server = start_label_studio(supervisor, program, directory / LABEL_STUDIO, admin=admin)
        kept = kept or KeptDemo(server.admin.login, server.access_token())
        members = _members(server, kept, annotators)
    project = _project(server, kept, data)
    has_begun(directory, kept)
    with step("Starting Redis, the web server and the worker"):
        backend = _start_backend(supervisor, settings, directory, server, kept, strategy)
        backend_url = f"http://localhost:{backend.port}"
    with step("Connecting the backend through Label Studio's API, and waiting for a first order"):
        project.connect_again(backend_url)
        project.wait_for_version_after("", supervisor.check)
    team = Team(project, members, data.pool)
    labelled = len(project.labelled_tasks())
    there = backend.model_copy(update={"label_studio_url": server.url})
    held_out = data.objects.held_out(there, project.id, [item for item, _ in data.held_out])
    return Stage(server, project, team, backend_url, settings.retrain_every, labelled, held_out, there)


def _installing(settings: Settings) -> str:
    if is_installed(settings.cache_dir):
        return "Label Studio is installed in an environment of its own"
    return "Installing Label Studio into an environment of its own (the first time: a few minutes)"


def _members(server: LabelStudioServer, kept: KeptDemo, annotators: int) -> list[User]:
    while len(kept.members) < annotators:
        kept.members.append(server.sign_up(f"annotator{len(kept.members) + 1}").login)
    return [server.user(login) for login in kept.members[:annotators]]


def _project(server: LabelStudioServer, kept: KeptDemo, data: DemoData) -> DemoProject:
    """The project with these tasks; a new one where there is none yet, or it was deleted."""
    digest, items = digest_of(data), [item for item, _ in data.pool]
    title, http = f"label-studio-atlas demo {len(kept.projects) + 1}", server.admin.http
    if known := kept.projects.get(digest):
        there = (known["id"], known["task_ids"])
        project = DemoProject(http, title, data.labels, items, there, data.objects, data.asked)
        if project.exists():
            return project
    with step(f"Creating a project and importing {len(items)} {data.objects.things.many}"):
        project = DemoProject(http, title, data.labels, items, objects=data.objects, asked=data.asked)
    kept.projects[digest] = {"id": project.id, "task_ids": project.task_ids}
    return project


def _start_backend(
    supervisor: Supervisor,
    settings: Settings,
    directory: Path,
    server: LabelStudioServer,
    kept: KeptDemo,
    strategy: str,
) -> Settings:
    """Its settings. What a shell would need to belong to it is kept for `doctor`."""
    port = free_port(settings.port)
    settings = settings.model_copy(update={"port": port, "data_dir": directory, "host": "127.0.0.1"})
    env = {
        "RETRAIN_PAUSE": "0",  # simulated annotators are quick; people rest between labels
        **inherited_environment(),
        "LABEL_STUDIO_URL": server.url,
        "LABEL_STUDIO_API_KEY": kept.api_key,
        "STRATEGY": strategy,
        "REDIS_URL": "",
        # Connected as the Model page does, without credentials.
        **dict.fromkeys(("BASIC_AUTH_USER", "BASIC_AUTH_PASS", "WEBHOOK_SECRET"), ""),
    }
    started = start_backend(supervisor, settings, env, logs=directory)
    shell = ("LABEL_STUDIO_URL", "LABEL_STUDIO_API_KEY", "DATA_DIR", "HOST", "PORT", "REDIS_URL", "STRATEGY")
    cleared = dict.fromkeys(("BASIC_AUTH_USER", "BASIC_AUTH_PASS", "WEBHOOK_SECRET", "MODEL_STORE"), "")
    kept.environment = {**{name: started[name] for name in shell}, **cleared}
    kept.save(directory)
    return settings.model_copy(update={"redis_url": started["REDIS_URL"]})
