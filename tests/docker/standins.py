"""Images that stand in for those that an engine of our own cannot pull, out of Debian's and pip's packages.

python:3.11-slim-bookworm is Debian's Python; postgres:16 and redis:7.2-alpine are Debian's 15 and 7.0, with
what the official entry points do in short; heartexlabs/label-studio:1.23.2 is the same version by pip.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from backend.demo.environment import LOCK
from tests.docker.engine import Engine

IMAGES = Path(__file__).with_name("images")
BASE = "python:3.11-slim-bookworm"
PACKAGES = "ca-certificates,python3,python3-venv,python3-pip,netbase,tzdata"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def make(engine: Engine) -> None:
    """All that is missing: three minutes the first time, seconds after that."""
    if not engine.run("images", "--quiet", BASE):
        _make_base(engine)
    engine.build("postgres:16", IMAGES / "postgres")
    engine.build("redis:7.2-alpine", IMAGES / "redis")
    dockerfile = IMAGES / "label-studio" / "Dockerfile"
    engine.build("heartexlabs/label-studio:1.23.2", LOCK.parent, "--file", dockerfile)


def _make_base(engine: Engine) -> None:
    with tempfile.TemporaryDirectory(prefix="atlas-base-") as folder:
        base = Path(folder) / "base"
        command = ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", base, _mirror()]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        (base / "usr/bin/python").symlink_to("python3")
        shutil.copy(CERTIFICATES, base / CERTIFICATES.relative_to("/"))
        (base / "etc/pip.conf").write_text(_pip_settings(base / "opt/wheels"))
        archive = Path(folder) / "base.tar"
        subprocess.run(["tar", "-C", base, "-cf", archive, "."], check=True)
        engine.run("import", archive, BASE)


def _mirror() -> str:
    """Debian's, as this machine's apt uses it."""
    places = [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]
    told = "".join(place.read_text() for place in places if place.is_file())
    found = re.search(r"^(?:URIs: *|deb (?:\[[^]]*\] )?)(\S+)", told, re.M)
    assert found, "apt has no sources"
    return found[1]


def _pip_settings(wheels: Path) -> str:
    """This machine's index and certificates; its folders of wheels are copied to `wheels`."""
    told = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"^\S*\.([a-z-]+)='(.*)'$", told, re.M)
    kept = {"cert": str(CERTIFICATES), "timeout": "180", "find-links": "/opt/wheels"}
    kept |= {name: value for name, value in found if name in ("index-url", "trusted-host", "proxy")}
    wheels.mkdir(parents=True)
    for name, value in found:
        for folder in value.split() if name == "find-links" else ():
            for wheel in Path(folder.removeprefix("file://")).glob("*.whl"):
                shutil.copy(wheel, wheels)
    return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in kept.items())
