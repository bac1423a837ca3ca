"""What is said of settings that cannot be: in words of whoever typed them, and no secret with it."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from backend.cli import main
from backend.doctor import machine
from backend.doctor.bench import Bench
from backend.settings import Settings
from backend.wrong_settings import wrong_settings


def said_of(**given: str) -> str:
    with pytest.raises(ValidationError) as refused:
        Settings(**given)  # type: ignore[arg-type]
    return wrong_settings(refused.value)


@pytest.mark.parametrize(
    ("name", "given", "said"),
    [
        ("port", "abc", "PORT: must be a whole number, not 'abc'"),
        ("port", "90.5", "PORT: must be a whole number, not '90.5'"),
        ("label_studio_timeout", "soon", "LABEL_STUDIO_TIMEOUT: must be a number, not 'soon'"),
        ("label_studio_url", "ls:8080", "must start with http:// or https://, as in http://localhost:8080"),
        ("label_studio_url", "http://ls/projects/1/data", "LABEL_STUDIO_URL: leave out /projects/1/data"),
    ],
)
def test_it_is_said_what_is_wanted_without_the_library_s_own_words(name: str, given: str, said: str) -> None:
    told = said_of(**{name: given})
    assert said in told
    assert "Value error" not in told
    assert "unable to parse" not in told


def test_a_key_that_can_be_none_is_not_shown() -> None:
    assert "s3cret" not in said_of(label_studio_api_key="two s3cret words")


def test_a_long_value_is_cut() -> None:
    assert len(said_of(port="9" * 10 + "x" * 10_000)) < 100


def test_doctor_tells_a_misspelt_setting_beside_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "abc")
    monkeypatch.setenv("RETRAIN_EVRY", "3")
    found = machine.settings(Bench()).found
    assert "PORT: must be a whole number, not 'abc'" in found
    assert "RETRAIN_EVRY is none: RETRAIN_EVERY is probably meant" in found


def test_an_address_that_can_be_none_is_refused_before_anything_is_looked_at() -> None:
    """Not after a list of all that is down meanwhile."""
    done = CliRunner().invoke(main, ["connect", "localhost:9090", "--project", "1"])
    assert done.exit_code == 1
    assert "begins with http://, as in http://localhost:9090" in done.output
    assert "not checked" not in done.output
