"""Every template that Label Studio ships is learned, or refused for what stands in it, with a remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, SubElement, fromstring, tostring

import pytest
import yaml

from backend.controls.config import parse_label_config
from backend.controls.sources import SOURCES
from backend.demo.environment import install_label_studio
from backend.errors import LabelConfigError

SHIPPED = 69
LEARNED = 45


def templates() -> dict[str, str]:
    program = install_label_studio(Path("~/.cache/label-studio-atlas").expanduser())
    (folder,) = program.parents[1].glob("lib/*/site-packages/label_studio/annotation_templates")
    return {
        path.parent.name: yaml.safe_load(path.read_text(encoding="utf-8"))["config"]
        for path in sorted(folder.glob("*/*/config.yml"))
    }


@pytest.fixture(scope="module")
def refused() -> dict[str, tuple[str, str]]:
    """Config and message by the template's name."""
    found, shipped = {}, templates()
    for name, config in shipped.items():
        try:
            parse_label_config(config)
        except LabelConfigError as refusal:
            found[name] = (config, str(refusal))
    assert len(shipped) >= SHIPPED
    assert len(shipped) - len(found) >= LEARNED
    return found


def without_content(root: Element) -> bool:
    return not any(tag.tag in SOURCES and "$" in tag.get("value", "") for tag in root.iter())


def add_choices(root: Element, remedy: re.Match[str]) -> None:
    added = SubElement(root, "Choices", name=remedy["name"], toName=remedy["text"])
    for value in "ab":
        SubElement(added, "Choice", value=value)


def remove_attribute(root: Element, remedy: re.Match[str]) -> None:
    control = next(tag for tag in root.iter() if tag.get("name") == remedy["control"])
    written = next(each for each in control.attrib if each.lower() == remedy["attribute"].lower())
    del control.attrib[written]


def name_a_field(root: Element, remedy: re.Match[str]) -> None:
    next(tag for tag in root.iter() if tag.get("name") == remedy["text"]).set("value", "$text")


def ask_about_one(root: Element, remedy: re.Match[str]) -> None:
    names = {tag.get("name") for tag in root.iter()}
    for tag in root.iter():
        if tag.get("toName") and tag.get("toName") not in names:
            tag.set("toName", remedy["text"])


REMEDIES: dict[str, Callable[[Element, re.Match[str]], None]] = {
    r'Add <Choices name="(?P<name>[^"]+)" toName="(?P<text>[^"]+)"> with two <Choice> or more\.': add_choices,
    r'<\w+ name="(?P<control>[^"]+)"> has [^.]*\. Remove (?P<attribute>\w+)[^.]*\.': remove_attribute,
    r'With toName="(?P<text>[^"]+)" it would be about': ask_about_one,
    r'Let the value of <\w+ name="(?P<text>[^"]+)"> name a field': name_a_field,
}


def mended(config: str, message: str) -> Iterator[str]:
    """The config after each remedy that the message names."""
    for pattern, change in REMEDIES.items():
        for remedy in re.finditer(pattern, message):
            root = fromstring(config)
            change(root, remedy)
            yield tostring(root, encoding="unicode")


def test_refusals_name_tags_that_are_there(refused: dict[str, tuple[str, str]]) -> None:
    for template, (config, message) in refused.items():
        present = {(tag.tag, tag.get("name")) for tag in fromstring(config).iter()}
        there = re.sub(r"Add <Choices [^>]*> with two <Choice> or more", "", message)
        named = re.findall(r'<(\w+) name="([^"]+)">', there)
        assert named, (template, message)
        assert set(named) <= present, (template, message)


def test_refusals_name_a_remedy_that_works(refused: dict[str, tuple[str, str]]) -> None:
    for template, (config, message) in refused.items():
        if without_content(fromstring(config)) and not list(mended(config, message)):
            assert "Connect a project whose tasks are texts or images" in message, (template, message)
            continue
        assert list(mended(config, message)), f"{template}: no remedy in {message}"
        for changed in mended(config, message):
            parse_label_config(changed)
