"""Which folder may import which: what architecture.md says of it, read from the files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

BACKEND = Path(__file__).parents[2] / "backend"
HTTP = ("flask", "gunicorn", "httpx", "requests", "urllib.request", "http.client", "label_studio_sdk")
LOOP = ("jobs", "web", "pages", "running", "doctor", "commands", "demo", "simulate")
REDIS = ("redis", "rq")
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "learning": ("sampling", "controls", "labelstudio", "store", *LOOP, *HTTP, *REDIS),
    "encoders": ("sampling", "controls", "labelstudio", "store", *LOOP, *HTTP, *REDIS),
    "sampling": ("controls", "labelstudio", "store", *LOOP, *HTTP, *REDIS),
    "controls": ("sampling", "labelstudio", "store", *LOOP, *HTTP, *REDIS),
    "store": ("sampling", "labelstudio", *LOOP, *HTTP, *REDIS),
    "labelstudio": ("sampling", "learning", *LOOP, "flask", *REDIS),
    "labelled": ("sampling", "learning", "store", *LOOP, *HTTP, *REDIS),
    "generation": ("sampling", "learning", *LOOP, "flask", *REDIS),
    "wrapped": ("sampling", "learning", "encoders", "store", *LOOP, "flask", *REDIS),
    "jobs": ("web", "pages", "doctor", "commands", "demo", "simulate", "flask"),
    "pages": ("web", "running", "commands", "demo", "simulate"),
}
"""By folder, folders of ours and packages that its files do not import."""


@cache
def imported(file: Path) -> frozenset[str]:
    """Modules, ours without `backend.`; also what is imported within a function."""
    return frozenset(_imported(file))


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (each.name.removeprefix("backend.") for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, file
            assert node.module is not None
            if node.module == "backend":
                yield from (each.name for each in node.names)
            else:
                yield node.module.removeprefix("backend.")


def offences(folder: str) -> list[str]:
    return [
        f"{file.relative_to(BACKEND)} imports {module}"
        for file in sorted((BACKEND / folder).rglob("*.py"))
        for module in imported(file)
        if any(module == each or module.startswith(f"{each}.") for each in FORBIDDEN[folder])
    ]


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_imports_go_one_way(folder: str) -> None:
    assert not offences(folder)


def test_nothing_imports_the_web_but_what_starts_it() -> None:
    found = {
        str(file.relative_to(BACKEND))
        for file in BACKEND.rglob("*.py")
        if file.parent.name != "web" and any(m == "web" or m.startswith("web.") for m in imported(file))
    }
    assert found <= {"_wsgi.py", "running/patient.py", "running/serve.py"}


def test_nothing_imports_the_pages_but_the_web() -> None:
    found = {
        file.relative_to(BACKEND).parts[0]
        for file in BACKEND.rglob("*.py")
        if any(m == "pages" or m.startswith("pages.") for m in imported(file))
    }
    assert found == {"pages", "web"}
