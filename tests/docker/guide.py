"""The commands of docs/docker-upkeep.md, by the heading they stand under."""

from __future__ import annotations

import re

from tests.docker.files import REPOSITORY
from tests.docker.stack import Stack


def commands(heading: str, stack: Stack) -> list[str]:
    """The code blocks of a section, as they are typed for `stack`: with its project, image and files."""
    page = (REPOSITORY / "docs" / "docker-upkeep.md").read_text()
    (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page, re.M | re.S)
    text = section.replace("label-studio-atlas_", f"{stack.name}_")
    text = text.replace("label-studio-atlas:local", f"label-studio-atlas:{stack.tag}")
    text = text.replace("label-studio-atlas:before", f"label-studio-atlas:{stack.tag}-before")
    named = "".join(f" --file {file}" for file in stack.files)
    text = re.sub(r"docker compose (?!--file)", f"docker compose{named} ", text)
    return re.findall(r"^```\n(.*?)^```", text, re.M | re.S)


def without(block: str, *words: str) -> str:
    """Less the lines that hold one of these words: what a test does in another way, or cannot do."""
    lines = block.splitlines()
    lacking = [word for word in words if not any(word in line for line in lines)]
    assert not lacking, f"no line with {lacking} in {block}"
    return "\n".join(line for line in lines if not any(word in line for word in words))
