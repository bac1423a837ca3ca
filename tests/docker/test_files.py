"""The Dockerfile and the compose files, as their own tools read them."""

from __future__ import annotations

import ast
import ipaddress
import itertools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from backend.demo.environment import install_label_studio
from backend.settings import Settings
from tests.docker.files import FURTHER, REPOSITORY, SETS, compose, config, program

ASKING, KEYS = ("worker", "upkeep"), {"GENERATION_KEY", "GENERATION_KEY_FILE"}
"""The parts that ask a model that is paid for, and what lets them in."""
OF_THE_IMAGE = {"host", "port", "data_dir", "cache_dir", "prometheus_multiproc_dir"}


@pytest.fixture
def services(made: Path) -> dict[str, Any]:
    read = config(made, "compose.yaml")
    assert read.returncode == 0, read.stderr
    return json.loads(read.stdout)


def test_the_linter_has_nothing_to_say_of_the_dockerfile() -> None:
    done = subprocess.run([program("hadolint"), REPOSITORY / "Dockerfile"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_make_env_gives_every_secret_a_value_of_its_own_and_keeps_what_is_there(made: Path) -> None:
    env = made / ".env"
    values = dict(re.findall(r"^(\w+)=(.*)$", env.read_text(), re.MULTILINE))
    wanted = re.findall(r"^(\w+)=$", (made / ".env.example").read_text(), re.MULTILINE)
    assert len(wanted) >= 5
    assert len({values[name] for name in wanted}) == len(wanted)
    assert all(re.fullmatch("[0-9a-f]{40}", values[name]) for name in wanted)
    assert env.stat().st_mode & 0o077 == 0
    before = env.read_text()
    again = subprocess.run([made / "make-env"], capture_output=True, text=True)
    assert (again.returncode, env.read_text()) == (1, before)


@compose
@pytest.mark.parametrize("files", SETS, ids=" ".join)
def test_compose_accepts_each_file_with_an_env_and_refuses_it_without(files: list[str], made: Path) -> None:
    read = config(made, *files, **FURTHER)
    assert read.returncode == 0, read.stderr
    assert "variable is not set" not in read.stderr
    (made / ".env").unlink()
    refused = config(made, *files)
    assert refused.returncode != 0
    assert re.search(r"_PASSWORD is missing a value: (run|set it in) docker", refused.stderr) or re.search(
        r"LABEL_STUDIO_API_KEY is missing a value: (run|set it in) docker", refused.stderr
    )


COMMANDS = {"exec", "run", "logs", "start", "stop", "rm", "up", "down", "build"}


@compose
@pytest.mark.parametrize("page", ["README.md", "docs/docker.md", "docs/docker-upkeep.md"])
def test_the_docs_ask_compose_for_files_services_and_options_there_are(page: str, made: Path) -> None:
    lines = re.findall(r"^ *docker compose (.*)", (REPOSITORY / page).read_text(), re.M)
    asked = [line.split() for line in lines]
    assert len(asked) >= 2
    for words in asked:
        files = [after for word, after in itertools.pairwise(words) if word == "--file"] or ["compose.yaml"]
        at = next(i for i, word in enumerate(words) if word in COMMANDS)
        command, rest = words[at], words[at + 1 :]
        read = config(made, *files, **FURTHER)
        assert read.returncode == 0, read.stderr
        services = set(json.loads(read.stdout)["services"])
        plain = [word for word, before in zip(rest, ["", *rest], strict=False) if before != "--entrypoint"]
        named = [word.partition("=")[0] for word in plain if not word.startswith("-")]
        named = named[:1] if command in ("exec", "run") else named
        assert set(named) <= services, words
        told = subprocess.run([program("docker-compose"), command, "--help"], capture_output=True, text=True)
        options = {word for word in rest if word.startswith("-")}
        if command in ("exec", "run"):  # what follows the service is for the program in the container
            options = {word for word in rest[: rest.index(named[0])] if word.startswith("-")}
        assert options <= set(re.findall(r"(?<!\S)--?[\w-]+", told.stdout.replace(",", " "))), words


@compose
def test_every_setting_can_be_given_to_every_part(services: dict[str, Any]) -> None:
    for name in ("web", "worker", "upkeep", "cron"):
        environment = services["services"][name]["environment"]
        wanted = {field.upper() for field in set(Settings.model_fields) - OF_THE_IMAGE}
        wanted -= set() if name in ASKING else KEYS
        missing = wanted - set(environment)
        assert not missing, f"docker/backend.yaml does not pass on {missing}"


@compose
def test_services_share_a_network_with_whom_they_speak_to_and_no_more(services: dict[str, Any]) -> None:
    networks = {name: set(each["networks"]) for name, each in services["services"].items()}
    for name in ("web", "worker", "upkeep", "cron"):
        assert networks[name] & networks["redis"]
        assert networks[name] & networks["label-studio"]
    assert networks["db"] & networks["label-studio"]
    assert not networks["label-studio"] & networks["redis"]
    assert not networks["web"] & networks["db"]
    open_ports = {name for name, each in services["services"].items() if each.get("ports")}
    assert open_ports == {"label-studio"}


@compose
def test_label_studio_may_call_one_private_network_more_than_by_default(services: dict[str, Any]) -> None:
    banned = services["services"]["label-studio"]["environment"]["USER_ADDITIONAL_BANNED_SUBNETS"].split(",")
    (pool,) = services["networks"]["labelstudio"]["ipam"]["config"]
    assert collapsed([*banned, pool["subnet"]]) == collapsed(banned_by_default())
    opened = ipaddress.ip_network(pool["subnet"])
    assert not any(opened.overlaps(ipaddress.ip_network(network)) for network in v4(banned))


def banned_by_default() -> list[str]:
    """Label Studio's list, from the source of the version that the tests run."""
    program = install_label_studio(Path("~/.cache/label-studio-atlas").expanduser())
    (source,) = program.parents[1].glob("lib/python3*/site-packages/label_studio/core/utils/io.py")
    found = re.search(r"default_banned_subnets = (\[.*?\])", source.read_text(), re.DOTALL)
    assert found
    return ast.literal_eval(found.group(1))


def v4(networks: list[str]) -> list[str]:
    return [network for network in networks if ":" not in network]


def collapsed(networks: list[str]) -> list[Any]:
    of4 = map(ipaddress.IPv4Network, v4(networks))
    of6 = map(ipaddress.IPv6Network, set(networks) - set(v4(networks)))
    return [*ipaddress.collapse_addresses(of4), *ipaddress.collapse_addresses(of6)]
