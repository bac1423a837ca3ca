"""The docs cannot rot: every link, command, `make` target and setting in them is checked against the code."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from backend.cli import main
from backend.running.backend import inherited_environment
from backend.sampling import names
from backend.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("docker/**/*.md")),
]
PROGRAM = "label-studio-atlas"
OTHERS = re.compile(
    r"AWS_\w+|POSTGRE_\w+|LABEL_STUDIO_\w+|ML_TIMEOUT_\w+|OMP_NUM_THREADS|USE_DEFAULT_BANNED_SUBNETS|TORCH|DEMO"
    r"|CHAOS_\w+|TESTS|BENCH|STRATEGIES|ANNOTATION_CREATED|PROJECT_UPDATED|README|CONTRIBUTING|CHANGELOG|URL|[A-Z]+"
)
"""Names in capitals that are no settings of ours: of other programs, of `make`, of Python, words."""


def by_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


each_page = pytest.mark.parametrize("page", PAGES, ids=by_name)


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language and content of each code block."""
    yield from re.findall(r"^ *```(\w*)\n(.*?)^ *```", page.read_text(), re.M | re.S)


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.*)", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not link.startswith(("http://", "https://")):
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), link
            assert not anchor or anchor in anchors(target), link


def test_the_readme_leads_to_every_page() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in readme, page.name


def commands(page: Path) -> list[list[str]]:
    """The arguments of every command of ours, in code blocks and, where more is said than its name, between
    backticks."""
    text = page.read_text().replace("\\\n", " ")
    lines = [line for _, block in blocks(page) for line in block.splitlines()]
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"^ *```.*?^ *```", "", text, flags=re.M | re.S))
    found = []
    for line in [*lines, *(span for span in spans if len(span.split()) > 2)]:
        called = re.search(rf"(?:^|[\s/])(?:\S*/)?{PROGRAM} +(\S.*)", line)
        if called and not re.search(rf"(pip|cd|clone|name|job_name|import).*{PROGRAM}", line):
            found.append(shlex.split(called[1], comments=True))
    return found


@each_page
def test_commands_named_exist(page: Path) -> None:
    named = set(re.findall(rf"`{PROGRAM} (\w+)", page.read_text()))
    assert named <= set(main.commands)


@each_page
def test_commands_can_be_given_like_this(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mine.csv", "project.json"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    for arguments in commands(page):
        known = [word.split("|")[0] for word in arguments]  # web|worker|cron
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


RUNS = ("versions --project 1", "doctor --project 3 --json", "--help", "up --help", "simulate --help")
"""Commands that need nothing beside them. The others run in the tests of what they do."""


@pytest.mark.parametrize("arguments", RUNS)
def test_what_can_run_by_itself_runs(arguments: str, tmp_path: Path) -> None:
    env = {**inherited_environment(), "DATA_DIR": str(tmp_path), "REDIS_URL": "redis://localhost:1"}
    command = [sys.executable, "-m", "backend", *arguments.split()]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == (1 if "doctor" in arguments else 0)
    assert "Traceback" not in done.stderr
    assert done.stdout


@each_page
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    spans = re.findall(r"`make ([a-z]+)", page.read_text())
    lines = [line for _, block in blocks(page) for line in block.splitlines()]
    asked = {match[1] for line in lines if (match := re.match(r" *make ([a-z]+)", line))}
    assert asked | set(spans) <= targets


@each_page
def test_settings_exist(page: Path) -> None:
    composed = "".join(file.read_text() for file in (ROOT / "docker").glob("*.yaml"))
    known = {name.upper() for name in Settings.model_fields} | set(re.findall(r"[A-Z][A-Z0-9_]+", composed))
    spans = re.findall(r"`([^`\n]+)`", page.read_text())
    named = {word for span in spans for word in re.findall(r"(?<![\w/.$-])[A-Z][A-Z0-9_]{3,}(?![\w/])", span)}
    for language, block in blocks(page):
        if language in ("", "sh", "bash"):
            named |= set(re.findall(r"(?:^|\s)(?:export +)?([A-Z][A-Z0-9_]+)=", block))
    assert {name for name in named - known if not OTHERS.fullmatch(name)} == set()


@each_page
def test_python_in_the_docs_is_python(page: Path) -> None:
    for language, block in blocks(page):
        if language == "python":
            ast.parse(block)


def test_every_setting_is_listed_with_its_default_and_every_strategy() -> None:
    settings, readme = (ROOT / "docs" / "settings.md").read_text(), (ROOT / "README.md").read_text()
    for name, field in Settings.model_fields.items():
        default = "–" if field.default in (None, "") else f"`{field.default}`"
        assert f"| `{name.upper()}` | {default} | {field.description} |" in settings
    for strategy in names():
        assert f"`{strategy}`" in readme


def test_every_dependency_has_its_reason() -> None:
    parts = (ROOT / "docs" / "architecture.md").read_text().lower().replace(", ", " ").split()
    declared = re.search(r"^dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.M | re.S)
    assert declared is not None
    for requirement in re.findall(r'"([a-z0-9-]+)', declared[1]):
        assert requirement in parts, requirement


def test_every_metric_is_told_of() -> None:
    told = (ROOT / "docs" / "operations.md").read_text()
    for source in (ROOT / "backend" / "web").glob("*metrics.py"):
        for metric in re.findall(r'"(atlas_\w+)"', source.read_text()):
            assert metric in told


def test_every_check_of_the_doctor_is_told_of() -> None:
    from backend.doctor import examine  # noqa: F401  registers them
    from backend.doctor.checks import CHECKS

    told = (ROOT / "docs" / "troubleshooting.md").read_text()
    for name in CHECKS:
        assert name in told, name


def test_the_hooks_are_the_ones_the_makefile_has() -> None:
    hooks = (ROOT / ".pre-commit-config.yaml").read_text()
    entries = re.findall(r"entry: (\S+)", hooks)
    assert entries
    assert all(entry.startswith(".venv/bin/") for entry in entries)
    assert all(os.access(Path(sys.executable).parent / Path(entry).name, os.X_OK) for entry in entries)


def test_every_promise_names_tests_that_exist() -> None:
    promises = (ROOT / "docs" / "reliability.md").read_text()
    named = re.findall(r"`((?:unit|service|e2e)/\w+\.py)::(\w+)`", promises)
    assert len(named) > 20
    for file, test in named:
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file}::{test}"
