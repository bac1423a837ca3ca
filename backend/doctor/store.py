"""Check of where the models are."""

from __future__ import annotations

from backend.doctor.bench import Bench
from backend.doctor.checks import check
from backend.doctor.finding import Finding, ok, wrong
from backend.errors import ModelStoreError
from backend.store.bucket import Bucket

PROBE = "doctor/probe"


@check("model store", "settings")
def model_store(bench: Bench) -> Finding:
    """Write, list, read and delete: a user of the bucket who may not do one of them fails late, in a job."""
    url = bench.settings.model_store
    if not url:
        return ok(f"on this machine, in {bench.settings.data_dir}")
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
