"""The command as a person runs it, on made data, with real processes."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend.running.backend import inherited_environment
from backend.simulate import run as simulate_run
from tests.unit.simulations import HOSTILE, QUICK, InProcess, read_curves, simulate, write_rare

SMALL = ("--strategies", "random,margin", "--budget", "45", "--batch", "15")


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated")
    result = simulate(
        write_rare(folder / "rare.csv"), *SMALL, "--seeds", "2", "--processes", "2", "--out", folder / "out"
    )
    assert result.exit_code == 0, result.output
    (folder / "output.txt").write_text(result.output)
    return folder


def test_all_files_are_there_and_nothing_unfinished(simulated: Path) -> None:
    names = {"curves.csv", "learning-curve.png", "report.html", "summary.json"}
    assert {path.name for path in (simulated / "out").iterdir()} == names
    assert (simulated / "out" / "learning-curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_summary_follows_from_the_curves(simulated: Path) -> None:
    rows = read_curves(simulated / "out")
    summary = json.loads((simulated / "out" / "summary.json").read_text())
    assert [row["labels"] for row in rows] == ["20", "35", "45"] * 4
    for name, strategy in summary["strategies"].items():
        for seed, area in strategy["areas"].items():
            curve = [row for row in rows if (row["strategy"], row["seed"]) == (name, seed)]
            scores = [float(row["macro_f1"]) for row in curve]
            assert area == pytest.approx(statistics.mean(scores), abs=1e-5)
            target = summary["target"] * summary["full_data"][seed]["macro_f1"]
            reached = [int(row["labels"]) for row in curve if float(row["macro_f1"]) >= target]
            assert strategy["labels_for_target_by_seed"][seed] == (reached[0] if reached else None)
        assert strategy["area"] == pytest.approx(statistics.mean(strategy["areas"].values()))
        assert sum(strategy["labels_per_class"].values()) == 45
    assert summary["data"]["per_class"] == {HOSTILE: 10, "sport": 300, "weather": 300}
    assert summary["data"]["pool"] == 488


def test_the_start_is_the_same_for_every_strategy(simulated: Path) -> None:
    first = [
        (row["seed"], row["macro_f1"]) for row in read_curves(simulated / "out") if row["labels"] == "20"
    ]
    assert first[:2] == first[2:]


def test_margin_finds_the_rare_class_and_wins(simulated: Path) -> None:
    summary = json.loads((simulated / "out" / "summary.json").read_text())
    strategies = summary["strategies"]
    assert list(strategies) == ["margin", "random"]
    margin, baseline = (strategies[name]["labels_per_class"][HOSTILE] for name in ("margin", "random"))
    assert margin > 2 * baseline
    assert strategies["margin"]["final_macro_f1"] > strategies["random"]["final_macro_f1"] + 0.1
    assert summary["setting"] == {"STRATEGY": "auto"}  # of 45 labels
    assert strategies["margin"]["f1_per_class"][HOSTILE] > strategies["random"]["f1_per_class"][HOSTILE]


def test_the_report_says_the_same_needs_nothing_else_and_escapes_the_data(simulated: Path) -> None:
    report = (simulated / "out" / "report.html").read_text()
    summary = json.loads((simulated / "out" / "summary.json").read_text())
    assert f"{summary['strategies']['margin']['area']:.3f}" in report
    assert "STRATEGY=auto" in report
    rare = re.search(r"alert.*?</tr>", report, re.S)
    assert rare is not None
    (best,) = re.findall(r'class="best">([0-9.]+) ', rare[0])
    assert best == f"{summary['strategies']['margin']['f1_per_class'][HOSTILE]:.3f}"
    assert 'A curve may lie above "all labels"' in report
    assert "<script" not in report
    assert "&lt;script&gt;" in report
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"|url\((?!#)|@import', report)
    output = (simulated / "output.txt").read_text()
    assert "area" in output
    assert "Read rare.csv: 610 texts of 3 classes (columns text and label; separated by commas)" in output
    assert f"classes: weather 300, sport 300, {HOSTILE[:40]} 10" in output
    assert "replayed: strategy margin, seed 1" in output


def test_a_seeds_results_do_not_depend_on_processes_or_other_seeds(
    simulated: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_run, "Workers", InProcess)
    alone = simulated / "alone"
    one = ("--seeds", "1", "--seed", "1")
    result = simulate(simulated / "rare.csv", *SMALL, *one, "--out", alone)
    assert result.exit_code == 0, result.output

    def scores(folder: Path) -> list[tuple[str, ...]]:
        return [tuple(row.values())[:5] for row in read_curves(folder) if row["seed"] == "1"]

    assert len(scores(alone)) == 6
    assert scores(alone) == scores(simulated / "out")


def test_a_failing_strategy_is_named_left_out_and_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_run, "Workers", InProcess)
    data, out = write_rare(tmp_path / "d.csv", packed_with=40), tmp_path / "out"
    result = simulate(data, *QUICK, "--strategies", "random,entropy", "--out", out)
    assert result.exit_code == 1
    assert "left out: strategy entropy, seed 1: ValueError: <b>odd</b>" in result.output
    assert "&lt;b&gt;odd" in (out / "report.html").read_text()
    assert list(json.loads((out / "summary.json").read_text())["strategies"]) == ["random"]
    assert {row["strategy"] for row in read_curves(out)} == {"random", "entropy"}
    # Where none is left there is no report, and a former one stays.
    before = (out / "report.html").read_bytes()
    result = simulate(data, *QUICK, "--strategies", "entropy", "--out", out)
    assert result.exit_code == 1
    assert "every strategy failed: strategy entropy, seed 1" in result.output
    assert (out / "report.html").read_bytes() == before


def test_only_simulations_are_overwritten_without_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_run, "Workers", InProcess)
    data, out = write_rare(tmp_path / "d.csv", packed_with=40), tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("precious")
    arguments = (data, *QUICK, "--strategies", "random", "--out", out)
    refused = simulate(*arguments)
    assert refused.exit_code == 1
    assert "give --force" in refused.output
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]
    assert simulate(*arguments, "--force").exit_code == 0
    (out / "report.html").write_text("old")
    assert simulate(*arguments).exit_code == 0
    assert (out / "report.html").read_text() != "old"
    assert (out / "thesis.txt").read_text() == "precious"


def test_another_files_simulation_is_not_overwritten_without_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulate_run, "Workers", InProcess)
    monkeypatch.chdir(tmp_path)
    arguments = (*QUICK, "--strategies", "random")
    data = write_rare(tmp_path / "lines.csv", packed_with=40)
    assert simulate(data, *arguments).exit_code == 0
    report = tmp_path / "simulation-lines" / "report.html"
    first = report.read_bytes()
    with open(data, encoding="utf-8") as file:
        rows = [json.dumps(row) for row in csv.DictReader(file)]
    lines = tmp_path / "lines.jsonl"
    lines.write_text("\n".join(rows), encoding="utf-8")
    refused = simulate(lines, *arguments)
    assert refused.exit_code == 1
    assert f"simulation-lines holds the simulation of {data}: choose another --out, or give" in " ".join(
        refused.output.split()
    )
    assert report.read_bytes() == first
    elsewhere = tmp_path / "elsewhere" / data.name
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(data.read_bytes())
    assert simulate(elsewhere, *arguments).exit_code == 1
    assert report.read_bytes() == first
    forced = simulate(lines, *arguments, "--force")
    assert forced.exit_code == 0
    assert "(fields text and label; JSON)" in forced.output
    assert simulate(lines, *arguments).exit_code == 0


@pytest.mark.parametrize(
    ("content", "arguments", "reason"),
    [
        ("", (), "d.csv is empty"),
        ("text,topic\na,b\n", (), "--text-field text --control topic"),
        ("text,label\n" + "".join(f"t{i},same\n" for i in range(50)), (), "one label, 'same'"),
        (
            "text,label\n" + "".join(f"t{i},c{i % 2}\n" for i in range(20)),
            ("--batch", "20"),
            "of 16 to label",
        ),
        ("text,label\n" + "same,a\nsame,b\n" * 30, (), "one label, 'a'"),
        ("text,label\na,b\n", ("--strategies", "best"), "unknown strategy 'best'; choose one of: auto"),
        ("text,label\na,b\n", ("--held-out", "1"), "--held-out"),
    ],
)
def test_what_cannot_be_simulated_is_refused_and_leaves_nothing(
    tmp_path: Path, content: str, arguments: tuple[str, ...], reason: str
) -> None:
    (tmp_path / "d.csv").write_text(content)
    result = simulate(tmp_path / "d.csv", *arguments, "--out", tmp_path / "out")
    assert result.exit_code in (1, 2)
    assert reason in " ".join(result.output.split())
    assert not (tmp_path / "out").exists()


def test_ctrl_c_ends_all_processes_and_leaves_nothing(tmp_path: Path) -> None:
    data, out = write_rare(tmp_path / "d.csv"), tmp_path / "out"
    command = [sys.executable, "-m", "backend", "simulate", str(data), "--processes", "1", "--out", str(out)]
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        command,
        cwd=root,
        env=inherited_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        # As from a terminal: a shell's background job, which this test may be part of, ignores Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    # Once the texts of a seed are written, the workers are at work.
    deadline = time.monotonic() + 120
    while not list(out.glob(".unfinished-*/*")):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.05)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert b"Traceback" not in output
    assert not out.exists()
    assert len(children) >= 2
    # The interpreter's own bookkeeping process notices the end by itself, a moment later.
    while any(map(_runs, children)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
