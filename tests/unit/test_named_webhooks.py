"""The doctor names a webhook by which others could speak in Label Studio's name, with what to do."""

from __future__ import annotations

import pytest

from backend.doctor.bench import Bench, ProjectBench
from backend.doctor.checks import CHECKS
from backend.doctor.examine import all_is_well
from backend.doctor.finding import Finding, State
from backend.jobs.state import digest
from backend.labelstudio.administration import Connection, Webhook
from backend.labelstudio.connection import TITLE
from backend.settings import Settings

URL = "http://localhost:9191"
FORMER, OWN = f"{URL}/webhook", f"{URL}/webhook?project=1"
PASSWORD = {"basic_auth_user": "atlas", "basic_auth_pass": "pa55"}
IN_HEADER = "Basic YXRsYXM6cGE1NQ=="


def found(
    url: str, carried: str, kept: str | None, given: dict[str, str] | None = None, title: str = TITLE
) -> Finding:
    """carried: the webhook's Authorization; kept: what the project's secret is here; given: settings."""
    bench = ProjectBench(Bench(), 1)
    bench.bench.settings = Settings(port=9191, **(given or {}))
    headers = {"Authorization": carried} if carried else {}
    vars(bench).update(
        connections=[Connection(1, URL, title, "CO", "")],
        all_webhooks=[Webhook(url, headers=headers, id=5)],
        webhook_digest=None if kept is None else digest(kept),
    )
    return CHECKS["webhook"].function(bench)


def test_the_backends_password_in_a_webhook_is_a_fault_that_says_to_change_it() -> None:
    finding = found(FORMER, IN_HEADER, None, PASSWORD)
    assert not all_is_well([finding])
    assert "the backend's password, which Label Studio shows its users" in finding.found
    assert "connect http://localhost:9191 --project 1" in finding.remedy
    assert "change BASIC_AUTH_PASS" in finding.remedy
    assert "pa55" not in finding.found + finding.remedy


def test_the_secret_that_all_projects_shared_is_named_until_connect_has_replaced_it() -> None:
    finding = found(FORMER, "Bearer s3cret", None, {"webhook_secret": "s3cret"})
    assert finding.state is State.NOTE
    assert "carries WEBHOOK_SECRET" in finding.found
    assert "s3cret" not in finding.found
    assert "connect http://localhost:9191 --project 1" in finding.remedy


@pytest.mark.parametrize("url", [OWN, FORMER])
def test_a_webhook_of_connect_whose_secret_is_lost_is_a_fault(url: str) -> None:
    finding = found(url, "Bearer own" if url == OWN else "", None)
    assert finding.state is State.WRONG
    assert "lost: anybody may send one in its name" in finding.found


@pytest.mark.parametrize(("carried", "said"), [("Bearer forged", "another secret"), ("", "no secret")])
@pytest.mark.parametrize("url", [OWN, FORMER])
def test_a_webhook_with_another_secret_than_the_kept_one_is_a_fault(
    url: str, carried: str, said: str
) -> None:
    finding = found(url, carried, "Bearer own")
    assert finding.state is State.WRONG
    assert f"carries {said}" in finding.found


def test_a_webhook_with_the_kept_secret_is_in_order_and_so_is_one_that_was_made_by_hand() -> None:
    assert found(OWN, "Bearer own", "Bearer own").state is State.OK
    assert found(FORMER, "", None, title="by hand").state is State.OK
