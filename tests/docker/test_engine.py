"""The tests of docker/ leave a machine's engine as it was, and say why they are skipped without one."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest

from tests.docker import engine as engines
from tests.docker.engine import Engine, NoEngine
from tests.docker.files import FURTHER, compose, config
from tests.docker.stack import OUR_NETWORK, Stack


def test_the_reason_tells_what_to_install_where_no_engine_can_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setattr(engines, "DAEMON", tmp_path / "dockerd")
    with pytest.raises(NoEngine, match=r"apt-get install docker\.io iptables debootstrap"), engines.engine():
        pass


def test_the_reason_tells_what_the_engine_said_where_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon = tmp_path / "dockerd"
    daemon.write_text("#!/bin/sh\necho 'no cgroups here' >&2\nexit 1\n")
    daemon.chmod(0o755)
    monkeypatch.setattr(engines, "DAEMON", daemon)
    monkeypatch.setattr(engines, "FOLDER", tmp_path)
    with pytest.raises(NoEngine, match="no cgroups here"):
        engines._start(Engine("/usr/bin/docker", f"unix://{tmp_path}/docker.sock", ours=True))


class Taken(Engine):
    """An engine on which somebody runs compose.yaml already, beside its own bridge."""

    def run(self, *words: str | Path) -> str:
        pools = [OUR_NETWORK, "172.17.0.0/16", "192.168.64.0/18"]
        inspected = [{"IPAM": {"Config": [{"Subnet": pool}]}} for pool in pools]
        return "a b c d" if words[1] == "ls" else json.dumps([*inspected, {"IPAM": {"Config": None}}])


@compose
def test_a_stack_keeps_out_of_others_names_networks_and_ports(tmp_path: Path) -> None:
    engine = Taken("docker", None, ours=False)
    one, other = Stack.new(engine, tmp_path / "one"), Stack.new(engine, tmp_path / "two")
    assert len({one.name, other.name, "label-studio-atlas"}) == 3
    described = [json.loads(config(each.folder, "compose.yaml", **FURTHER).stdout) for each in (one, other)]
    (pool,) = described[0]["networks"]["labelstudio"]["ipam"]["config"]
    mine = ipaddress.ip_network(pool["subnet"])
    assert not any(
        mine.overlaps(ipaddress.ip_network(net)) for net in (OUR_NETWORK, "192.168.64.0/18", "172.17.0.0/16")
    )
    banned = described[0]["services"]["label-studio"]["environment"]["USER_ADDITIONAL_BANNED_SUBNETS"]
    v4 = [ipaddress.IPv4Network(net) for net in banned.split(",") if ":" not in net]
    assert not any(mine.overlaps(net) for net in v4)
    whole = ipaddress.ip_network("192.168.0.0/16")
    assert whole in ipaddress.collapse_addresses([*v4, mine])
    ports = {each["services"]["label-studio"]["ports"][0]["published"] for each in described}
    assert len(ports | {"8080"}) == 3


def test_a_stack_is_acted_on_as_the_first_user_of_its_env(tmp_path: Path) -> None:
    stack = Stack.new(Taken("docker", None, ours=False), tmp_path)
    with stack.label_studio() as server:
        assert server.admin.email == stack.values["LABEL_STUDIO_USERNAME"]
        token = stack.values["LABEL_STUDIO_USER_TOKEN"]
        assert server.admin.http.headers["Authorization"] == f"Token {token}"
