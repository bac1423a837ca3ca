"""The runner, the report, and reading Label Studio's words."""

from __future__ import annotations

import json
import time
from pathlib import Path

import httpx
import pytest
from redis import ResponseError
from rq import VERSION

from backend.doctor import checks, report
from backend.doctor.bench import Bench
from backend.doctor.checks import check, project_check, run
from backend.doctor.finding import Finding, State, not_checked, note, ok, wrong
from backend.doctor.machine import LOCKED_NEWER, redis, redis_on_disk, unmet_demands, versions
from backend.doctor.server import kind_of
from backend.errors import NotFound
from backend.labelstudio.administration import WEBHOOK_ACTIONS
from backend.labelstudio.refusals import explain
from backend.web.events import ANNOTATION_EVENTS


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "CHECKS", {})


def states(findings: list[Finding]) -> list[tuple[str, str, str]]:
    return [(finding.check, finding.state.value, finding.found) for finding in findings]


@pytest.mark.usefixtures("no_checks")
def test_what_needs_something_wrong_is_not_guessed_at_and_names_the_root() -> None:
    check("a")(lambda bench: wrong("broken", "mend a"))
    check("b", "a")(lambda bench: pytest.fail("must not run"))
    check("c", "b")(lambda bench: pytest.fail("must not run"))
    check("d")(lambda bench: note("works"))
    project_check("e", "d")(lambda bench: ok("good"))
    project_check("f", "e", "c")(lambda bench: pytest.fail("must not run"))
    general = run(False, None)
    assert states([*general, *run(True, None, general)]) == [
        ("a", "wrong", "broken"),
        ("b", "not checked", '"a" comes first'),
        ("c", "not checked", '"a" comes first'),
        ("d", "note", "works"),
        ("e", "ok", "good"),
        ("f", "not checked", '"a" comes first'),
    ]


@pytest.mark.usefixtures("no_checks")
def test_each_finding_is_told_before_the_next_check_is_made() -> None:
    """One that takes its time hides nothing of the others."""
    told: list[str] = []
    check("a")(lambda bench: ok("first"))
    check("b")(lambda bench: ok(f"after {told}"))
    run(False, None, tell=lambda finding: told.append(finding.found))
    assert told == ["first", "after ['first']"]


@pytest.mark.usefixtures("no_checks")
def test_an_error_of_ours_is_a_finding() -> None:
    def gone(bench: object) -> Finding:
        raise NotFound("no such thing")

    check("a")(gone)
    (finding,) = run(False, None)
    assert (finding.state, finding.found, bool(finding.remedy)) == (State.WRONG, "no such thing", True)


@pytest.mark.usefixtures("no_checks")
@pytest.mark.parametrize(
    ("error", "found"),
    [
        (ResponseError("NOPERM"), "Redis failed meanwhile: NOPERM"),
        (httpx.ReadTimeout("too slow"), "no answer meanwhile (ReadTimeout: too slow)"),
        (KeyError("field"), "this check failed itself (KeyError: 'field')"),
    ],
)
def test_no_error_ends_in_a_traceback(error: Exception, found: str) -> None:
    def fails(bench: object) -> Finding:
        raise error

    check("a")(fails)
    (finding,) = run(False, None)
    assert (finding.state, finding.found, bool(finding.remedy)) == (State.WRONG, found, True)


@pytest.mark.parametrize(
    ("persistence", "state"),
    [({}, State.NOTE), ({"loading": 0}, State.NOTE), ({"aof_enabled": 1}, State.OK)],
)
def test_a_redis_that_leaves_fields_out(persistence: dict[str, int], state: State) -> None:
    class Reticent:
        """As managed ones and relatives of Redis answer."""

        def ping(self) -> bool:
            return True

        def info(self, section: str) -> dict[str, int]:
            return persistence if section == "persistence" else {}

        def config_get(self, pattern: str) -> dict[str, str]:
            return {}

    bench = Bench()
    bench.__dict__["redis"] = Reticent()
    assert (redis(bench).state, redis_on_disk(bench).state) == (State.OK, state)
    assert state is State.OK or redis_on_disk(bench).remedy


