"""What the docs name is there: settings, files, tests, strategies, routes, metrics. And vice versa."""

from __future__ import annotations

import re
from pathlib import Path

from backend.sampling.registry import STRATEGIES, check_name
from backend.settings import Settings
from backend.web import create_app
from tests.unit.pages import PAGES, ROOT, each_page, lines, spans

WORDS = {"CHANGELOG", "COMMIT", "CONFIG", "FILE", "INFO", "NAME", "POST", "STRATEGIES"}
"""Names in capitals that are no settings: words, commands of others, a table in the code."""
OTHERS = {"CHAOS_REPORT", "HF_ENDPOINT", "HF_HOME", "HF_TOKEN", "OMP_NUM_THREADS"}
"""Settings of the tests, of the model hub's own tools, and of torch."""
MADE = {"docker/.env", "atlas_extras.py", "backend.internal"}
"""Files that come to be by doing what the docs say."""


@each_page
def test_settings_exist(page: Path) -> None:
    composed = "".join(file.read_text() for file in (ROOT / "docker").glob("*.yaml"))
    known = {name.upper() for name in Settings.model_fields} | set(re.findall(r"[A-Z][A-Z0-9_]+", composed))
    known |= set(re.findall(r"\$\(([A-Z]+)\)", (ROOT / "Makefile").read_text())) | WORDS | OTHERS
    name = re.compile(r"(?<![\w/.$-])[A-Z][A-Z0-9_]{3,}(?![\w/])")
    named = {word for span in spans(page) for word in name.findall(span)}
    named |= {name for line in lines(page) for name in re.findall(r"(?:^|\s)([A-Z][A-Z0-9_]+)=", line)}
    assert named - known == set()


@each_page
def test_files_exist(page: Path) -> None:
    folders = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] != ".")
    path = re.compile(rf"(?:{folders}|unit|service|e2e|labelstudio)/[\w./-]*[\w/]|[\w-]+\.(?:py|yaml|lock)")
    everywhere = {
        file.name
        for part in ("backend", "docker", "tests", "benchmarks")
        for file in (ROOT / part).rglob("*.*")
    }
    for text in [*lines(page), *spans(page)]:
        for word in re.findall(r"[^\s\"'`()=,:]+", text):
            if path.fullmatch(word) and word not in MADE:
                within = any((ROOT / root / word).exists() for root in (".", "tests", "backend", "docker"))
                assert within or word in everywhere, word


@each_page
def test_tests_and_modules_exist(page: Path) -> None:
    for file, test in re.findall(r"`((?:unit|service|e2e)/\w+\.py)::(\w+)`", page.read_text()):
        assert f"def {test}(" in (ROOT / "tests" / file).read_text(), f"{file}::{test}"
    for module in re.findall(r"python -m (benchmarks\.\w+)", page.read_text()):
        assert list(ROOT.glob(module.replace(".", "/") + "*")), module


def test_every_promise_names_a_test_that_proves_it() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text()
    promises = re.findall(r"^\* \*\*.*", page.split("### Measured")[0] + page.split("## Jobs")[1], re.M)
    promises += re.findall(r"^\| \w.*", page.split("| fault |")[1].split("\n\n")[0], re.M)
    assert len(promises) > 30
    for promise in promises:
        assert re.search(r"`(unit|service|e2e)/\w+\.py", promise), promise


def test_every_setting_is_listed_with_its_default() -> None:
    settings = (ROOT / "docs" / "settings.md").read_text()
    for name, field in Settings.model_fields.items():
        default = "–" if field.default in (None, "") else f"`{field.default}`"
        assert f"| `{name.upper()}` | {default} | {field.description} |" in settings


def test_every_dependency_has_its_reason() -> None:
    parts = (ROOT / "docs" / "architecture.md").read_text().lower().replace(", ", " ").split()
    declared = re.search(r"^dependencies = \[\n(.*?)^\]", (ROOT / "pyproject.toml").read_text(), re.M | re.S)
    assert declared is not None
    for requirement in re.findall(r'"([a-z0-9-]+)', declared[1]):
        assert requirement in parts, requirement


def test_every_metric_is_told_of_and_no_other() -> None:
    told = set(re.findall(r"\batlas_\w+", (ROOT / "docs" / "operations.md").read_text()))
    sources = "".join(source.read_text() for source in (ROOT / "backend" / "web").glob("*metrics.py"))
    there = set(re.findall(r'"(atlas_\w+)"', sources))
    assert {name.removesuffix("_total") for name in told} == there


def test_every_route_is_told_of_and_no_other() -> None:
    told = re.findall(r"`(?:GET|POST) (/\w*)`", (ROOT / "docs" / "protocol.md").read_text())
    rules = create_app(Settings()).url_map.iter_rules()
    routes = {rule.rule for rule in rules if rule.endpoint != "static" and rule.endpoint[:6] != "pages."}
    assert set(told) == routes


def test_strategies_named_exist() -> None:
    page = (ROOT / "docs" / "strategies.md").read_text()
    (table,) = re.findall(r"^## All of them\n\n(.*?)\n\n", page, re.M | re.S)
    cells = "".join(row.split("|")[1] for row in table.splitlines())
    assert sorted(re.findall(r"`(\w+)`", cells)) == sorted(STRATEGIES)  # without those of other packages
    for page in PAGES:
        for span in spans(page):
            if re.search(r"^\d+% \w|\w within \d", span):
                check_name(re.sub("rare_first", "margin", span))  # the one that docs/extending.md brings


def test_every_check_of_the_doctor_is_told_of() -> None:
    from backend.doctor import examine  # noqa: F401  registers them
    from backend.doctor.checks import CHECKS

    told = (ROOT / "docs" / "troubleshooting.md").read_text()
    for name in CHECKS:
        assert name in told, name
