"""docs/extending.md holds a whole package: it is installed as it stands there, and used."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from backend.demo.data import load
from backend.errors import DamagedFile
from backend.running.backend import inherited_environment
from backend.store.features import FeatureCache

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "extending.md").read_text()
PROGRAM = """
import json, sys, torch
from pathlib import Path
from backend.cli import main
from backend.sampling import names, select
from backend.simulate import run
from backend.store.features import FeatureCache
from tests.unit.simulations import InProcess

folder, found = Path(sys.argv[1]), {}
pool, labeled, targets = torch.randn(50, 8), torch.randn(20, 8), torch.tensor([0] * 15 + [1] * 5)

def picks(name, labels, **options):
    try:
        return select(name, pool, labeled[:labels], targets[:labels], 10, **options).tolist()
    except ValueError as error:
        return str(error)

found["names"] = names()
found["rare first"] = [picks("rare_first", 20, power=2.0) for _ in range(2)]
found["longest first"] = picks("longest_first", 0)
found["longest"] = torch.linalg.vector_norm(pool, dim=1).argsort(descending=True)[:10].tolist()
found["composed"] = picks("80% margin and 20% rare_first", 20)
found["gone"], found["twice"] = picks("gone", 20), picks("twice", 20)
cache = FeatureCache(folder / "cache", kind="letters")
vectors, found["encoder"] = cache.encode(["one text", "another"])
again = cache.encoder(found["encoder"]).encode(["one text", "another"])
found["off"] = float((vectors - again).abs().max())
run.Workers = InProcess
main(["simulate", str(folder / "mine.csv"), *sys.argv[2:], f"--out={folder / 'out'}"], standalone_mode=False)
(folder / "found.json").write_text(json.dumps(found))
"""
"""One process for all of it: each takes seconds to begin."""
FAULTY = {
    "faulty-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n",
    "faulty-1.0.dist-info/entry_points.txt": (
        "[label_studio_atlas.strategies]\ngone = no_such_module:pick\ntwice = faulty:twice\n"
    ),
    "faulty.py": (
        "import torch\nfrom backend.sampling import Picks\n"
        "def twice(scene, n): return Picks(torch.zeros(n, dtype=torch.int64))\n"
    ),
}
"""Another package: of its strategies one cannot be imported, the other picks an item twice."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a process left that had the package of the page, installed by pip, and the faulty one."""
    folder = tmp_path_factory.mktemp("extras")
    for name, content in re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```", DOC, re.M | re.S):
        (folder / name).write_text(content)
    target = folder / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(folder)], check=True, capture_output=True)
    for name, content in FAULTY.items():
        (target / name).parent.mkdir(exist_ok=True)
        (target / name).write_text(content)
    with open(folder / "mine.csv", "w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *load(None, 0).pool[:60]])
    env = inherited_environment()
    env["PYTHONPATH"] = os.pathsep.join([str(target), env["PYTHONPATH"]])
    options = ["--strategies=rare_first,random", "--encoder=letters", "--seeds=1", "--budget=25"]
    command = [sys.executable, "-c", PROGRAM, str(folder), *options]
    done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def found(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "found.json").read_text()))


def test_own_strategies_are_selected_like_any_other(found: dict[str, Any]) -> None:
    assert {"rare_first", "longest_first"} <= set(found["names"])
    first, again = found["rare first"]
    assert first == again
    assert len(set(first)) == 10
    assert found["longest first"] == found["longest"]
    assert len(found["composed"]) == 10


def test_a_simulation_runs_with_an_own_strategy_and_encoder(folder: Path) -> None:
    summary = json.loads((folder / "out" / "summary.json").read_text())
    assert set(summary["strategies"]) == {"rare_first", "random"}


def test_a_version_made_with_an_own_encoder_needs_it(folder: Path, found: dict[str, Any]) -> None:
    assert found["off"] < 1e-3
    with pytest.raises(DamagedFile, match="unknown encoder 'letters'; choose one of: auto, lsa"):
        FeatureCache(folder / "cache").encoder(found["encoder"])


def test_what_cannot_be_used_is_told_and_keeps_nothing_from_work(found: dict[str, Any]) -> None:
    assert "strategy 'gone' cannot be used: faulty: ModuleNotFoundError" in found["gone"]
    assert "strategy 'twice' must pick 10 different indices of a pool of 50" in found["twice"]
    assert len(found["rare first"][0]) == 10
