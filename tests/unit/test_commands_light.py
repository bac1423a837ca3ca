"""Errors of the command line come at once: nothing heavy is imported before them.

What was imported is looked at, not how long it took.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from backend.cli import main
from backend.running.backend import inherited_environment

HEAVY = ("torch", "sklearn", "scipy", "label_studio_sdk", "label_studio_ml", "matplotlib", "flask", "rq")

PROGRAM = """
import json, os, sys
from backend.cli import main
heavy = json.loads(sys.argv[1])
for line in sys.stdin:
    folder, env, arguments = json.loads(line)
    if os.fork():
        os.wait()
        continue
    os.chdir(folder)
    os.environ |= env
    told, sys.stdout = sys.stdout, sys.stderr
    try:
        main(arguments, standalone_mode=False)
        said = ""
    except SystemExit as error:
        said = f"exit {error.code}"
    except Exception as error:
        said = error.format_message()
    print(json.dumps([said, [name for name in heavy if name in sys.modules]]), file=told, flush=True)
    os._exit(0)
"""
"""A process of its own for each command, all of which have imported the command line and nothing more."""


@pytest.fixture(scope="module")
def commands() -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-c", PROGRAM, json.dumps(HEAVY)]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, env=inherited_environment(), text=True, stdin=pipe, stdout=pipe) as process:
        yield process


def run(commands: subprocess.Popen[str], folder: Path, *arguments: str, **env: str) -> tuple[str, list[str]]:
    """What the command says of its error, and which heavy modules it has imported by then."""
    assert commands.stdin is not None
    assert commands.stdout is not None
    print(json.dumps([str(folder), env, arguments]), file=commands.stdin, flush=True)
    said, heavy = json.loads(commands.stdout.readline())
    return said, heavy


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("simulate", "mine.csv"), "--text-field message --control category"),
        (("simulate", "one.csv"), "all its texts have one label"),
        (("simulate", "good.csv", "--strategies", "best"), "unknown strategy 'best'"),
        (("simulate", "good.csv", "--strategies", "50% best and 50% auto"), "'best' is no strategy"),
        (("simulate", "good.csv", "--encoder", "best"), "unknown encoder 'best'"),
        (("simulate", "good.csv", "--start", "900"), "nothing is left to choose"),
        (("simulate", "good.csv", "--out", "full"), "is not empty"),
        (("next", "mine.csv"), "--text-field message"),
        (("next", "good.csv"), "all its texts have a label"),
        (("next", "good.csv", "--strategy", "best"), "unknown strategy 'best'"),
        (("demo", "--data", "mine.csv"), "--text-field message --control category"),
        (("demo", "--strategy", "best"), "unknown strategy 'best'"),
        (("worker",), "unknown strategy 'bset'"),
        (("up",), "unknown strategy 'bset'"),
        (("connect", "--project", "1"), "give the URL"),
        (
            ("connect", "localhost:9090", "--project", "1"),
            "it begins with http://, as in http://localhost:9090",
        ),
        (("disconnect", "localhost:9090", "--project", "1"), "it begins with http://"),
        (("versions", "--project", "99"), "nothing is kept of project 99"),
        (("predictions", "--project", "99", "--out", "x.csv"), "nothing is kept of project 99"),
        (("predictions", "--project", "1"), "give one of --out FILE, --import and --remove"),
        (("predictions", "--project", "1", "--out", "good.csv"), "give --force"),
        (("predictions", "--project", "1", "--out", "good.xls"), "must end with .csv or .jsonl"),
        (("versions", "--project", "99", "rollback"), "nothing is kept of project 99"),
    ],
)
def test_an_error_comes_before_anything_heavy_is_imported(
    tmp_path: Path, commands: subprocess.Popen[str], arguments: tuple[str, ...], said: str
) -> None:
    (tmp_path / "mine.csv").write_text("message,category\n" + "a,x\nb,x\nc,y\nd,y\n" * 5)
    (tmp_path / "one.csv").write_text("text,label\na,x\nb,x\n")
    (tmp_path / "good.csv").write_text("text,label\n" + "".join(f"text {i},c{i % 2}\n" for i in range(90)))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    strategy = {"STRATEGY": "bset"} if arguments[0] in ("worker", "up") else {}
    found, heavy = run(commands, tmp_path, *arguments, DATA_DIR=str(tmp_path / "data"), **strategy)
    assert said in found
    assert heavy == []


def test_versions_of_a_project_nobody_knows_say_which_are_known(tmp_path: Path) -> None:
    def said_of(project: int, folder: Path) -> str:
        done = CliRunner(env={"DATA_DIR": str(folder)}).invoke(main, ["versions", "--project", str(project)])
        assert done.exit_code == 1
        return " ".join(done.output.split())

    (tmp_path / "projects" / "4").mkdir(parents=True)
    assert "kept are: 4" in said_of(99, tmp_path)
    elsewhere = said_of(99, tmp_path / "other")
    assert "kept are: none" in elsewhere
    assert "DATA_DIR" in elsewhere
    assert "no version is kept of project 4" in said_of(4, tmp_path)
