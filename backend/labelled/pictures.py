"""A folder of labelled images, `class/name.jpg`, read as rows: where each file lies, and its class."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

from backend.errors import AtlasError, NoContent
from backend.labelled.split import Row

NOT_LOOKED_AT = (".DS_Store", "Thumbs.db")


def read_pictures(folder: Path) -> tuple[list[Row], int, dict[str, int]]:
    """The images that can be read, each content once; how many more repeat one; how many files were left out,
    by the reason. Raises AtlasError where there is no class.
    """
    from backend.content.pictures import decoded

    classes = sorted(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    if not classes:
        raise AtlasError("it has no folders: a folder per class is wanted, as in cat/1.jpg, dog/2.jpg")
    first: dict[str, str] = {}
    votes: dict[str, Counter[str]] = {}
    files, dropped = 0, Counter[str]()
    for each in classes:
        for path in sorted(each.rglob("*")):
            if not path.is_file() or path.name in NOT_LOOKED_AT:
                continue
            content = path.read_bytes()
            try:
                decoded(content)
            except NoContent as reason:
                dropped[str(reason)] += 1
                continue
            digest = hashlib.sha256(content).hexdigest()
            first.setdefault(digest, str(path.resolve()))
            votes.setdefault(digest, Counter())[each.name] += 1
            files += 1
    rows = [(path, votes[digest].most_common(1)[0][0]) for digest, path in first.items()]
    return rows, files - len(rows), dict(dropped)
