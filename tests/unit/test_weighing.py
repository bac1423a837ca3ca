"""Which weights a project's controls have: its connection's, else those of the settings."""

from __future__ import annotations

import pytest

from backend.jobs.weighing import weights_for
from backend.settings import Settings
from tests.unit.schemes import scheme, single

SCHEME = scheme(single("mood", "good", "bad"), single("topic", "tea", "rice"))
SETTINGS = Settings(control_weights="mood=2,topic=1")


def test_a_connection_that_names_none_has_those_of_the_settings() -> None:
    assert weights_for(SETTINGS, SCHEME, None) == {"mood": 2.0, "topic": 1.0}


def test_a_connections_own_come_before_those_of_the_settings() -> None:
    assert weights_for(SETTINGS, SCHEME, "mood=1,topic=3") == {"mood": 1.0, "topic": 3.0}
    assert weights_for(SETTINGS, SCHEME, "") == {}


@pytest.mark.parametrize("named", ["gone=1", "topic=1", "mood"])
def test_where_the_label_config_has_changed_under_them_the_settings_hold_and_it_is_said(
    named: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert weights_for(SETTINGS, SCHEME, named) == {"mood": 2.0, "topic": 1.0}
    assert "extra params: " in caplog.text
