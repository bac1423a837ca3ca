"""Prometheus and Grafana: what the compose file gives them is what they read."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from backend.demo.label_studio import free_port
from backend.running.backend import inherited_environment
from backend.running.embedded_redis import start_redis
from backend.running.supervisor import Supervisor
from tests.docker.files import REPOSITORY, compose, program
from tests.e2e.installation import answers

GRAFANA = REPOSITORY / "docker" / "grafana"
SECONDS = 90.0


def read(made: Path, *options: str) -> dict[str, Any]:
    """What Compose makes of the file with that profile."""
    file = str(made / "compose.yaml")
    command = [program("docker-compose"), "--file", file, *options, "config", "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@compose
def test_they_start_by_their_profile_alone_and_share_nothing_but_the_web_server(made: Path) -> None:
    assert not {"prometheus", "grafana"} & set(read(made)["services"])
    services = read(made, "--profile", "monitoring")["services"]
    networks = {name: set(each["networks"]) for name, each in services.items()}
    assert networks["prometheus"] == networks["grafana"] == {"monitoring"}
    assert {name for name, each in networks.items() if "monitoring" in each} == {
        "prometheus",
        "grafana",
        "web",
    }
    (port,) = services["grafana"]["ports"]
    assert port["host_ip"] == "127.0.0.1"
    assert "ports" not in services["prometheus"]


def test_grafana_finds_prometheus_and_the_dashboard() -> None:
    """By Grafana's documented format: apiVersion 1, lists of data sources and of providers."""
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yaml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert source["isDefault"] is True
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/label-studio-atlas.yaml").read_text())[
        "providers"
    ]
    assert provider["type"] == "file"
    dashboard = json.loads((GRAFANA / "dashboard.json").read_text())
    assert "id" not in dashboard  # a provisioned one must not bring one of another Grafana's
    assert dashboard["uid"]
    assert {panel["datasource"]["type"] for panel in dashboard["panels"] if "datasource" in panel} == {
        "prometheus"
    }


@compose
def test_the_dashboard_lies_where_grafana_looks(made: Path) -> None:
    grafana = read(made, "--profile", "monitoring")["services"]["grafana"]
    places = {volume["target"]: volume["source"] for volume in grafana["volumes"]}
    provider = yaml.safe_load((GRAFANA / "provisioning/dashboards/label-studio-atlas.yaml").read_text())
    folder = provider["providers"][0]["options"]["path"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/dashboard.json"
    assert Path(places[home]).name == "dashboard.json"
    assert Path(places["/etc/grafana/provisioning"]).name == "provisioning"


@compose
@pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus: apt-get install prometheus")
def test_prometheus_reads_the_metrics_with_the_basic_auth_of_the_env_file(made: Path, tmp_path: Path) -> None:
    content = read(made, "--profile", "monitoring")["configs"]["prometheus"]["content"]
    values = dict(line.split("=", 1) for line in (made / ".env").read_text().splitlines() if "=" in line)
    port, own = free_port(0), free_port(0)
    config = tmp_path / "prometheus.yml"
    config.write_text(content.replace("web:9090", f"127.0.0.1:{port}").replace("15s", "1s"))
    with Supervisor() as supervisor:
        env = {
            **inherited_environment(),
            "REDIS_URL": start_redis(supervisor, tmp_path, inherited_environment()),
            "DATA_DIR": str(tmp_path / "data"),
            "PORT": str(port),
            "BASIC_AUTH_USER": values["BASIC_AUTH_USER"],
            "BASIC_AUTH_PASS": values["BASIC_AUTH_PASS"],
        }
        serve, health = [sys.executable, "-m", "backend", "serve"], f"http://127.0.0.1:{port}/health"
        supervisor.start("web", serve, env, log=tmp_path / "web.log", ready=lambda: answers(health))
        told = ["--config.file", str(config), "--storage.tsdb.path", str(tmp_path / "tsdb")]
        listens = ["--web.listen-address", f"127.0.0.1:{own}"]
        supervisor.start("prometheus", ["prometheus", *told, *listens], env, log=tmp_path / "prometheus.log")
        assert asked(f"http://127.0.0.1:{own}", "up") == [1.0]
        assert asked(f"http://127.0.0.1:{own}", "count({__name__=~'atlas_.*'}) > bool 5") == [1.0]


def asked(prometheus: str, query: str) -> list[float]:
    """The values of a query, once there are any that are not 0."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            answer = httpx.get(f"{prometheus}/api/v1/query", params={"query": query}, trust_env=False)
            found = [float(each["value"][1]) for each in answer.json()["data"]["result"]]
        except (httpx.HTTPError, ValueError, KeyError):
            found = []
        if any(found) or time.monotonic() > until:
            return found
        time.sleep(0.5)