@pytest.mark.usefixtures("no_checks")
def test_a_check_can_only_need_earlier_ones() -> None:
    with pytest.raises(ValueError, match="later"):
        check("a", "b")
    check("a")(lambda bench: ok(""))
    with pytest.raises(ValueError, match="twice"):
        check("a")


def test_the_report(capsys: pytest.CaptureFixture[str]) -> None:
    findings = [
        Finding(State.OK, "fine", check="one"),
        Finding(State.WRONG, "broken", "mend it", check="two", project=3),
        Finding(State.NOT_CHECKED, '"two" comes first', check="three", project=3),
    ]
    report.print_findings(findings)
    report.print_verdict(findings)
    assert capsys.readouterr().out.splitlines() == [
        "✓ one              fine",
        "",
        "Project 3",
        "✗ two              broken",
        "                   →  mend it",
        '– three            not checked: "two" comes first',
        "",
        "1 thing is wrong.",
    ]
    told = json.loads(report.as_json(findings))
    assert not told["ok"]
    assert told["findings"][1] == {
        "check": "two",
        "project": 3,
        "state": "wrong",
        "found": "broken",
        "remedy": "mend it",
    }
    assert json.loads(report.as_json([ok("a"), note("b"), not_checked("c")]))["ok"]


@pytest.mark.parametrize(
    ("words", "found", "remedy"),
    [
        ("URL resolves to a reserved network address (block: 10.0.0.0/8)", "10.0.0.0/8", "SUBNETS=false"),
        ("Can't resolve hostname backend", "host name backend", "machine knows"),
        ("{'url': ['Enter a valid URL.']}", "no webhook to this host name", "backend.internal"),
        ("HTTPConnectionPool: Max retries exceeded: Connection refused", "nothing answers", "HOST"),
        ("401 Client Error: basic auth for url: http://b/setup", "credentials", "BASIC_AUTH_PASS"),
        ("400 Client Error: There is no class. for url: http://b/setup", "There is no class.", "message"),
        ("something <b>else</b>", "something else", "log"),
        ("", "does not say", "log"),
    ],
)
def test_label_studios_words(words: str, found: str, remedy: str) -> None:
    told = explain(words)
    assert found in told[0]
    assert remedy in told[1]


@pytest.mark.parametrize("piece", ["<", "400 Client Error: ", "&#1", "hostname "])
def test_long_words_are_explained_in_no_more_than_their_lengths_time(piece: str) -> None:
    def seconds(pieces: int) -> float:
        words = piece * pieces
        begun = time.process_time()
        for _ in range(3):
            explain(words)
        return time.process_time() - begun

    seconds(100)  # the patterns are compiled
    assert seconds(40_000) < 32 * max(seconds(5_000), 1e-3)  # 8 times where linear, 64 where quadratic


def test_versions_that_do_not_fit_are_named() -> None:
    assert unmet_demands() == []  # the locked set meets what this package asks for
    assert unmet_demands(["rq>=99", "no-such-package-at-all", 'rq>=99; extra == "dev"', "rq"]) == [
        f"rq>=99 is needed, {VERSION} is installed",
        "no-such-package-at-all is not installed",
    ]


def test_what_the_lock_has_newer_is_what_the_script_that_makes_it_says() -> None:
    script = (Path(__file__).parents[2] / "scripts" / "lock").read_text()
    assert set(LOCKED_NEWER) <= set(script.splitlines())
    assert versions(Bench()).state is State.OK


@pytest.mark.parametrize("key", ["0" * 40, "", "a.b", "a.b.c", "a.bnVsbA.c", "ä.ö.ü"])
def test_what_is_no_jwt_is_a_legacy_token(key: str) -> None:
    assert kind_of(key) == "legacy token"


def test_the_webhook_asks_for_all_events_we_act_on() -> None:
    assert ANNOTATION_EVENTS | {"TASKS_CREATED", "TASKS_DELETED", "PROJECT_UPDATED"} == WEBHOOK_ACTIONS
