"""Two machines' folders and one model store, here a folder too (`file://`)."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from backend.doctor import examine  # noqa: F401  registers the checks
from backend.doctor.bench import Bench
from backend.doctor.checks import CHECKS
from backend.doctor.finding import Finding, State
from backend.errors import DamagedFile, ModelStoreError
from backend.settings import Settings
from backend.store import bucket
from backend.store.bucket import Bucket
from backend.store.locations import feature_cache, stored_projects, version_store
from backend.store.model_version import version_name
from tests.unit.test_store import version

TEXTS = [f"text number {n} about topic {n % 3}" for n in range(10)]


@pytest.fixture
def machines(tmp_path: Path) -> list[Settings]:
    store = f"file://{tmp_path}/bucket"
    return [Settings(data_dir=tmp_path / name, model_store=store) for name in ("one", "two")]


def test_what_one_saves_the_other_loads(machines: list[Settings]) -> None:
    one, two = (version_store(settings, 3) for settings in machines)
    assert two.published() is None
    one.save(version(1))
    one.set_published(version_name(1), pinned=True)
    assert (two.names(), two.published(), two.pinned()) == ([version_name(1)], version_name(1), True)
    assert two.load(version_name(1)).stats == version(1).stats
    assert stored_projects(machines[1]) == [3]


def test_an_encoder_is_fitted_by_one_and_used_by_both(machines: list[Settings]) -> None:
    ours, name = feature_cache(machines[0], 3, "text").encode(TEXTS)
    theirs, same = feature_cache(machines[1], 3, "text").encode(TEXTS[::-1])
    assert same == name
    assert (ours.flip(0) - theirs).abs().max() == 0
    assert feature_cache(machines[1], 3).encoder(name).dims == ours.shape[1]
    assert feature_cache(machines[1], 3, "another field").encode(TEXTS)[1] != name


def test_what_is_deleted_by_one_goes_from_the_others_copies(machines: list[Settings]) -> None:
    one, two = (version_store(settings, 3) for settings in machines)
    for number in (1, 2, 3):
        one.save(version(number))
        two.load(version_name(number))
    one.set_published(version_name(3))
    one.prune(keep=1)
    assert two.names() == [version_name(3)]
    assert not list(machines[1].data_dir.rglob(f"{version_name(1)}/*"))
    with pytest.raises(DamagedFile):
        two.load(version_name(1))


def test_half_a_version_is_none(machines: list[Settings]) -> None:
    one, two = (version_store(settings, 3) for settings in machines)
    one.save(version(1))
    Bucket(machines[0].model_store).delete(f"projects/3/versions/{version_name(1)}/manifest.json")
    assert two.names() == []
    one.prune(keep=5)
    assert Bucket(machines[0].model_store).paths() == []


def test_a_copy_that_is_not_what_was_written_is_fetched_again(machines: list[Settings]) -> None:
    one, two = (version_store(settings, 3) for settings in machines)
    one.save(version(1))
    two.load(version_name(1))
    (copy,) = machines[1].data_dir.rglob("model.safetensors")
    copy.write_bytes(copy.read_bytes()[:-1] + b"x")
    assert two.load(version_name(1)).stats == version(1).stats


def test_while_the_store_fails_the_copies_serve_and_nothing_is_written(
    machines: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (version_store(settings, 3) for settings in machines)
    one.save(version(1))
    one.set_published(version_name(1))
    assert two.load(version_name(1)).name == two.published()
    place = Path(machines[0].model_store.removeprefix("file://"))
    shutil.rmtree(place)
    place.write_text("a file where a folder was: every access fails")
    monkeypatch.setattr(bucket, "_failed_at", {})
    with pytest.raises(ModelStoreError):  # not "none is published"
        version_store(machines[1], 4).published()
    assert two.published() == version_name(1)
    assert two.load(version_name(1)).stats == version(1).stats
    with pytest.raises(ModelStoreError, match="Check MODEL_STORE"):
        one.save(version(2))
    assert not list(machines[0].data_dir.rglob(version_name(2)))


def test_what_was_there_before_the_store_is_left_alone(tmp_path: Path) -> None:
    alone = Settings(data_dir=tmp_path / "one")
    version_store(alone, 3).save(version(1))
    shared = Settings(data_dir=tmp_path / "one", model_store=f"file://{tmp_path}/bucket")
    assert version_store(shared, 3).names() == []
    assert version_store(alone, 3).names() == [version_name(1)]


@pytest.mark.parametrize("url", ["bucket/models", "s3://", "s3:bucket", "/mnt/models"])
def test_what_is_no_url_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="s3://bucket/models"):
        Settings(model_store=url)


def test_an_unknown_kind_of_store_says_what_is_missing() -> None:
    with pytest.raises(ModelStoreError, match="MODEL_STORE=nosuch://"):
        Bucket("nosuch://bucket").read("x")


def model_store(bench: Bench) -> Finding:
    return CHECKS["model store"].function(bench)


def test_the_doctor_tries_the_store(machines: list[Settings], tmp_path: Path) -> None:
    bench = Bench()
    bench.settings = machines[0]
    assert model_store(bench).state is State.OK
    assert Bucket(machines[0].model_store).paths() == []  # nothing is left behind
    (tmp_path / "file").touch()
    bench.settings = Settings(model_store=f"file://{tmp_path}/file")
    finding = model_store(bench)
    assert finding.state is State.WRONG
    assert "Check MODEL_STORE" in finding.found
    bench.settings = Settings()
    assert "on this machine" in model_store(bench).found
