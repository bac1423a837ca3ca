"""How a project was in Label Studio before `connect` changed anything, so that it can be restored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from backend.store.files import Files
from backend.store.kept_json import read_kept

PATH = "found-before-connect.json"


@dataclass(frozen=True)
class FoundBefore:
    """sampling, model_version, prelabels: the project's settings; connections: ids of the connections that
    it had, ours among them where somebody had made it by hand."""

    sampling: str
    model_version: str
    prelabels: bool
    connections: tuple[int, ...] = ()


def keep_found(files: Files, found: FoundBefore) -> None:
    """Raises ModelStoreError where it cannot be kept."""
    files.write(PATH, json.dumps(asdict(found)).encode())


def read_found(files: Files) -> FoundBefore | None:
    """None where nothing was kept: a release before this connected the project, or nobody did.

    Raises DamagedFile for what cannot be read, ModelStoreError where the store fails.
    """
    return read_kept(
        files,
        PATH,
        lambda found: FoundBefore(
            str(found["sampling"]),
            str(found["model_version"]),
            bool(found["prelabels"]),
            tuple(map(int, found["connections"])),
        ),
        holds="how the project was before `connect`",
        remedy="delete it, and `disconnect` restores Label Studio's own defaults",
    )


def forget_found(files: Files) -> None:
    files.delete(PATH)
