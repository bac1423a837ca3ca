"""Versions of releases whose manifests had no format number predict as they did; newer ones are refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save

from backend.controls.base import CLASSES
from backend.controls.config import parse_label_config
from backend.errors import DamagedFile
from backend.guessing import outputs_of, regions
from backend.learning.heads import ErrorHead
from backend.learning.network import LayeredNetwork, Shape
from backend.said.base import Contents
from backend.store.manifests import FORMAT
from backend.store.model_version import ModelVersion
from backend.store.versions import VersionStore, _checksum

NAME = "atlas-000004"
A_OR_B = '<Choice value="a"/><Choice value="b"/>'
PLAIN = {
    "from_name": "c",
    "to_name": "t",
    "field": "text",
    "labels": ["a", "b"],
    "control": "Choices",
    "source": "Text",
    "text_key": "text",
    "dynamic": False,
    "several": False,
    "options": [],
    "blank": False,
    "companions": [],
}
SETS = {**PLAIN, "labels": ['["a"]', '["a", "b"]'], "several": True, "options": ["a", "b"]}
CHOICES = f'<Choices name="c" toName="t">{A_OR_B}</Choices>'
MULTIPLE = CHOICES.replace("<Choices ", '<Choices choice="multiple" ')
REQUIRED = MULTIPLE.replace("<Choices ", '<Choices required="true" ')
TEXT = '<Text name="t" value="$text"/>'
FORMER: dict[str, tuple[dict[str, Any], str]] = {
    "single": (PLAIN, TEXT + CHOICES),
    "several": (SETS, TEXT + REQUIRED),
    "several or none": ({**SETS, "blank": True}, TEXT + MULTIPLE),
    "dynamic": ({**PLAIN, "dynamic": True}, TEXT + '<Choices name="c" toName="t" value="$o"/>'),
    "dynamic sets": (
        {**SETS, "dynamic": True, "options": [], "blank": True},
        TEXT + '<Choices name="c" toName="t" choice="multiple" value="$o"/>',
    ),
    "taxonomy": (
        {**SETS, "control": "Taxonomy", "blank": True},
        f'{TEXT}<Taxonomy name="c" toName="t">{A_OR_B}</Taxonomy>',
    ),
    "paragraphs": (
        {**PLAIN, "source": "Paragraphs", "text_key": "said", "field": "talk"},
        f'<Paragraphs name="t" value="$talk" textKey="said"/>{CHOICES}',
    ),
    "encoded": ({**PLAIN, "encoding": "base64"}, TEXT.replace("/>", ' encoding="base64"/>') + CHOICES),
    "companions": (
        {**PLAIN, "companions": [{**SETS, "from_name": "d"}, {**PLAIN, "from_name": "e"}]},
        TEXT + CHOICES + REQUIRED.replace('"c"', '"d"') + CHOICES.replace('"c"', '"e"'),
    ),
}


def networks_of(described: dict[str, Any]) -> dict[str, LayeredNetwork]:
    """By the names that their weights had."""
    found = {"network": LayeredNetwork(Shape(4, 2), seed=1)}
    if described["several"]:
        found["choices"] = LayeredNetwork(Shape(4, 2), seed=2)
    for i, _ in enumerate(described["companions"]):
        found[f"companion{i}"] = LayeredNetwork(Shape(4, 2), seed=3 + i)
    return found


def write(directory: Path, described: dict[str, Any], **more: Any) -> dict[str, LayeredNetwork]:
    """A version as the releases before wrote it. Returns its networks."""
    networks, head = networks_of(described), ErrorHead(64)
    tensors = {"queue.ids": torch.tensor([5, 3]), "queue.worth": torch.tensor([0.9, 0.1])}
    for name, module in {**networks, "head": head, "error_head": head}.items():
        tensors |= {f"{name}.{key}": each.clone() for key, each in module.state_dict().items()}
    weights = save(tensors)
    shapes = {name: asdict(network.shape) for name, network in networks.items()}
    manifest = {
        "name": NAME,
        "project": directory.name,
        "scheme": described,
        "strategy": "margin",
        "encoder": "lsa-000003",
        "shape": shapes["network"],
        "choices": shapes.get("choices"),
        "head": {"kind": "error", "hidden": 64},
        "error_head": {"kind": "error", "hidden": 64},
        "companions": [
            {"scheme": each, "shape": shapes[f"companion{i}"]}
            for i, each in enumerate(described["companions"])
        ],
        "stats": {"trained_on": 2},
        "sha256": hashlib.sha256(weights).hexdigest(),
        "tensors": {key: list(value.shape) for key, value in tensors.items()},
        **more,
    }
    manifest["checksum"] = _checksum(manifest)
    folder = directory / "versions" / NAME
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return networks


@pytest.mark.parametrize("kind", FORMER)
def test_a_version_without_a_format_number_is_read(tmp_path: Path, kind: str) -> None:
    described, config = FORMER[kind]
    networks = write(tmp_path, described)
    scheme = parse_label_config(f"<View>{config}</View>")
    store = VersionStore(tmp_path)
    assert scheme.fits(store.scheme(NAME))
    loaded = store.load(NAME)
    assert loaded.scheme.main.classes == tuple(described["labels"])
    assert [model.control.from_name for model in loaded.models] == [c.from_name for c in scheme.controls]
    same(loaded.models[0].networks[CLASSES], networks["network"])
    if "choices" in networks:
        same(loaded.models[0].networks[loaded.scheme.main.shows], networks["choices"])
    for i, model in enumerate(loaded.models[1:]):
        same(model.networks[model.control.shows], networks[f"companion{i}"])
    assert loaded.scorer_head is not None
    assert loaded.error_head is not None
    answered(loaded)


def same(one: Any, other: LayeredNetwork) -> None:
    rows = torch.randn(3, 4)
    assert torch.equal(one(rows).logits, other(rows).logits)


def answered(version: ModelVersion) -> None:
    rows = torch.randn(3, 4)
    found = regions(version, outputs_of(version, Contents([""] * 3, rows)), 3)
    names = {control.from_name for control in version.scheme.controls}
    assert all({region["from_name"] for region in each} <= names for each in found)


def test_a_version_saved_again_is_read_as_it_was(tmp_path: Path) -> None:
    described, _ = FORMER["companions"]
    write(tmp_path / "1", described)
    former = VersionStore(tmp_path / "1").load(NAME)
    again = VersionStore(tmp_path / "2")
    again.save(former)
    assert json.loads((tmp_path / "2/versions" / NAME / "manifest.json").read_text())["format"] == FORMAT
    assert again.load(NAME).scheme == again.scheme(NAME) == former.scheme


def test_a_version_of_a_newer_release_is_refused_and_fits_nothing(tmp_path: Path) -> None:
    write(tmp_path, PLAIN, format=FORMAT + 1)
    store = VersionStore(tmp_path)
    assert store.scheme(NAME) is None
    with pytest.raises(DamagedFile, match=f"of format {FORMAT + 1}, of another release"):
        store.load(NAME)
