"""What the command line says to wrong inputs: a sentence with what to do, exit code 1 or 2, no traceback."""

from __future__ import annotations

import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from backend.cli import COMMANDS, main
from backend.commands import pages
from backend.commands.out_file import check_out
from backend.commands.rows import WIDTH, as_table
from backend.errors import AtlasError

OF_A_PROJECT = [
    "export --out x.csv",
    "suspects",
    "second-opinions",
    "predictions --out x.csv",
    "versions",
    "connect http://a:9090",
    "disconnect",
    "doctor",
]


def run(arguments: str, **env: str) -> Result:
    done = CliRunner().invoke(main, shlex.split(arguments), env={"COLUMNS": "200", **env})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "there.csv").write_text("text,label\na,x\n")
    (tmp_path / "folder").mkdir()


@pytest.mark.parametrize("number", ["0", "-1", "2147483648", "9" * 400, "9" * 5_000, "1.5", "one", "", "٣x"])
@pytest.mark.parametrize("command", OF_A_PROJECT, ids=lambda command: command.split()[0])
def test_what_is_no_projects_number_is_refused(command: str, number: str) -> None:
    done = run(f"{command} --project={shlex.quote(number)}")
    assert done.exit_code == 2
    assert "Invalid value for '--project'" in done.output


@pytest.mark.parametrize("command", [each for each in OF_A_PROJECT if each != "doctor"])
def test_a_projects_number_is_asked_for(command: str) -> None:
    done = run(command)
    assert done.exit_code == 2
    assert "Missing option '--project'" in done.output


WRONG: list[tuple[str, int, str]] = [
    # command, exit code, what is said
    ("export --project 3 --out x.txt", 2, "--out x.txt: the name must end with .csv or .json"),
    ("export --project 3 --out x", 2, "the name must end with .csv or .json"),
    ("export --project 3 --out gone/x.csv", 2, "--out gone/x.csv: there is no folder gone"),
    ("export --project 3 --out there.csv", 2, "there.csv is there already: choose another name, or give"),
    ("export --project 3 --out folder", 2, "is a directory"),
    ("export --project 3 --out x.csv", 1, "nothing is kept of project 3 in"),
    ("export --project 3", 2, "Missing option '--out'"),
    ("suspects --project 3 --out x.jsonl", 2, "the name must end with .csv or .json"),
    ("suspects --project 3 -n 0", 2, "0 is not in the range"),
    ("suspects --project 3", 1, "Check the number, and that DATA_DIR is the running backend's."),
    ("second-opinions --project 3 --out x.txt", 2, "the name must end with .csv or .json"),
    ("second-opinions --project 3", 1, "kept are: none"),
    ("predictions --project 3", 2, "give one of --out FILE, --import and --remove"),
    ("predictions --project 3 --out x.csv --import", 2, "give one of --out FILE, --import and --remove"),
    ("predictions --project 3 --import --remove", 2, "give one of --out FILE, --import and --remove"),
    ("predictions --project 3 --out x.json", 2, "the name must end with .csv or .jsonl"),
    ("predictions --project 3 --out x.csv", 1, "nothing is kept of project 3 in"),
    ("versions --project 3", 1, "nothing is kept of project 3 in"),
    ("versions --project 3 --csv x.json", 1, "nothing is kept of project 3 in"),
    ("versions --project 3 pin", 1, "nothing is kept of project 3 in"),
    ("versions --project 3 rollback atlas-000001", 1, "nothing is kept of project 3 in"),
    ("versions --project 3 unpin", 1, "nothing is kept of project 3 in"),
    ("versions --project 3 remove", 2, "No such command 'remove'"),
    ("connect --project 3", 2, "give the URL at which Label Studio reaches this backend, or set BACKEND_URL"),
    ("connect a:9090 --project 3", 1, "it begins with http://, as in http://a:9090"),
    ("connect 'http://a b' --project 3", 1, "must hold no spaces"),
    ("connect http://a:90909 --project 3", 1, "must have a port between 0 and 65535"),
    ("connect 'http://ann:pw@a' --project 3", 1, "without user, password, ? and #"),
    ("disconnect a --project 3", 1, "it begins with http://, as in http://a"),
    ("up --port 70000", 1, "a setting is wrong: PORT: "),
    ("up --port x", 2, "'x' is not a valid integer"),
    ("serve --port -1", 1, "a setting is wrong: PORT: "),
    ("worker --only sleep", 2, "'sleep' is not one of"),
    ("alive", 2, "Missing argument"),
    ("alive redis", 2, "'redis' is not one of"),
    ("simulate gone.csv", 2, "Path 'gone.csv' does not exist"),
    ("simulate there.csv --strategies best", 2, "unknown strategy 'best'; choose one of"),
    ("simulate there.csv --strategies ,", 2, "no strategy is named; choose among"),
    ("simulate there.csv --seeds 0", 2, "0 is not in the range"),
    ("simulate there.csv --seeds 99999999999", 2, "is not in the range 1<=x<=1000"),
    ("simulate there.csv --seed -1", 2, "-1 is not in the range"),
    ("simulate there.csv --budget 1", 2, "1 is not in the range"),
    ("simulate there.csv --held-out 0", 2, "0.0 is not in the range"),
    ("simulate there.csv --held-out 1", 2, "1.0 is not in the range"),
    ("simulate there.csv --batch 0", 2, "0 is not in the range"),
    ("simulate there.csv --processes 0", 2, "0 is not in the range"),
    ("simulate there.csv --out there.csv", 2, "is a file"),
    ("simulate there.csv --image-folder there.csv", 2, "is a file"),
    ("next gone.csv", 2, "Path 'gone.csv' does not exist"),
    ("next there.csv -n 0", 2, "0 is not in the range"),
    ("next there.csv --strategy best", 1, "STRATEGY: unknown strategy 'best'"),
    ("next there.csv --seed -1", 1, "a setting is wrong: SEED: "),
    ("next there.csv --format xml", 2, "'xml' is not one of"),
    ("next there.csv --labels gone.csv", 2, "Path 'gone.csv' does not exist"),
    ("next there.csv --unlabelled there.csv", 2, "is a file"),
    ("demo --kind sounds", 2, "'sounds' is not one of"),
    ("demo --kind boxes --data there.csv", 2, "--kind boxes has data of its own: leave --data out"),
    ("demo --images --data there.csv", 2, "--kind images has data of its own: leave --data out"),
    ("demo --annotators 21", 2, "21 is not in the range"),
    ("demo --labels 0", 2, "0 is not in the range"),
    ("demo --strategy best", 1, "STRATEGY: unknown strategy 'best'"),
    ("encoder fetch ../../etc", 1, "../../etc"),
    ("encoder fetch 'a b/c'", 1, "a b/c"),
    ("encoder", 2, "Usage"),
    ("generation fetch ../../etc", 1, "../../etc"),
    ("generation fetch", 2, "Missing argument 'NAME'"),
    ("generation", 2, "Usage"),
    ("dance", 2, "No such command 'dance'"),
]  # fmt: skip


