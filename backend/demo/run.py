"""The demo, from an empty machine, or from where the last one ended, to a learning curve."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from backend.demo.boot import Stage, boot
from backend.demo.data import DemoData
from backend.demo.kept import FILE
from backend.demo.measure import Round, measure, measure_parts
from backend.demo.show import RoundTable, console, draw_curve
from backend.demo.team import Served
from backend.running.backend import lock
from backend.running.supervisor import Supervisor
from backend.settings import Settings


@dataclass(frozen=True)
class DemoOptions:
    """The command's options."""

    labels: int
    annotators: int
    strategy: str
    once: bool
    fresh: bool
    json_file: Path | None


def run(options: DemoOptions, data: DemoData) -> None:
    """Raises AtlasError, or a ProcessDied with the log's end, when something does not come up."""
    settings = Settings()
    directory = settings.data_dir / "demo"
    with lock(directory), Supervisor() as supervisor:
        supervisor.stop_on_signals()
        try:
            stage = boot(
                supervisor,
                settings,
                directory,
                data,
                strategy=options.strategy,
                annotators=options.annotators,
                fresh=options.fresh,
            )
            with stage.server:
                console.print(f"{_WATCH}\n  {_link(stage)}", soft_wrap=True)
                rounds, served = _label(supervisor, stage, data, options.labels)
                curve = directory / "learning-curve.png"
                draw_curve(rounds, data.asked.measures, data.rare, options.strategy, curve)
                _report(options, rounds, served, curve)
                if not options.once:
                    _say_where(stage, directory, _link(stage))
                    supervisor.wait()
        except KeyboardInterrupt:
            console.print("Stopping.")
            if options.once:
                raise click.Abort from None
        console.print(_KEPT, soft_wrap=True)


_WATCH = "What is learned, on the project's page; the link is good for one browser:"
_KEPT = (
    "What was labelled is kept: `label-studio-atlas demo` goes on with it, "
    "`label-studio-atlas demo --fresh` deletes it and starts anew."
)


def _label(
    supervisor: Supervisor, stage: Stage, data: DemoData, labels: int
) -> tuple[list[Round], list[Served]]:
    """Let the team label; after every RETRAIN_EVERY labels wait for the new order, as a slow team would."""
    rounds: list[Round] = []
    served: list[Served] = []
    given: list[str] = []
    version = stage.project.model_version()
    if stage.labelled:
        console.print(f"{stage.labelled} of {len(data.pool)} tasks are labelled already.")
    console.print(f'{labels} labels by simulated annotators; the rare class is "{data.rare}".')
    with RoundTable(data.asked.measures, data.rare, labels) as table:
        for moment, label in stage.team.work():
            supervisor.check()
            served.append(moment)
            given.append(label)
            if len(given) % stage.retrain_every == 0 and stage.labelled + len(given) < len(data.pool):
                version = stage.project.wait_for_version_after(version, supervisor.check)
                rounds.append(_measured(stage, data, version, given))
                table.add(rounds[-1])
            if len(given) >= labels:
                break
    return rounds, served


def _measured(stage: Stage, data: DemoData, version: str, given: list[str]) -> Round:
    if not stage.held_out:
        return measure_parts(stage.settings, stage.project.id, data, version, given)
    return measure(stage.backend_url, stage.project, data, stage.held_out, version, given)


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


def _link(stage: Stage) -> str:
    """To the project's page."""
    from backend.commands.pages import link_for, user_name

    return link_for(stage.settings, user_name(), project=stage.project.id)


def _say_where(stage: Stage, directory: Path, link: str) -> None:
    admin = stage.server.admin
    console.print(
        f"\n{_WATCH}\n"
        f"  [bold]{link}[/bold]\n"
        f"Label Studio is running: [bold]{stage.server.url}/projects/{stage.project.id}/data[/bold]\n"
        f"  log in as [bold]{admin.email}[/bold] with password [bold]{admin.password}[/bold]\n"
        '  press "Label All Tasks": tasks come in the learned order, and yours re-order it\n'
        f'  a backend of your own can take the demo\'s API key: "api_key" in {directory / FILE}\n'
        f"Logs and data: {directory}\n"
        "Ctrl-C stops everything.",
        soft_wrap=True,
    )
