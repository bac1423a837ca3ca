"""A model that workers run is named by GENERATION_MODEL alone: which, where from, and what is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from backend.cli import main
from backend.encoders.hub import HubName
from backend.errors import NotConfigured
from backend.generation import own
from backend.generation.named import named_model, wrapped_place
from backend.generation.own import NEEDED, OwnModel, own_model
from backend.jobs.foreign import AT_ONCE, manner_of
from backend.running.backend import inherited_environment
from backend.settings import Settings
from tests.fakes.own_writer import make_t5
from tests.unit.fake_hub import COMMIT, NAME, FakeHub, serving

NEEDS_TRANSFORMERS = pytest.mark.skipif(
    find_spec("transformers") is None, reason="transformers is not installed"
)
LIGHT = (
    "import sys; import backend.cli, backend.jobs.worker, backend._wsgi; print('transformers' in sys.modules)"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As it looks to who reads no weights."""
    monkeypatch.setattr(own, "find_spec", lambda name: name)
    made = tmp_path / "t5"
    made.mkdir()
    (made / "config.json").write_text(json.dumps({"model_type": "t5", "is_encoder_decoder": True}))
    (made / "tokenizer.json").write_text("{}")
    (made / "model.safetensors").write_bytes(b"x" * 200_000)
    return made


def test_nothing_that_runs_without_such_a_model_imports_transformers() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIGHT], env=inherited_environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_a_folder_is_a_model_of_its_files(folder: Path) -> None:
    named = named_model(Settings(generation_model=f" {folder} "))  # type: ignore[call-arg]
    assert isinstance(named, OwnModel)
    assert named.folder == folder
    assert named.name.startswith("t5@")
    assert named == own_model(str(folder))
    weights = folder / "model.safetensors"
    weights.write_bytes(b"x" * 199_999 + b"y")  # it was trained on
    assert own_model(str(folder)).name != named.name
    where = wrapped_place("generation", Settings(generation_model=str(folder)), knows_who_asks=True)  # type: ignore[call-arg]
    assert where == "generation"


def test_an_address_has_the_model_whatever_its_name_is() -> None:
    settings = Settings(generation_model="org/model", generation_url="http://h/v1", generation_key="k")  # type: ignore[call-arg]
    assert not isinstance(named_model(settings), OwnModel)
    assert manner_of(settings, "generation").batch == 1
    own_settings = Settings(generation_model="org/model")  # type: ignore[call-arg]
    assert manner_of(own_settings, "generation").batch == AT_ONCE
    assert manner_of(own_settings, "generation").is_metered  # no publication waits for it


@pytest.mark.parametrize(
    ("config", "gone", "why"),
    [
        ({"is_encoder_decoder": False}, "", "no sequence-to-sequence model"),
        ({"auto_map": {"AutoModel": "modeling.Own"}}, "", "code of its own, which is never run"),
        ({}, "tokenizer.json", "has no tokenizer.json"),
        ({}, "model.safetensors", "no other form of weights is read"),
        ({}, "config.json", "there is no"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_read(
    folder: Path, config: dict[str, Any], gone: str, why: str
) -> None:
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(told | config))
    if gone:
        (folder / gone).rename(folder / "pytorch_model.bin")
    with pytest.raises(NotConfigured, match=why):
        own_model(str(folder))


@pytest.mark.parametrize(
    ("index", "why"),
    [
        ({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}, "two.safetensors is missing"),
        ({"weight_map": {"a": "../model.bin"}}, "other files than safetensors"),
        ({"weight_map": [1]}, "AttributeError"),
        ([], "holds no object"),
    ],
)
def test_weights_in_several_files_are_all_there_and_of_that_form(folder: Path, index: Any, why: str) -> None:
    (folder / "model.safetensors").rename(folder / "one.safetensors")
    (folder / own.INDEX).write_text(json.dumps(index))
    with pytest.raises(NotConfigured, match=why):
        own_model(str(folder))


def test_what_is_missing_says_what_to_run(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(NotConfigured, match="label-studio-atlas generation fetch org/small"):
        own_model("org/small")
    with pytest.raises(NotConfigured, match="neither a folder's full path nor"):
        own_model("a/b/c")
    snapshot = HubName.parse("org/small").snapshot(COMMIT)
    shutil.copytree(folder, snapshot)
    assert own_model(f"org/small@{COMMIT}") == OwnModel(f"org/small@{COMMIT[:8]}", snapshot)
    (snapshot / "tokenizer.json").unlink()
    with pytest.raises(
        NotConfigured, match=r"fetch it once more: label-studio-atlas generation fetch org/small"
    ):
        own_model(f"org/small@{COMMIT}")
    for lacking in ("transformers", "tokenizers"):
        monkeypatch.setattr(own, "find_spec", lambda name, lacking=lacking: None if name == lacking else name)
        with pytest.raises(NotConfigured) as raised:
            own_model(str(folder))
        assert NEEDED in str(raised.value)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    remote = make_t5(tmp_path / "remote")
    (remote / "pytorch_model.bin").write_bytes(b"a pickle")
    (remote / "modeling.py").write_text("raise SystemExit")
    with serving(remote, tmp_path / "home", monkeypatch) as server:
        yield server


@NEEDS_TRANSFORMERS
def test_a_model_is_fetched_tried_and_used_by_its_name(hub: FakeHub) -> None:
    done = CliRunner().invoke(main, ["generation", "fetch", NAME])
    assert done.exit_code == 0, done.output
    assert f"GENERATION_MODEL={NAME}@{COMMIT}" in done.output
    assert done.output.count("\n    -> ") == 2
    assert "s of processor time for a short text" in done.output
    fetched = {path.name for path in HubName.parse(NAME).snapshot(COMMIT).iterdir()}
    assert not fetched & {"pytorch_model.bin", "modeling.py"}
    hub.asked.clear()
    named = named_model(Settings(generation_model=NAME))  # type: ignore[call-arg]
    assert isinstance(named, OwnModel)
    assert named.name == f"{NAME}@{COMMIT[:8]}"
    assert hub.asked == []


@NEEDS_TRANSFORMERS
def test_what_cannot_write_is_said_when_it_was_fetched(hub: FakeHub) -> None:
    (hub.folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    done = CliRunner().invoke(main, ["generation", "fetch", NAME])
    assert done.exit_code == 1
    assert "no sequence-to-sequence model" in done.output
    done = CliRunner().invoke(main, ["generation", "fetch", "../../etc"])
    assert done.exit_code == 1
    assert "is neither a folder's full path nor a model's name" in done.output
