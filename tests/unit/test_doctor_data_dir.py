"""The doctor says when nothing can be written where models are kept: else a retrain fails late."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from backend.doctor.bench import Bench
from backend.doctor.checks import CHECKS
from backend.doctor.examine import all_is_well
from backend.doctor.finding import Finding
from backend.settings import Settings


def found(data_dir: Path) -> Finding:
    bench = Bench()
    bench.settings = Settings(data_dir=data_dir)
    return CHECKS["model store"].function(bench)


@pytest.mark.parametrize("place", ["/proc/no such folder", "{file}/below a file", f"/{'too long' * 40}"])
def test_a_data_dir_that_cannot_be_made_is_a_fault(place: str, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    finding = found(Path(place.format(file=file)))
    assert not all_is_well([finding])
    assert f"nothing can be written to {place.format(file=file)} (" in finding.found
    assert "DATA_DIR" in finding.remedy


@pytest.mark.parametrize("reason", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_data_dir_that_takes_nothing_is_a_fault(
    reason: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**given: object) -> None:
        raise OSError(reason, os.strerror(reason))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    finding = found(tmp_path)
    assert not all_is_well([finding])
    assert os.strerror(reason) in finding.found


def test_a_folder_that_is_there_or_can_be_made_is_none_and_nothing_stays_there(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        assert all_is_well([found(folder)])
    assert list(tmp_path.iterdir()) == []
