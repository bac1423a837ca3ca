"""Check of where the models are."""

from __future__ import annotations

import tempfile
from pathlib import Path

from backend.doctor.bench import Bench
from backend.doctor.checks import check
from backend.doctor.finding import Finding, ok, wrong
from backend.errors import ModelStoreError
from backend.store.bucket import Bucket

PROBE = "doctor/probe"
PROBED = 2**16
"""Bytes that a disk must have room for."""


@check("model store", "settings")
def model_store(bench: Bench) -> Finding:
    """Write, list, read and delete: a user of the bucket who may not do one of them fails late, in a job.
    What a bucket keeps is copied to DATA_DIR too."""
    folder = bench.settings.data_dir
    if (reason := why_not_written(folder)) is not None:
        return wrong(
            f"nothing can be written to {folder} ({reason})",
            "Let the user that runs the backend write to DATA_DIR, or make room on its disk; "
            "and run this as that user.",
        )
    url = bench.settings.model_store
    if not url:
        return ok(f"on this machine, in {folder}")
    bucket = Bucket(url)
    try:
        bucket.write(PROBE, b"label-studio-atlas")
        if PROBE not in bucket.paths("doctor") or bucket.read(PROBE) != b"label-studio-atlas":
            raise FileNotFoundError(PROBE)
        bucket.delete(PROBE)
    except ModelStoreError as error:
        return wrong(str(error), "Correct these, here and for every part of the backend, and restart it.")
    except FileNotFoundError:
        return wrong(
            f"{url} does not keep what is written there", "Check that the bucket in MODEL_STORE exists."
        )
    return ok(url)


def why_not_written(folder: Path) -> str | None:
    """In the system's words; None where files can be written there, or the folder can be made. None stays."""
    try:
        place = next(each for each in (folder, *folder.parents) if each.exists())
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(bytes(PROBED))
            probe.flush()
    except OSError as error:
        return error.strerror or str(error)
    return None
