"""Model files that are damaged, foreign or dangerous: refused, and the version before serves."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.controls.base import CLASSES
from backend.encoders.lsa import TextEncoder
from backend.errors import DamagedFile
from backend.jobs.clustering import mark_clusters
from backend.jobs.pull import FILE
from backend.labelstudio.client import LabelStudioClient
from backend.labelstudio.predictions import StoredPrediction
from backend.learning.network import LayeredNetwork, Shape
from backend.predicting import Predictor
from backend.settings import Settings
from backend.store.locations import feature_cache, version_store
from backend.store.model_version import ControlModel, ModelVersion, version_name
from backend.store.tasks import StoredTask, TaskStore
from backend.store.versions import VersionStore
from tests.unit.schemes import scheme, single

SCHEME = scheme(single("c", "a", "b"))
MAIN = SCHEME.main
TASKS = [{"id": 1, "data": {"text": "text number 1"}}, {"id": 99, "data": {"text": "another"}}]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Project 1 has three versions, the last of them published; project 2 has one."""
    settings = Settings(data_dir=tmp_path)
    for project, number in ((1, 1), (1, 2), (1, 3), (2, 1)):
        _, encoder = feature_cache(settings, project).encode([f"text number {n}" for n in range(9)])
        network = LayeredNetwork(Shape(256, 2), seed=number)
        queue = torch.arange(9)
        version = ModelVersion(
            version_name(number),
            SCHEME,
            "margin",
            encoder,
            (ControlModel(MAIN, {CLASSES: network}),),
            None,
            queue,
            torch.zeros(0),
        )
        version_store(settings, project).save(version)
        version_store(settings, project).set_published(version.name)
    return settings


def file(settings: Settings, name: str, number: int = 3, project: int = 1) -> Path:
    return settings.data_dir / "projects" / str(project) / "versions" / version_name(number) / name


def flip(path: Path, at: int = -5) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def swap_classes(manifest: dict[str, Any]) -> None:
    manifest["scheme"]["controls"][0]["classes"].reverse()


def pickled(settings: Settings) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(settings.data_dir / "sprung"),)

    for name in ("model.safetensors", "manifest.json"):
        file(settings, name).write_bytes(pickle.dumps(Trap()))


def anothers_weights(settings: Settings) -> None:
    file(settings, "model.safetensors").write_bytes(file(settings, "model.safetensors", 2).read_bytes())


def encoder_of(settings: Settings) -> Path:
    return next((settings.data_dir / "projects/1/features").glob("*.encoder.safetensors"))


DAMAGES: dict[str, Callable[[Settings], Any]] = {
    "a bit of the weights": lambda s: flip(file(s, "model.safetensors")),
    "half of the weights": lambda s: os.truncate(file(s, "model.safetensors"), 1000),
    "weights gone": lambda s: file(s, "model.safetensors").unlink(),
    "empty weights": lambda s: file(s, "model.safetensors").write_bytes(b""),
    "another version's weights": anothers_weights,
    "a pickle": pickled,
    "manifest gone": lambda s: file(s, "manifest.json").unlink(),
    "half a manifest": lambda s: os.truncate(file(s, "manifest.json"), 100),
    "a manifest of another kind": lambda s: file(s, "manifest.json").write_text("[1]"),
    "classes in another order": lambda s: rewrite(file(s, "manifest.json"), swap_classes),
    "a manifest without a checksum": lambda s: rewrite(file(s, "manifest.json"), lambda m: m.pop("checksum")),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_damaged_version_is_refused_and_the_one_before_serves(settings: Settings, what: str) -> None:
    DAMAGES[what](settings)
    told: list[int] = []
    predictor = Predictor(settings, on_damage=told.append)

    results = predictor.predict(1, SCHEME, TASKS)

    assert [item["model_version"] for item in results] == [version_name(2)] * 2
    assert all(0 < item["score"] < 1 and item["result"] for item in results)
    assert told == [1]  # a retrain will mend it
    assert not (settings.data_dir / "sprung").exists()


def test_a_version_of_another_project_or_name_is_refused(settings: Settings) -> None:
    for name in ("model.safetensors", "manifest.json"):
        file(settings, name).write_bytes(file(settings, name, 1, project=2).read_bytes())
    with pytest.raises(DamagedFile, match="another one's"):
        version_store(settings, 1).load(version_name(3))


def test_where_no_version_can_be_read_there_is_nothing_to_say(settings: Settings) -> None:
    flip(encoder_of(settings))
    with pytest.raises(DamagedFile, match="encoder"):
        Predictor(settings).predict(1, SCHEME, TASKS)


def test_a_retrain_fits_another_encoder_than_a_damaged_one(settings: Settings) -> None:
    flip(encoder_of(settings))
    texts = [f"text number {n}" for n in range(9)]
    features, name = feature_cache(settings, 1).encode(texts)
    assert feature_cache(settings, 1).encoder(name).dims == features.shape[1]


def test_damaged_vectors_are_made_anew(settings: Settings) -> None:
    texts = [f"text number {n}" for n in range(9)]
    before, _ = feature_cache(settings, 1).encode(texts)
    flip(next((settings.data_dir / "projects/1/features").glob("*.vectors.safetensors")))
    assert torch.equal(feature_cache(settings, 1).encode(texts)[0], before)


def test_a_version_that_is_replaced_and_deleted_under_our_eyes_is_not_missed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = version_store(settings, 1)
    store.set_published(version_name(1))
    load = VersionStore.load

    def overtaken(self: VersionStore, name: str) -> ModelVersion:
        monkeypatch.setattr(VersionStore, "load", load)
        store.set_published(version_name(3))
        store.prune(1)
        return load(self, name)

    monkeypatch.setattr(VersionStore, "load", overtaken)
    told: list[int] = []
    results = Predictor(settings, on_damage=told.append).predict(1, SCHEME, TASKS)
    assert {item["model_version"] for item in results} == {version_name(3)}
    assert told == []


def test_loaded_models_stay_within_their_bound(settings: Settings) -> None:
    predictor = Predictor(settings.model_copy(update={"model_cache_mb": 1}))
    for version in (1, 2, 3, 1, 2):
        assert predictor.predict(1, SCHEME, TASKS, version_name(version))
    assert 0 < predictor._loaded.bytes < 2**20
    one = sum(part.nbytes for part in LayeredNetwork(Shape(256, 2)).state_dict().values())
    assert predictor._loaded.bytes > one


class Published(LabelStudioClient):
    """The published version's predictions, not yet marked."""

    def __init__(self) -> None:
        self.marked: list[int] = []

    def predictions(self, project_id: int, model_version: str) -> list[StoredPrediction]:
        return [StoredPrediction(task, task, None) for task in range(9)]

    def set_cluster(self, prediction_id: int, cluster: int) -> None:
        self.marked.append(prediction_id)


def test_no_cluster_is_made_of_what_an_encoder_does_not_owe(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings.model_copy(update={"queue_clusters": 2})
    client = Published()
    with TaskStore(settings.data_dir / "projects/1" / FILE) as store:
        store.upsert(StoredTask(n, f"text number {n}", False) for n in range(9))
        store.commit()
    with monkeypatch.context() as patch:
        patch.setattr(TextEncoder, "encode", lambda self, texts: torch.full((len(texts), 256), torch.nan))
        with pytest.raises(ValueError, match="TextEncoder must give finite vectors"):
            mark_clusters(settings, client, 1)
    assert client.marked == []
    assert mark_clusters(settings, client, 1) == 9