@pytest.mark.parametrize(("command", "code", "said"), WRONG, ids=[command[:50] for command, *_ in WRONG])
def test_a_wrong_input_is_told_with_what_to_do(command: str, code: int, said: str) -> None:
    done = run(command)
    assert (done.exit_code, said in done.output) == (code, True), done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("env", "said"),
    [
        (
            {"STRATEGY": "margin within 20% by nothing"},
            "STRATEGY: 'margin within 20% by nothing': 'nothing' is",
        ),
        ({"ENCODER": "elmo"}, "ENCODER: "),
        ({"PORT": "abc"}, "a setting is wrong: PORT: must be a whole number, not 'abc'"),
        ({"SEED": "-1"}, "a setting is wrong: SEED: "),
        ({"SEED": str(2**32)}, "a setting is wrong: SEED: must be at most 4,294,967,295"),
        ({"RETRAIN_WITHIN": "inf"}, "a setting is wrong: RETRAIN_WITHIN: must be at most 1,000,000,000"),
        ({"LABEL_STUDIO_URL": "http://ls\x07"}, "LABEL_STUDIO_URL: must hold no control characters"),
        ({"LABEL_STUDIO_URL": "http://u:s3cret@ls"}, "LABEL_STUDIO_API_KEY is what counts"),
        ({"REDIS_URL": "redis://:s3/cret@r:1"}, "a password with one of / # ? [ in it belongs into"),
        ({"BASIC_AUTH_USER": "ann"}, "set both BASIC_AUTH_USER and BASIC_AUTH_PASS, or neither"),
        ({"CONTROL_WEIGHTS": "mood=x"}, "a setting is wrong: CONTROL_WEIGHTS: "),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_setting_stops_the_start_and_shows_no_secret(env: dict[str, str], said: str) -> None:
    done = run("worker", **env)
    assert done.exit_code == 1
    assert said in done.output
    assert "cret" not in done.output.replace("secret", "")


def test_our_own_errors_move_no_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message may quote what came from outside."""

    def fail(name: str) -> bool:
        raise AtlasError("it says \x1b[2J\u202eabc\x07\nand goes on")

    monkeypatch.setattr("backend.commands.given.is_known_strategy", fail)
    done = run("next there.csv")
    assert done.exit_code == 1
    assert "it says \\x1b[2J\\u202eabc\\x07\nand goes on" in done.output


def test_every_command_says_what_it_is_for() -> None:
    listed = run("--help").output
    for command in COMMANDS:
        assert command.name is not None
        assert command.name in listed
        help_ = run(f"{command.name} --help")
        assert help_.exit_code == 0
        assert (command.help or "").split("\n")[0][:60] in help_.output


@pytest.mark.parametrize(
    ("rows", "table"),
    [
        ([("a", "b")], "a  b"),
        ([("task", "text"), ("1", "one"), ("23", "")], "task  text\n1     one\n23"),
        ([("a", "x\n  y\tz")], "a  x y z"),
        ([("\x1b[31mred", "\u202eabc")], "\\x1b[31mred  \\u202eabc"),
        ([("a", "\ud800")], "a  \\ud800"),
        ([("<b>", "[bold]")], "<b>  [bold]"),
    ],
)
def test_a_cell_is_one_line_that_moves_no_cursor(rows: list[tuple[str, str]], table: str) -> None:
    assert as_table(rows) == table


@pytest.mark.parametrize("length", [WIDTH - 1, WIDTH, WIDTH + 1, 10_000])
def test_a_long_cell_is_cut(length: int) -> None:
    shown = as_table([("x" * length,)])
    assert len(shown) == min(length, WIDTH)
    assert shown.endswith("…") == (length > WIDTH)


def test_a_file_to_write_is_checked_before_anything_else(tmp_path: Path) -> None:
    check_out(tmp_path / "new.csv", False, (".csv",))
    check_out(tmp_path / "there.csv", True, (".csv",))
    with pytest.raises(click.UsageError, match=r"--csv .*new\.txt: the name must end with \.csv"):
        check_out(tmp_path / "new.txt", True, (".csv",), option="--csv")


@pytest.mark.parametrize("error", [KeyError("no name"), OSError("no entry")])
def test_a_user_without_a_name_has_one_in_the_log(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise error

    assert pages.user_name()
    monkeypatch.setattr(pages.getpass, "getuser", nobody)
    assert pages.user_name() == "whoever started it"
