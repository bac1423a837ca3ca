"""The docs cannot rot: every link, command, `make` target and setting in them is checked against the code."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from backend.cli import main
from backend.running.backend import inherited_environment
from tests.unit.pages import ROOT, blocks, each_page, lines, prose, spans

PROGRAM = "label-studio-atlas"


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if not link.startswith(("http://", "https://")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in readme, page.name


def test_the_house_has_a_row_for_every_folder() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `(backend/\w+)` \|", page, re.MULTILINE))
    assert rows == {f"backend/{each.parent.name}" for each in (ROOT / "backend").glob("*/__init__.py")}


def test_pictures_are_small_and_shown() -> None:
    pages = "".join(page.read_text() for page in (ROOT / "docs").glob("*.md"))
    pictures = sorted((ROOT / "docs" / "img").iterdir())
    assert len(pictures) >= 3
    for picture in pictures:
        assert picture.stat().st_size < 150_000, picture.name
        assert f"(img/{picture.name})" in pages, picture.name


def commands(page: Path) -> list[list[str]]:
    """The arguments of every command of ours, in code blocks and, where more is said than its name, between
    backticks."""
    found = []
    for line in [*lines(page), *(span for span in spans(page) if len(span.split()) > 2)]:
        called = re.search(rf"(?:^|[\s/])(?:\S*/)?{PROGRAM} +(\S.*)", line)
        if called and not re.search(
            rf"(✓|pip|cd|clone|name|job_name|import|useradd|systemctl|journalctl).*{PROGRAM}", line
        ):
            found.append(shlex.split(called[1], comments=True))
    return found


@each_page
def test_commands_named_exist(page: Path) -> None:
    named = set(re.findall(rf"`{PROGRAM} ([\w-]+)", page.read_text()))
    assert named <= set(main.commands)


@each_page
def test_commands_can_be_given_like_this(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mine.csv", "project.json", "batch.csv", "batch2.csv"):
        (tmp_path / name).touch()
    for name in ("photos", "labelled"):
        (tmp_path / name).mkdir()
    (tmp_path / "backend").symlink_to(ROOT / "backend")
    monkeypatch.chdir(tmp_path)
    for arguments in commands(page):
        given = takewhile(">".__ne__, arguments)
        known = [word.split("|")[0] for word in given]  # web|worker|cron
        known = [{"URL": "http://x", "N": "1", "FILE": "mine.csv"}.get(word, word) for word in known]
        known = [word for word in known if word not in ("...", "[VERSION]")]
        try:
            parse(main, known)
        except click.exceptions.Exit:  # --help
            continue
        except click.ClickException as error:
            pytest.fail(f"{shlex.join(arguments)}: {error.format_message()}")


def parse(command: click.Command, arguments: list[str]) -> None:
    """Down to the last subcommand, without running any. Raises click's UsageError."""
    with command.make_context(PROGRAM, list(arguments)) as context:
        if isinstance(command, click.Group):
            rest = [*context._protected_args, *context.args]
            if rest:
                _, subcommand, rest = command.resolve_command(context, rest)
                assert subcommand is not None
                parse(subcommand, rest)


RUNS = ("doctor --project 3 --json", "up --help", "simulate --help")
"""Commands that need nothing beside them. The others run in the tests of what they do."""


@pytest.mark.parametrize("arguments", RUNS)
def test_what_can_run_by_itself_runs(arguments: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://localhost:1")
    done = CliRunner().invoke(main, arguments.split())
    assert isinstance(done.exception, SystemExit) or done.exception is None
    assert done.exit_code == (1 if "doctor" in arguments else 0)
    assert done.stdout


def test_the_package_runs_as_a_program() -> None:
    command = [sys.executable, "-m", "backend", "--help"]
    done = subprocess.run(command, env=inherited_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert done.stdout


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    asked = {
        match[1] for line in [*lines(page), *spans(page)] if (match := re.match(r" *make ([a-z-]+)", line))
    }
    assert asked <= targets


@each_page
def test_python_in_the_docs_is_python(page: Path) -> None:
    for language, block in blocks(page):
        if language == "python":
            ast.parse(block)


def test_the_hooks_are_the_ones_the_makefile_has() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    entries = re.findall(r"entry: (\S+)", hooks)
    assert entries
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    assert all(os.access(Path(sys.executable).parent / Path(entry).name, os.X_OK) for entry in entries)
