"""What is written into docker/.env arrives as written; and what every service is given."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.docker.files import FURTHER, REPOSITORY, SETS, compose, config

pytestmark = compose
OURS = {"web", "worker", "upkeep", "cron"}
DIGEST = "@sha256:" + "0" * 64


def read(folder: Path, files: list[str], **env: str) -> dict[str, Any]:
    """The services by name. Compose doubles each $ when it writes what it has read."""
    done = config(folder, *files, **{**FURTHER, **env})
    assert done.returncode == 0, done.stderr
    described: dict[str, Any] = json.loads(done.stdout.replace("$$", "$"))
    return described["services"]


@pytest.mark.parametrize("files", SETS, ids=" ".join)
@pytest.mark.parametrize("password", ["p@ss/#:?50%41", "five$ and #6", '"quoted"'])
def test_a_password_of_redis_reaches_redis_and_the_backend_as_it_is(
    password: str, files: list[str], made: Path
) -> None:
    env = made / ".env"
    env.write_text(re.sub("^REDIS_PASSWORD=.*", f"REDIS_PASSWORD='{password}'", env.read_text(), flags=re.M))
    services = read(made, files)
    for name in OURS & set(services):
        environment = services[name]["environment"]
        assert environment["REDIS_PASSWORD"] == password
        assert password not in environment["REDIS_URL"]
    if "redis" in services:
        assert services["redis"]["command"][-1] == password
        assert services["redis"]["environment"]["REDISCLI_AUTH"] == password


def test_the_quoted_example_of_a_password_is_read_as_it_says(made: Path) -> None:
    example = (REPOSITORY / "docker" / ".env.example").read_text()
    (line,) = re.findall(r"goes in single quotes: (REDIS_PASSWORD='.*')$", example, re.M)
    assert {" #", "$"} <= {part for part in (" #", "$") if part in line}
    env = made / ".env"
    env.write_text(re.sub("^REDIS_PASSWORD=.*", lambda _: line, env.read_text(), flags=re.M))
    given = read(made, ["compose.yaml"])["web"]["environment"]["REDIS_PASSWORD"]
    assert f"REDIS_PASSWORD='{given}'" == line


@pytest.mark.parametrize("files", SETS, ids=" ".join)
def test_no_service_gains_privileges_or_fills_the_disk_with_its_log(files: list[str], made: Path) -> None:
    for name, service in read(made, files).items():
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        added = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETUID", "SETGID"} if name in ("db", "redis") else set()
        assert set(service.get("cap_add", [])) == added, name
        assert service["logging"]["driver"] == "json-file", name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_every_image_can_be_pinned_to_a_digest(made: Path) -> None:
    pinned = {name: f"registry.internal/{name.lower()}{DIGEST}" for name in (
        "REDIS_IMAGE", "POSTGRES_IMAGE", "LABEL_STUDIO_IMAGE", "PYTHON_IMAGE"
    )}  # fmt: skip
    services = read(made, ["compose.yaml"], **pinned)
    assert services["redis"]["image"] == pinned["REDIS_IMAGE"]
    assert services["db"]["image"] == pinned["POSTGRES_IMAGE"]
    assert services["label-studio"]["image"] == pinned["LABEL_STUDIO_IMAGE"]
    assert {services[name]["build"]["args"]["PYTHON"] for name in OURS} == {pinned["PYTHON_IMAGE"]}
    dockerfile = (REPOSITORY / "Dockerfile").read_text()
    assert set(re.findall(r"^FROM (\S+)", dockerfile, re.M)) == {"${PYTHON}"}


def test_the_build_asks_no_registry_for_a_syntax() -> None:
    assert "syntax=" not in (REPOSITORY / "Dockerfile").read_text()


@pytest.mark.parametrize("files", SETS, ids=" ".join)
def test_the_key_of_a_model_that_is_paid_for_is_with_those_alone_that_ask_it(
    files: list[str], made: Path
) -> None:
    services = read(made, files, GENERATION_KEY="of-the-model", GENERATION_KEY_FILE="/etc/key")
    for name, service in services.items():
        keys = {"GENERATION_KEY", "GENERATION_KEY_FILE"} & set(service.get("environment") or ())
        assert bool(keys) is (name in ("worker", "upkeep")), name
        assert "of-the-model" not in json.dumps(service) or keys, name


@pytest.mark.parametrize("files", SETS, ids=" ".join)
def test_no_secret_of_webhooks_is_asked_for_and_one_that_is_there_goes_on(
    files: list[str], made: Path
) -> None:
    assert "WEBHOOK_SECRET" not in (made / ".env").read_text()
    for kept in (None, "from-before"):
        services = read(made, files, **({"WEBHOOK_SECRET": kept} if kept else {}))
        assert {services[name]["environment"].get("WEBHOOK_SECRET") for name in OURS & set(services)} == {
            kept
        }
