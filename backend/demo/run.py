"""The demo, from an empty machine to a learning curve."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from backend.demo.data import DemoData
from backend.demo.environment import install_label_studio, is_installed
from backend.demo.label_studio import LabelStudioServer, free_port, start_label_studio
from backend.demo.measure import Round, measure
from backend.demo.project import DemoProject
from backend.demo.show import RoundTable, console, draw_curve, step
from backend.demo.team import Served, Team
from backend.running.backend import inherited_environment, lock, start_backend
from backend.running.supervisor import Supervisor
from backend.settings import Settings


@dataclass(frozen=True)
class DemoOptions:
    """The command's options."""

    labels: int
    annotators: int
    strategy: str
    once: bool
    json_file: Path | None


@dataclass(frozen=True)
class _Stage:
    """Everything that runs."""

    server: LabelStudioServer
    project: DemoProject
    team: Team
    backend_url: str
    retrain_every: int


def run(options: DemoOptions, data: DemoData) -> None:
    """Raises AtlasError, or a ProcessDied with the log's end, when something does not come up."""
    settings = Settings()
    directory = settings.data_dir / "demo"
    with lock(directory), Supervisor() as supervisor:
        supervisor.stop_on_signals()
        try:
            for leftover in directory.iterdir():
                if leftover.name != "lock":
                    shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
            stage = _boot(supervisor, settings, directory, data, options)
            rounds, served = _label(supervisor, stage, data, options.labels)
            curve = directory / "learning-curve.png"
            draw_curve(rounds, data.rare, options.strategy, curve)
            _report(options, rounds, served, curve)
            if not options.once:
                _say_where(stage, directory)
                supervisor.wait()
        except KeyboardInterrupt:
            console.print("Stopping.")
            if options.once:
                raise click.Abort from None


def _boot(
    supervisor: Supervisor,
    settings: Settings,
    directory: Path,
    data: DemoData,
    options: DemoOptions,
) -> _Stage:
    first = "" if is_installed(settings.cache_dir) else " (the first time: a few minutes)"
    with step(f"Installing Label Studio into an environment of its own{first}"):
        program = install_label_studio(settings.cache_dir)
    with step("Starting Label Studio with an empty database (about half a minute)"):
        server = start_label_studio(supervisor, program, directory / "label-studio")
        members = [server.sign_up(f"annotator{number + 1}") for number in range(options.annotators)]
    with step(f"Creating a project and importing {len(data.pool)} texts"):
        texts = [text for text, _ in data.pool]
        project = DemoProject(server.admin.http, "label-studio-atlas demo", data.labels, texts)
    with step("Starting Redis, the web server and the worker"):
        port = free_port(settings.port)
        settings = settings.model_copy(update={"port": port, "data_dir": directory, "host": "127.0.0.1"})
        env = {
            "RETRAIN_PAUSE": "0",  # simulated annotators are quick; people rest between labels
            **inherited_environment(),
            "LABEL_STUDIO_URL": server.url,
            "LABEL_STUDIO_API_KEY": server.access_token(),
            "STRATEGY": options.strategy,
            "REDIS_URL": "",
            # Connected as the Model page does, without credentials.
            **dict.fromkeys(("BASIC_AUTH_USER", "BASIC_AUTH_PASS", "WEBHOOK_SECRET"), ""),
        }
        start_backend(supervisor, settings, env, logs=directory)
        backend_url = f"http://localhost:{port}"
    with step("Connecting the backend through Label Studio's API, and waiting for a first order"):
        project.connect(backend_url)
        project.wait_for_version_after("", supervisor.check)
    label_of = dict(zip(project.task_ids, (label for _, label in data.pool), strict=True))
    return _Stage(server, project, Team(project, members, label_of), backend_url, settings.retrain_every)


def _label(
    supervisor: Supervisor, stage: _Stage, data: DemoData, target: int
) -> tuple[list[Round], list[Served]]:
    """Let the team label; after every RETRAIN_EVERY labels wait for the new order, as a slow team would."""
    rounds: list[Round] = []
    served: list[Served] = []
    given: list[str] = []
    version = stage.project.model_version()
    console.print(f'{target} labels by simulated annotators; the rare class is "{data.rare}".')
    with RoundTable(data.rare, target) as table:
        for moment, label in stage.team.work():
            supervisor.check()
            served.append(moment)
            given.append(label)
            if len(given) % stage.retrain_every == 0 and len(given) < len(data.pool):
                version = stage.project.wait_for_version_after(version, supervisor.check)
                rounds.append(measure(stage.backend_url, stage.project, data, version, given))
                table.add(rounds[-1])
            if len(given) >= target:
                break
    return rounds, served


def _report(options: DemoOptions, rounds: list[Round], served: list[Served], curve: Path) -> None:
    in_order = sum(moment.score is not None and moment.score == moment.lowest for moment in served)
    console.print(f"{in_order} of {len(served)} served tasks were the lowest-scored one free at that moment.")
    console.print(f"Learning curve: {curve}", soft_wrap=True)
    if options.json_file is not None:
        report = {
            "rounds": [asdict(row) for row in rounds],
            "served": [asdict(moment) for moment in served],
            "curve": str(curve),
        }
        options.json_file.write_text(json.dumps(report, indent=2))
        console.print(f"Details: {options.json_file}", soft_wrap=True)


def _say_where(stage: _Stage, directory: Path) -> None:
    admin = stage.server.admin
    console.print(
        f"\nLabel Studio is running: [bold]{stage.server.url}/projects/{stage.project.id}/data[/bold]\n"
        f"  log in as [bold]{admin.email}[/bold] with password [bold]{admin.password}[/bold]\n"
        '  press "Label All Tasks": tasks come in the learned order, and yours re-order it\n'
        f"Logs and data: {directory}\n"
        "Ctrl-C stops everything.",
        soft_wrap=True,
    )
