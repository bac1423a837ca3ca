"""An object store by its fsspec URL: S3 and what is compatible with it, or any other that fsspec knows."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import fsspec

from backend.errors import ModelStoreError

CONNECT_SECONDS = 5
READ_SECONDS = 60
"""For one answer. A version has about 15 MB, an encoder up to 40."""
REST_SECONDS = 30
"""Within these after a failure nobody waits for the store again who can do without: Label Studio waits
for us."""
_TIMEOUTS = {
    "connect_timeout": CONNECT_SECONDS,
    "read_timeout": READ_SECONDS,
    "retries": {"max_attempts": 2},
}
_OPTIONS: dict[str, dict[str, Any]] = {"s3": {"config_kwargs": _TIMEOUTS}, "file": {"auto_mkdir": True}}
_failed_at: dict[str, float] = {}
"""By protocol and bucket."""


class Bucket:
    """Objects by their paths below a URL. Raises ModelStoreError where the store fails.

    Cheap to make, and safe to take across a fork: the connection is fsspec's, one per process and thread.
    """

    def __init__(self, url: str):
        self._url = url.rstrip("/")
        self._protocol = self._url.split("://")[0]

    def read(self, path: str) -> bytes:
        """Raises FileNotFoundError where there is no such object."""
        with self._translated():
            content: bytes = self._fs.cat_file(self._at(path))
            return content

    def write(self, path: str, content: bytes) -> None:
        """Readers see the old object or the new one, never half of it."""
        with self._translated():
            if self._protocol == "file":  # the one store in which a write takes its time before all eyes
                self._fs.pipe_file(self._at(f"{path}.part"), content)
                self._fs.mv(self._at(f"{path}.part"), self._at(path))
            else:
                self._fs.pipe_file(self._at(path), content)

    def delete(self, path: str) -> None:
        """An object, or all below a folder; nothing where it is gone already."""
        with self._translated():
            found = self._fs.find(self._at(path))
            if found:
                self._fs.rm(found)

    def paths(self, folder: str = "") -> list[str]:
        """All objects below a folder, as paths below the URL."""
        with self._translated():
            root = self._fs._strip_protocol(self._url)
            found = self._fs.find(self._at(folder))
            return [path.removeprefix(root).lstrip("/") for path in found if not path.endswith(".part")]

    @property
    def is_resting(self) -> bool:
        """Whether it did not answer just now."""
        return time.monotonic() - _failed_at.get(self._name, float("-inf")) < REST_SECONDS

    @property
    def _name(self) -> str:
        return "/".join(self._url.split("/")[:3])

    @property
    def _fs(self) -> Any:
        options = _OPTIONS.get(self._protocol, {})
        return fsspec.filesystem(self._protocol, use_listings_cache=False, **options)

    def _at(self, path: str) -> str:
        return f"{self._url}/{path}".rstrip("/")

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Each kind of store has errors of its own, which have nothing in common but Exception."""
        try:
            yield
        except FileNotFoundError:
            raise
        except (ImportError, ValueError) as error:  # ValueError: a protocol fsspec does not know
            raise ModelStoreError(
                f"MODEL_STORE={self._url}: {error}. For S3: pip install 'label-studio-atlas[s3]'."
            ) from error
        except Exception as error:
            if not isinstance(error, PermissionError):
                _failed_at[self._name] = time.monotonic()
            raise ModelStoreError(
                f"the model store {self._name} fails ({type(error).__name__}: {error}). "
                "Check MODEL_STORE, AWS_ENDPOINT_URL and the AWS credentials."
            ) from error
