"""A setting that is out of range, or of another kind, is refused by name, with what it must be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from backend.checked_settings import LARGEST, LARGEST_SEED
from backend.settings import Settings
from backend.wrong_settings import wrong_settings

NUMBERS = [name for name, field in Settings.model_fields.items() if field.annotation in (int, float)]
ENDLESS = ["inf", "Infinity", "1e300", "9" * 30, "9" * 5_000, str(LARGEST_SEED + 1)]


def refused(**given: Any) -> str:
    with pytest.raises(ValidationError) as error:
        Settings(**given)
    return wrong_settings(error.value)


def named(said: str) -> list[str]:
    """The settings that a refusal names, in the order of the alphabet."""
    return sorted(part.split(":")[0] for part in said.split("; "))


@pytest.mark.parametrize("value", ENDLESS, ids=lambda value: value[:12])
def test_no_number_of_any_setting_is_without_end(value: str) -> None:
    """As seconds it would overflow a clock in the midst of a job, hours after the typing error."""
    said = refused(**dict.fromkeys(NUMBERS, value))
    assert named(said) == sorted(name.upper() for name in NUMBERS)
    assert len(said) < 100 * len(NUMBERS)


@pytest.mark.parametrize("value", ["nan", "-inf", "-1", "0x10", "٣", "true", "1,5", "5 000", "", "5\x00"])
def test_what_is_no_number_of_this_kind_is_refused(value: str) -> None:
    assert named(refused(**dict.fromkeys(NUMBERS, value))) == sorted(name.upper() for name in NUMBERS)


def test_a_number_may_have_blanks_and_underscores() -> None:
    given = Settings(queue_head=" 1_000 ", retrain_within="1e3", folds="5.0")  # type: ignore[arg-type]
    assert (given.queue_head, given.retrain_within, given.folds) == (1_000, 1_000.0, 5)
    assert Settings(clear_after=LARGEST).clear_after == LARGEST


EDGES: list[tuple[str, Any, Any]] = [
    # name, the last value that is taken, the first that is not
    ("port", 65_535, 65_536),
    ("port", 0, -1),
    ("web_workers", 1, 0),
    ("max_tasks", 1, 0),
    ("audit_share", 1, 1.01),
    ("audit_share", 0, -0.01),
    ("goal_accuracy", 0.999, 1),
    ("show_guess_from", 1, 1.001),
    ("queue_clusters", 100, 101),
    ("keep_versions", 2, 1),
    ("folds", 2, 1),
    ("seed", 0, -1),
    ("seed", LARGEST_SEED, LARGEST_SEED + 1),
    ("folds", 10, LARGEST + 1),
    ("label_studio_timeout", 0.001, 0),
    ("content_max_mb", 0.5, 0),
    ("wrapped_timeout", 90, 90.1),
    ("wrapped_batch", 1_000, 1_001),
    ("generation_examples", 20, 21),
    ("reconcile_every", 1, 0.9),
    ("worker_lost_after", 3, 2),
    ("retry_after", 1, 0),
    ("max_text_chars", LARGEST, LARGEST + 1),
]


@pytest.mark.parametrize(("name", "last", "beyond"), EDGES)
def test_the_last_value_within_the_range_is_taken_and_the_next_is_not(
    name: str, last: Any, beyond: Any
) -> None:
    assert getattr(Settings(**{name: last}), name) == last
    assert name.upper() in refused(**{name: beyond})


WRITTEN: list[tuple[str, str, Any]] = [
    ("device", "cpu", "cpu"),
    ("device", "cuda:1", "cuda:1"),
    ("model_store", "s3://bucket/models/", "s3://bucket/models"),
    ("model_store", "file:///models", "file:///models"),
    ("model_store", "memory://models", "memory://models"),
    ("label_studio_host", " https://ls.example/ ", "https://ls.example"),
    ("label_studio_host", "/label-studio/", "/label-studio"),
    ("label_studio_host", "ls.example", ""),
    ("backend_url", "", None),
    ("generation_url", " https://api.example.org/v1/ ", "https://api.example.org/v1"),
    ("generation_url", "http://[::1]:8000", "http://[::1]:8000"),
    ("log_level", "debug", "DEBUG"),
    ("target_domain", "newest", "newest"),
    ("target_domain", "source=forum", "source=forum"),
    ("basic_auth_user", "", None),
    ("redis_url", "", "redis://localhost:6379/0"),
    ("wrapped_backends", "a:9090,b", "a:9090,b"),
]


@pytest.mark.parametrize(("name", "given", "kept"), WRITTEN)
def test_a_value_is_kept_as_it_is_meant(name: str, given: str, kept: Any) -> None:
    assert getattr(Settings(**{name: given}), name) == kept


REFUSED: list[tuple[str, str, str]] = [
    ("device", "gpu", "must be cpu, cuda, cuda:1, mps or auto"),
    ("device", "cuda:", "must be cpu"),
    ("device", "cuda:1000", "must be cpu"),
    ("device", "CPU", "must be cpu"),
    ("device", "cpu\n", "must be cpu"),
    ("model_store", "/models", "must be a URL such as s3://bucket/models, or empty"),
    ("model_store", "s3://", "must be a URL"),
    ("model_store", "s3:///models", "must be a URL"),
    ("model_store", "bucket/models", "must be a URL"),
    ("wrapped_backends", "*", "must name each backend in full, without a *"),
    ("wrapped_backends", "*.example:9090", "must name each backend in full"),
    ("generation_url", "api.example.org", "must be an address such as https://api.example.org/v1"),
    ("generation_url", "https://ann:s3cret@api.example.org", "without user, ? and #"),
    ("generation_url", "https://api.example.org/v1?key=s3cret", "without user, ? and #"),
    ("generation_url", "https://api.example.org/v1#x", "without user, ? and #"),
    ("generation_url", "https://api.example.org/v 1", "must be an address"),
    ("generation_url", "https://api.example.org/v1\x07x", "must be an address"),
    ("generation_url", "https://api.example.org/\udc80", "must be an address"),
    ("basic_auth_user", "two words", "must be of ASCII characters without spaces"),
    ("basic_auth_user", "ann\r\nX-Evil:1", "must be of ASCII characters without spaces"),
    ("webhook_secret", "größer", "must be of ASCII characters without spaces"),
    ("generation_key", "s3cret\x00", "must be of ASCII characters without spaces"),
    ("wrapped_auth_user", "a:b", "must not contain a colon"),
    ("control_weights", "mood", "CONTROL_WEIGHTS"),
    ("control_weights", "mood=-1", "CONTROL_WEIGHTS"),
    ("control_weights", "mood=nan,kind=1", "CONTROL_WEIGHTS"),
    ("target_domain", "source", "must be one of all, newest, or name a field"),
    ("target_domain", "source=", "must be one of all, newest"),
    ("target_domain", "a=b=c", "must name one field and one value"),
    ("target_domain", f"source={'x' * 101}", "names a value of 101 characters"),
    ("target_domain", "source=a\x1b", "must be one of all, newest"),
    ("log_level", "LOUD", "must be DEBUG, INFO, WARNING or ERROR"),
    ("log_format", "xml", "LOG_FORMAT"),
    ("fine_tune", "some", "FINE_TUNE"),
    ("blind", "perhaps", "must be true or false, not 'perhaps'"),
]


@pytest.mark.parametrize(("name", "given", "said"), REFUSED, ids=[ascii(row[:2])[:50] for row in REFUSED])
def test_a_value_that_cannot_be_is_refused_with_what_to_write(name: str, given: str, said: str) -> None:
    told = refused(**{name: given})
    assert told.startswith(f"{name.upper()}: ")
    assert said in told
    assert "s3cret" not in told


def test_user_and_password_come_together() -> None:
    together = Settings(basic_auth_user="ann", basic_auth_pass="pw")  # type: ignore[arg-type]
    assert together.basic_auth == ("ann", "pw")
    assert together.basic_authorization == "Basic YW5uOnB3"
    assert Settings().basic_auth is None
    assert Settings().basic_authorization is None
    for one in ({"basic_auth_user": "ann"}, {"basic_auth_pass": "pw"}):
        assert "set both BASIC_AUTH_USER and BASIC_AUTH_PASS, or neither" in refused(**one)
    said = refused(basic_auth_user="a:b", basic_auth_pass="pw")
    assert "must not contain a colon, which ends the user in basic auth" in said
    assert "set both" not in said


def test_weights_must_name_the_control_that_is_first() -> None:
    given = Settings(queue_control="mood", control_weights="mood=2,kind=1")
    assert given.weights == {"mood": 2.0, "kind": 1.0}
    assert given.queue_controls == ("mood", "mood", "kind")
    assert "does not name other, which QUEUE_CONTROL does" in refused(
        queue_control="other", control_weights="mood=2,kind=1"
    )


def test_every_fault_is_told_at_once() -> None:
    assert named(refused(port="x", folds="1", device="gpu")) == ["DEVICE", "FOLDS", "PORT"]
