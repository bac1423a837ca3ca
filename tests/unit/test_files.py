"""The files of one project: on this machine, and in a model store that counts more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.errors import ModelStoreError
from backend.store.files import Files, SharedFiles, files_of
from backend.store.paths import PRIVATE, path_below_data_dir, project_ids, write_atomically


class Bucket:
    """What several machines share; `away` while it does not answer."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.away = False
        self.is_resting = False
        self.reads: list[str] = []

    def _ask(self) -> None:
        if self.away:
            raise ModelStoreError("The model store does not answer.")

    def read(self, path: str) -> bytes:
        self.reads.append(path)
        self._ask()
        if path not in self.held:
            raise FileNotFoundError(path)
        return self.held[path]

    def write(self, path: str, content: bytes) -> None:
        self._ask()
        self.held[path] = content

    def delete(self, path: str) -> None:
        self._ask()
        self.held = {name: each for name, each in self.held.items() if not f"{name}/".startswith(f"{path}/")}

    def paths(self, folder: str) -> Iterator[str]:
        self._ask()
        return iter(sorted(path for path in self.held if path.startswith(folder)))


@pytest.fixture
def bucket() -> Bucket:
    return Bucket()


@pytest.fixture
def shared(bucket: Bucket, tmp_path: Path) -> SharedFiles:
    return SharedFiles(tmp_path / "copy", bucket)  # type: ignore[arg-type]


@pytest.fixture(params=["here", "shared"])
def files(request: pytest.FixtureRequest, tmp_path: Path, shared: SharedFiles) -> Files:
    return shared if request.param == "shared" else Files(tmp_path / "own")


def test_what_is_written_is_read(files: Files) -> None:
    files.write("a/b.json", b"1")
    assert files.read("a/b.json") == files.read_at_once("a/b.json") == files.read_constant("a/b.json") == b"1"
    assert files.size_here("a/b.json") == 1
    assert files.size_here("a/c.json") is None
    files.write("a/b.json", b"22")
    assert files.read("a/b.json") == b"22"


@pytest.mark.parametrize("how", ["read", "read_at_once", "read_constant"])
def test_what_is_not_there_is_no_file(files: Files, how: str) -> None:
    with pytest.raises(FileNotFoundError):
        getattr(files, how)("none.json")


def test_files_are_listed_by_folder_and_ending(files: Files) -> None:
    for path in ("b.json", "a/2.json", "a/1.json", "a/c/3.json", "a/x.txt"):
        files.write(path, b"x")
    assert files.paths() == ["a/1.json", "a/2.json", "a/c/3.json", "a/x.txt", "b.json"]
    assert files.paths("a", ".json") == ["a/1.json", "a/2.json", "a/c/3.json"]
    assert files.paths("none") == []


def test_a_file_and_a_folder_are_deleted_and_what_is_gone_is_gone(files: Files) -> None:
    for path in ("a/1", "a/2", "b"):
        files.write(path, b"x")
    files.delete("a")
    files.delete("b")
    files.delete("b")
    assert files.paths() == []


def test_half_of_a_write_is_not_listed(tmp_path: Path) -> None:
    files = Files(tmp_path)
    files.write("a.json", b"1")
    (tmp_path / ".a.json.77").write_bytes(b"2")
    assert files.paths() == ["a.json"]


def test_the_buckets_copy_counts(shared: SharedFiles, bucket: Bucket) -> None:
    shared.write("a", b"1")
    bucket.held["a"] = b"2"  # another machine
    assert shared.read("a") == b"2"
    bucket.held.clear()
    assert shared.paths() == []
    assert shared.size_here("a") is None  # the copy of what is no longer there goes


def test_while_it_does_not_answer_the_copy_here_serves(
    shared: SharedFiles, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    shared.write("a", b"1")
    bucket.away = True
    assert shared.read("a") == b"1"
    assert "Working with this machine's copy." in caplog.text
    with pytest.raises(ModelStoreError):  # which is not the same as no such file
        shared.read("b")
    for change in (lambda: shared.write("a", b"2"), lambda: shared.delete("a")):
        with pytest.raises(ModelStoreError):
            change()
    assert shared.read("a") == b"1"


def test_while_it_rests_nobody_waits_for_it(shared: SharedFiles, bucket: Bucket) -> None:
    shared.write("a", b"1")
    bucket.is_resting = True
    assert shared.read("a") == shared.read_at_once("a") == b"1"
    assert bucket.reads == []
    with pytest.raises(ModelStoreError, match="did not answer just now"):
        shared.read_at_once("b")
    assert bucket.reads == []


def test_what_never_changes_is_asked_for_once_unless_its_copy_is_another(
    shared: SharedFiles, bucket: Bucket
) -> None:
    bucket.held["a"] = b"1"
    digest = "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"  # of "1"
    assert [shared.read_constant("a", digest) for _ in range(3)] == [b"1"] * 3
    assert bucket.reads == ["a"]
    Files.write(shared, "a", b"damaged")
    assert shared.read_constant("a") == b"damaged"  # nobody knows better
    assert shared.read_constant("a", digest) == b"1"
    assert bucket.reads == ["a", "a"]


def test_a_folder_has_a_place_in_the_store_below_the_data_folder(tmp_path: Path) -> None:
    assert path_below_data_dir(tmp_path / "projects" / "3" / "features") == "projects/3/features"
    assert path_below_data_dir(tmp_path / "projects" / "x" / "projects" / "3") == "projects/3"
    assert type(files_of(tmp_path / "projects" / "3")) is Files


def test_projects_are_the_folders_with_numbers(tmp_path: Path) -> None:
    assert project_ids(tmp_path) == []
    for name in ("12", "3", "notes", "-1", "4x"):
        (tmp_path / "projects" / name).mkdir(parents=True)
    assert project_ids(tmp_path) == [3, 12]


def test_a_private_file_is_its_owners_alone_and_a_failed_write_leaves_the_old_one(tmp_path: Path) -> None:
    private = tmp_path / f"a{PRIVATE}"
    write_atomically(private, b"1")
    assert private.stat().st_mode & 0o777 == 0o600
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomically(tmp_path / "folder", b"1")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{PRIVATE}", "folder"]
