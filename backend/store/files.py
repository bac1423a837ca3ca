"""The files of one project: below DATA_DIR, and in the model store where there is one.

With a model store, what is here is only a copy of it: every machine writes there and reads what the
others wrote. What never changes once written is read from there once.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from pathlib import Path

from backend.errors import ModelStoreError
from backend.store.bucket import Bucket
from backend.store.paths import path_below_data_dir, write_atomically

logger = logging.getLogger(__name__)


class Files:
    """Files by their paths below one folder, of this machine alone."""

    def __init__(self, directory: Path):
        self._directory = directory

    def read(self, path: str) -> bytes:
        """As it is now. Raises OSError when it cannot be read."""
        return (self._directory / path).read_bytes()

    def read_at_once(self, path: str) -> bytes:
        """As `read`, for those who cannot wait: raises ModelStoreError where that is likely to take long."""
        return self.read(path)

    def read_constant(self, path: str, sha256: str | None = None) -> bytes:
        """A file that is never written twice; a copy with another hash than this does not count."""
        return self.read(path)

    def size_here(self, path: str) -> int | None:
        """Bytes of this machine's copy; None where it has none."""
        try:
            return (self._directory / path).stat().st_size
        except OSError:
            return None

    def write(self, path: str, content: bytes) -> None:
        place = self._directory / path
        place.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(place, content)

    def delete(self, path: str) -> None:
        """A file, or a folder with all in it; nothing where it is gone already."""
        place = self._directory / path
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)

    def paths(self, folder: str = "", ending: str = "") -> list[str]:
        """All files below a folder, hidden ones apart, whose names end like this."""
        found = sorted((self._directory / folder).rglob(f"[!.]*{ending}"))
        return [path.relative_to(self._directory).as_posix() for path in found if path.is_file()]


class SharedFiles(Files):
    """The same for several machines: the bucket's copy is the one that counts."""

    def __init__(self, directory: Path, bucket: Bucket):
        super().__init__(directory)
        self._bucket = bucket

    def read(self, path: str) -> bytes:
        """From the bucket, or, while it does not answer, the copy last read here.

        Raises ModelStoreError where there is neither: that is not the same as no such file.
        """
        copy = self._copy(path)
        if copy is not None and self._bucket.is_resting:
            return copy
        try:
            content = self._bucket.read(path)
        except ModelStoreError as error:
            if copy is None:
                raise
            logger.warning("%s Working with this machine's copy.", error)
            return copy
        super().write(path, content)
        return content

    def read_at_once(self, path: str) -> bytes:
        if self._bucket.is_resting and self._copy(path) is None:
            raise ModelStoreError("The model store did not answer just now.")
        return self.read(path)

    def read_constant(self, path: str, sha256: str | None = None) -> bytes:
        copy = self._copy(path)
        if copy is not None and sha256 in (None, hashlib.sha256(copy).hexdigest()):
            return copy
        content = self._bucket.read(path)
        super().write(path, content)
        return content

    def _copy(self, path: str) -> bytes | None:
        try:
            return super().read(path)
        except OSError:
            return None

    def write(self, path: str, content: bytes) -> None:
        """Raises ModelStoreError, with nothing written, when the bucket does not take it."""
        self._bucket.write(path, content)
        super().write(path, content)

    def delete(self, path: str) -> None:
        self._bucket.delete(path)
        super().delete(path)

    def paths(self, folder: str = "", ending: str = "") -> list[str]:
        """Of the bucket; what is here and no longer there is deleted."""
        present = [path for path in self._bucket.paths(folder) if path.endswith(ending)]
        for path in set(super().paths(folder, ending)) - set(present):
            super().delete(path)
        return present


def files_of(directory: Path, model_store: str = "") -> Files:
    """The files of a folder that `project_dir` gave, or of one below it. model_store: an fsspec URL."""
    if not model_store:
        return Files(directory)
    # In a folder of its own: it follows the bucket, and what was made before there was one is not its.
    return SharedFiles(directory / "copy", Bucket(f"{model_store}/{path_below_data_dir(directory)}"))
