"""An object store by its fsspec URL: S3 and what is compatible with it, or any other that fsspec knows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import fsspec
from fsspec.asyn import sync

from backend.errors import ModelStoreError
from backend.store.paths import PRIVATE

logger = logging.getLogger(__name__)
T = TypeVar("T")

NO_BUCKET = "NoSuchBucket"
CONNECT_SECONDS = 5
READ_SECONDS = 15
"""Without a single byte. A version has about 15 MB, an encoder up to 40, which may take longer in all."""
BRIEF_SECONDS = 3
SLOWEST = 200_000
"""Bytes a second that a store may take and give."""
LARGEST = 64 * 2**20
"""Bytes of what is read."""
TRIES = 2
REST_SECONDS = 30
"""Within these after a failure nobody waits for the store again who can do without: Label Studio waits
for us."""
_failed_at: dict[str, float] = {}
"""By protocol and bucket."""
_brief = False


def wait_briefly() -> None:
    """From now on this process tries once and waits BRIEF_SECONDS: somebody waits for its answers."""
    global _brief
    _brief = True


class Bucket:
    """Objects by their paths below a URL. Raises ModelStoreError where the store fails.

    Cheap to make, and safe to take across a fork: the connection is fsspec's, one per process and thread.
    """

    def __init__(self, url: str):
        self._url = url.rstrip("/")
        self._protocol = self._url.split("://")[0]

    def read(self, path: str) -> bytes:
        """Raises FileNotFoundError where there is no such object."""
        content: bytes = self._try(lambda: self._call("cat_file", self._at(path), size=LARGEST))
        return content

    def write(self, path: str, content: bytes) -> None:
        """Readers see the old object or the new one, never half of it."""
        self._try(lambda: self._write(path, content))

    def delete(self, path: str) -> None:
        """An object, or all below a folder; nothing where it is gone already."""
        self._try(lambda: self._delete(path))

    def paths(self, folder: str = "") -> list[str]:
        """All objects below a folder, as paths below the URL."""
        return self._try(lambda: self._paths(folder))

    def _write(self, path: str, content: bytes) -> None:
        if self._protocol == "file":  # the one store in which a write takes its time before all eyes
            if path.endswith(PRIVATE):
                part = Path(self._fs._strip_protocol(self._at(f"{path}.part")))
                part.parent.mkdir(parents=True, exist_ok=True)
                part.touch(0o600)
            self._fs.pipe_file(self._at(f"{path}.part"), content)
            self._fs.mv(self._at(f"{path}.part"), self._at(path))
        else:
            self._call("pipe_file", self._at(path), content, size=len(content))

    def _delete(self, path: str) -> None:
        found = self._call("find", self._at(path), size=LARGEST)
        if found:
            self._call("rm", found)

    def _paths(self, folder: str) -> list[str]:
        root = self._fs._strip_protocol(self._url)
        found = self._call("find", self._at(folder), size=LARGEST)
        return [path.removeprefix(root).lstrip("/") for path in found if not path.endswith(".part")]

    def _call(self, method: str, *arguments: Any, size: int = 0) -> Any:
        """Of fsspec, within a time that `size` bytes may take: a read_timeout does not end what is sent."""
        files = self._fs
        if not files.async_impl:
            return getattr(files, method)(*arguments)
        if self._protocol == "s3":
            sync(files.loop, files.set_session)  # the first time it reads a lot from this disk
        seconds = 2 * _patience() + size / SLOWEST
        return sync(files.loop, getattr(files, f"_{method}"), *arguments, timeout=seconds)

    @property
    def is_resting(self) -> bool:
        """Whether it did not answer just now."""
        return time.monotonic() - _failed_at.get(self._name, float("-inf")) < REST_SECONDS

    @property
    def _name(self) -> str:
        return "/".join(self._url.split("/")[:3])

    @property
    def _fs(self) -> Any:
        found = fsspec.filesystem(self._protocol, use_listings_cache=False, **_options(self._protocol))
        if self._protocol == "s3":
            found.retries = 1  # `_try` tries again, and says so; s3fs would in silence, and so would botocore
        return found

    def _at(self, path: str) -> str:
        return f"{self._url}/{path}".rstrip("/")

    def _try(self, action: Callable[[], T]) -> T:
        """Once more after a failure that may pass, which is logged at once: each may take READ_SECONDS.

        Each kind of store has errors of its own, which have nothing in common but Exception.
        """
        for left in range(0 if _brief else TRIES - 1, -1, -1):
            try:
                return action()
            except (ImportError, ValueError) as error:  # ValueError: a protocol fsspec does not know
                raise ModelStoreError(
                    f"MODEL_STORE={self._url}: {error}. For S3: pip install 'label-studio-atlas[s3]'."
                ) from error
            except FileNotFoundError as error:
                if _code_of(error) != NO_BUCKET:
                    raise
                raise ModelStoreError(
                    f"the bucket of MODEL_STORE={self._url} does not exist: make it, or correct MODEL_STORE"
                ) from error
            except Exception as error:
                if not isinstance(error, PermissionError):
                    _failed_at[self._name] = time.monotonic()
                    if left:
                        logger.warning("%s; trying once more", self._said(error))
                        continue
                raise ModelStoreError(
                    f"{self._said(error)}. Check MODEL_STORE, AWS_ENDPOINT_URL and the AWS credentials."
                ) from error
        raise AssertionError("there is a last try")

    def _said(self, error: Exception) -> str:
        what = str(error).rstrip(".") or "no answer in time"
        return f"the model store {self._name} fails ({type(error).__name__}: {what})"


def _patience() -> float:
    return BRIEF_SECONDS if _brief else READ_SECONDS


def _options(protocol: str) -> dict[str, Any]:
    if protocol == "file":
        return {"auto_mkdir": True}
    if protocol != "s3":
        return {}
    waits = {
        "connect_timeout": BRIEF_SECONDS if _brief else CONNECT_SECONDS,
        "read_timeout": _patience(),
        "retries": {"total_max_attempts": 1},
    }
    return {"config_kwargs": waits}


def _code_of(error: FileNotFoundError) -> str:
    """By which S3 tells a missing bucket from a missing object."""
    response = getattr(error.__cause__, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
