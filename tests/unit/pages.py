"""The pages of the docs, and what stands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted(ROOT.glob("docker/**/*.md")),
]


def by_name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


each_page = pytest.mark.parametrize("page", PAGES, ids=by_name)


def blocks(page: Path) -> Iterator[tuple[str, str]]:
    """Language and content of each code block."""
    yield from re.findall(r"^ *```(\w*)\n(.*?)^ *```", page.read_text(), re.M | re.S)


def prose(page: Path) -> str:
    """All but the code blocks."""
    return re.sub(r"^ *```.*?^ *```", "", page.read_text(), flags=re.M | re.S)


def spans(page: Path) -> list[str]:
    """What stands between backticks in the prose."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def lines(page: Path) -> list[str]:
    """Of all code blocks without a language, and of a shell; each with what continues it."""
    told = "".join(block for language, block in blocks(page) if language in ("", "sh", "bash"))
    return told.replace("\\\n", " ").splitlines()
