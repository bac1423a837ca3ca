"""docs/extending.md holds a whole package: it is installed as it stands there, and used."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend.demo.data import load
from backend.errors import DamagedFile
from backend.running.backend import inherited_environment
from backend.store.features import FeatureCache

DOC = (Path(__file__).parents[2] / "docs" / "extending.md").read_text()
USE = """
import torch
from backend.sampling import names, select
pool, labeled, targets = torch.randn(50, 8), torch.randn(20, 8), torch.tensor([0] * 15 + [1] * 5)
assert {"rare_first", "longest_first"} <= set(names())
picks = select("rare_first", pool, labeled, targets, 10, power=2.0)
assert len(set(picks.tolist())) == 10
assert torch.equal(picks, select("rare_first", pool, labeled, targets, 10, power=2.0))
longest = torch.linalg.vector_norm(pool, dim=1).argsort(descending=True)[:5]
assert torch.equal(select("longest_first", pool, labeled[:0], targets[:0], 5), longest)
assert len(select("80% margin and 20% rare_first", pool, labeled, targets, 10)) == 10
"""

TRY = """
import sys, torch
from backend.sampling import select
for name in sys.argv[1:]:
    try:
        picks = select(name, torch.randn(9, 4), torch.randn(6, 4), torch.tensor([0, 1] * 3), 3)
    except ValueError as error:
        print(error)
    else:
        print(list(picks.shape))
"""


@pytest.fixture(scope="module")
def with_extras(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that has the package of the page, installed by pip."""
    folder = tmp_path_factory.mktemp("extras")
    for name, content in re.findall(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```", DOC, re.M | re.S):
        (folder / name).write_text(content)
    target = folder / "installed"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(folder)], check=True, capture_output=True)
    env = inherited_environment()
    return {**env, "PYTHONPATH": os.pathsep.join([str(target), env["PYTHONPATH"]])}


def python(env: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=False)


def test_own_strategies_are_selected_like_any_other(with_extras: dict[str, str]) -> None:
    done = python(with_extras, "-c", USE)
    assert done.returncode == 0, done.stderr


def test_a_simulation_runs_with_an_own_strategy_and_encoder(
    with_extras: dict[str, str], tmp_path: Path
) -> None:
    with open(tmp_path / "mine.csv", "w", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *load(None, 0).pool[:90]])
    options = [
        "--strategies=rare_first,random",
        "--encoder=letters",
        "--seeds=1",
        "--budget=30",
        "--processes=1",
    ]
    done = python(
        with_extras,
        "-m",
        "backend",
        "simulate",
        str(tmp_path / "mine.csv"),
        *options,
        f"--out={tmp_path}/out",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert set(told["strategies"]) == {"rare_first", "random"}


def test_a_version_made_with_an_own_encoder_needs_it(with_extras: dict[str, str], tmp_path: Path) -> None:
    write = (
        "import sys; from pathlib import Path; from backend.store.features import FeatureCache as F;"
        "f = F(Path(sys.argv[1]), kind='letters'); v, name = f.encode(['one text', 'another']);"
        "assert (v - f.encoder(name).encode(['one text', 'another'])).abs().max() < 1e-3; print(name)"
    )
    done = python(with_extras, "-c", write, str(tmp_path))
    assert done.returncode == 0, done.stderr
    with pytest.raises(DamagedFile, match="unknown encoder 'letters'; choose one of: auto, lsa"):
        FeatureCache(tmp_path).encoder(done.stdout.strip())


def test_what_cannot_be_used_is_told_and_keeps_nothing_from_work(
    with_extras: dict[str, str], tmp_path: Path
) -> None:
    info = tmp_path / "faulty-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[label_studio_atlas.strategies]\ngone = no_such_module:pick\ntwice = faulty:twice\n"
    )
    (tmp_path / "faulty.py").write_text(
        "import torch\nfrom backend.sampling import Picks\n"
        "def twice(scene, n): return Picks(torch.zeros(n, dtype=torch.int64))\n"
    )
    env = {**with_extras, "PYTHONPATH": os.pathsep.join([str(tmp_path), with_extras["PYTHONPATH"]])}
    done = python(env, "-c", TRY, "gone", "twice", "rare_first")
    gone, twice, rare_first = done.stdout.splitlines()
    assert "strategy 'gone' cannot be used: faulty: ModuleNotFoundError" in gone
    assert "strategy 'twice' must pick 3 different indices of a pool of 9" in twice
    assert rare_first == "[3]"
