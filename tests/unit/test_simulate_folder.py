"""Results go into a folder that was empty or held the same file's results, all at once or not at all."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from backend.errors import AtlasError
from backend.simulate.folder import MADE_BY, UNFINISHED, publish, staging

FILE = Path("mine.csv")


def simulated(out: Path, **data: Any) -> None:
    out.mkdir(exist_ok=True)
    (out / "summary.json").write_text(json.dumps({"made_by": MADE_BY, "data": data}))


def run(out: Path, file: Path = FILE, force: bool = False) -> None:
    with staging(out, file, force) as folder:
        (folder / "summary.json").write_text("new")
        publish(folder, ["summary.json"], out)


def refusal(out: Path, file: Path = FILE) -> str:
    before = sorted(path.name for path in out.iterdir())
    with pytest.raises(AtlasError) as refused:
        run(out, file)
    assert sorted(path.name for path in out.iterdir()) == before
    return str(refused.value)


def test_a_folder_is_made_and_holds_the_results_alone(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "results"
    run(out)
    assert [path.name for path in out.iterdir()] == ["summary.json"]


def test_what_ended_without_results_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "results"
    with staging(out, FILE, False) as folder:
        (folder / "half.png").write_text("x")
    assert not out.exists()
    out.mkdir()
    with suppress(RuntimeError), staging(out, FILE, False):
        raise RuntimeError
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("kept", ["path", "file", "both"])
def test_the_same_files_results_are_written_over(tmp_path: Path, kept: str) -> None:
    """Releases before kept the file's name alone."""
    known = {"path": str(FILE.resolve()), "file": FILE.name}
    simulated(tmp_path / "out", **(known if kept == "both" else {kept: known[kept]}))
    run(tmp_path / "out")
    assert (tmp_path / "out" / "summary.json").read_text() == "new"


def test_another_files_results_are_not(tmp_path: Path) -> None:
    simulated(tmp_path / "out", path="/elsewhere/mine.csv", file="mine.csv")
    said = refusal(tmp_path / "out")
    assert "holds the simulation of /elsewhere/mine.csv: choose another --out, or give --force" in said
    run(tmp_path / "out", force=True)


TORN = [
    "",
    "{",
    "null",
    "[]",
    "3",
    '"text"',
    "{}",
    '{"made_by": "somebody else", "data": {"file": "mine.csv"}}',
    f'{{"made_by": "{MADE_BY}"}}',
    f'{{"made_by": "{MADE_BY}", "data": null}}',
    f'{{"made_by": "{MADE_BY}", "data": []}}',
    f'{{"made_by": "{MADE_BY}", "data": {{}}}}',
    f'{{"made_by": "{MADE_BY}", "data": {"9" * 5_000}}}',
    "[" * 100_000,
    "\ufeff{}",
]


@pytest.mark.parametrize("content", TORN, ids=lambda text: text[:40])
def test_what_is_no_simulations_folder_is_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / "summary.json").write_text(content)
    assert "is not empty and no simulation's: choose another --out, or give --force" in refusal(tmp_path)
    assert (tmp_path / "summary.json").read_text() == content


def test_a_file_that_is_no_text_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_bytes(b"\xff\xfe\x00\xd8")
    assert "is not empty and no simulation's" in refusal(tmp_path)
    (tmp_path / "summary.json").unlink()
    (tmp_path / "summary.json").mkdir()
    assert "is not empty and no simulation's" in refusal(tmp_path)


def test_what_a_killed_one_left_is_no_reason_to_refuse(tmp_path: Path) -> None:
    (tmp_path / f"{UNFINISHED}abc").mkdir()
    run(tmp_path)
    assert (tmp_path / "summary.json").exists()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(AtlasError, match=f"results cannot be written to {out}: "):
            run(out)
