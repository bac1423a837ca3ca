"""Rows whose texts are addresses of images, as Label Studio exports them: the files on this machine behind
them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from backend.content.addresses import Place
from backend.errors import AtlasError
from backend.labelled.pictures import readable
from backend.labelled.rows import Rows, Waiting
from backend.labelled.things import IMAGES

_IMAGE = re.compile(r"(?i)data:image/|[^\n]*\.(jpe?g|png|gif|bmp|webp|tiff?|avif|svg)$")
_UPLOADED = re.compile(r"[0-9a-f]{8}-(.+)")
"""Label Studio writes so before the name of a file that is uploaded."""
WITHIN = ("", "images", "media")
"""Folders, of the one that is looked in, where images may lie."""
DEEPEST = 30
"""Folders of an address that are looked for here."""
NOT_HERE = "whose image is not among the files here"
SEVERAL = "whose file may be that of another row"


def are_images(rows: Rows) -> bool:
    """Whether most rows hold an image's address where a text would be."""
    items = [*(text for text, _ in rows.labelled), *(each.text for each in rows.waiting)]
    return sum(_IMAGE.match(_path(item)) is not None for item in items) > len(items) / 2


def with_files(rows: Rows, folders: Sequence[Path]) -> Rows:
    """The same rows, with the files that the addresses lead to: of the same path below one of the folders, or
    of as much of its end as there is. Those without one are left out, and counted.

    Raises AtlasError where not one is found.
    """
    items = [*(text for text, _ in rows.labelled), *(each.text for each in rows.waiting)]
    found = {item: file_at(item, folders) for item in dict.fromkeys(items)}
    if not any(found.values()):
        places = " nor ".join(dict.fromkeys(str(folder) for folder in folders))
        raise AtlasError(
            f"it names images, such as {items[0][:100]!r}, but no such file is in {places}: put the images "
            "there, or name their folder with --image-folder (of uploads, Label Studio's own data folder)"
        )
    dropped = Counter(rows.dropped)
    wanted_by: defaultdict[str, set[str]] = defaultdict(set)
    for item, file in found.items():
        wanted_by[file or ""].add(_path(item))

    def file_of(item: str) -> str | None:
        file = found[item]
        if file is None or (file != item and len(wanted_by[file]) > 1):
            dropped[NOT_HERE if file is None else SEVERAL] += 1
            return None
        return file

    labelled = [(file, label) for item, label in rows.labelled if (file := file_of(item)) is not None]
    waiting = [Waiting(each.place, file) for each in rows.waiting if (file := file_of(each.text)) is not None]
    labelled, waiting, unreadable = readable(labelled, waiting)
    fields = {file: rows.fields[item] for item, file in found.items() if file and item in rows.fields}
    rows = replace(rows, labelled=labelled, waiting=waiting, fields=fields)
    return replace(rows, dropped=dict(dropped + unreadable), things=IMAGES)


def file_at(item: str, folders: Sequence[Path]) -> str | None:
    if item[:5].lower() == "data:":
        return item
    if "://" not in item and _is_file(Path(item)):
        return item
    for end in _ends(_path(item)):
        for folder in folders:
            for within in WITHIN:
                if _is_file(file := folder / within / end):
                    return str(file)
    return None


def _is_file(path: Path) -> bool:
    """False, too, for what is no path at all, such as a text of a thousand words."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _ends(path: str) -> Iterator[str]:
    """The longest first, of DEEPEST parts at most, and last the name that a file had before it was
    uploaded."""
    parts = [part for part in PurePosixPath(path).parts if part not in ("/", ".", "..")]
    for start in range(max(0, len(parts) - DEEPEST), len(parts)):
        yield "/".join(parts[start:])
    if parts and (own := _UPLOADED.fullmatch(parts[-1])):
        yield own[1]


def _path(item: str) -> str:
    """Of an address, however it is written, the file's path in the storage; of anything else itself."""
    name = Place("", "", 0).name(item)
    if name[:5].lower() == "data:":
        return name[:100]
    try:
        parts = urlsplit(name)
    except ValueError:
        return name
    if parts.path.startswith("/data/local-files/"):
        return parse_qs(parts.query).get("d", [""])[0]
    return unquote(parts.path) if parts.scheme or name.startswith("/data/") else name
