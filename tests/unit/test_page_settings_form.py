"""A form's settings are read as people type them, or refused with what to type."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from backend.errors import AtlasError
from backend.jobs.page_links import Invited
from backend.pages import settings_form
from backend.pages.section import ProjectPage
from backend.pages.settings_form import BY_CONNECTION, BY_ENVIRONMENT, BY_PAGE, in_force, read_form
from backend.pages.visitor import Visitor, form_seal, is_sealed, sealed, unsealed
from backend.settings import Settings

COMPOSED = "margin within 20% by representative"
TYPED: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {}),
    ({"strategy": "", "blind": " "}, {}),
    ({"strategy": " margin "}, {"strategy": "margin"}),
    (
        {"strategy": "margin within 20% by representative"},
        {"strategy": "margin within 20% by representative"},
    ),
    ({"blind": "yes"}, {"blind": True}),
    ({"blind": "no"}, {"blind": False}),
    ({"audit_share": "5"}, {"audit_share": 0.05}),
    ({"audit_share": "2,5"}, {"audit_share": 0.025}),
    ({"audit_share": "0"}, {"audit_share": 0.0}),
    ({"goal_accuracy": "99.9"}, {"goal_accuracy": 0.999}),
    ({"seed": "7", "data_dir": "/etc"}, {}),
]


@pytest.mark.parametrize(("form", "values"), TYPED)
def test_what_is_typed_is_read(form: dict[str, str], values: dict[str, Any]) -> None:
    assert read_form(form) == pytest.approx(values)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"strategy": "best"}, "Strategy: "),
        ({"strategy": "<script>"}, "Strategy: "),
        ({"blind": "Yes"}, "Blind is yes or no."),
        ({"blind": "true"}, "Blind is yes or no."),
        *(
            ({"audit_share": typed}, "must be a number of percent, from 0 to less than 100.")
            for typed in (
                "100",
                "-1",
                "nan",
                "inf",
                "1e9",
                "five",
                "5 %",
                "1,000.5",
                "9" * 5_000,
                "0x5",
                "\x00",
            )
        ),
        ({"goal_accuracy": "100"}, "must be a number of percent"),
    ],
    ids=lambda value: str(value)[:40].replace("\x00", "NUL"),
)
def test_what_cannot_be_is_refused_in_a_short_sentence(form: dict[str, str], said: str) -> None:
    with pytest.raises(AtlasError) as refused:
        read_form(form)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 1_500


def force(
    monkeypatch: pytest.MonkeyPatch, by_page: dict[str, Any], connection: str | None = None, **settings: Any
) -> dict[str, settings_form.InForce]:
    monkeypatch.setattr(settings_form, "chosen", lambda settings, project: by_page)
    state = SimpleNamespace(strategy=connection)
    page = SimpleNamespace(id=3, state=state, settings=Settings(**settings))
    return {each.name: each for each in in_force(cast(ProjectPage, page))}


def test_a_strategy_is_the_connections_then_the_pages_then_the_environments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = force(monkeypatch, {"strategy": "margin"}, "entropy", strategy="atlas")["strategy"]
    assert (one.value, one.by, one.chosen) == ("entropy", BY_CONNECTION, "margin")
    assert [each for _, each in one.places] == ["entropy", "margin", "atlas"]
    two = force(monkeypatch, {"strategy": "margin"}, strategy="atlas")["strategy"]
    assert (two.value, two.by, two.chosen) == ("margin", BY_PAGE, "margin")
    three = force(monkeypatch, {}, strategy="atlas")["strategy"]
    assert (three.value, three.by, three.chosen) == ("atlas", BY_ENVIRONMENT, "")
    assert three.places[0] == (BY_CONNECTION, None)


@pytest.mark.parametrize(
    ("name", "value", "shown", "typed"),
    [
        ("blind", True, "yes", "yes"),
        ("blind", False, "no", "no"),
        ("audit_share", 0.05, "5", "5"),
        ("audit_share", 0.0, "0", "0"),
        ("audit_share", 0.025, "2.5", "2.5"),
        ("goal_accuracy", 0.0, "none", "0"),
        ("goal_accuracy", 0.95, "95", "95"),
    ],
)
def test_a_value_is_shown_as_it_is_said_and_typed_as_it_is_read(
    monkeypatch: pytest.MonkeyPatch, name: str, value: Any, shown: str, typed: str
) -> None:
    found = force(monkeypatch, {name: value})[name]
    assert (found.value, found.by, found.chosen) == (shown, BY_PAGE, typed)
    assert read_form({name: found.chosen}) == {name: pytest.approx(value)}


ANN = Invited("ann", True)


@pytest.mark.parametrize(
    "value",
    [
        "",
        ".",
        "a.b",
        "a",
        ".a.",
        "é.é",
        "\ud800.\ud800",
        "a.\ud800",
        "eyJ3aG8iOiAiYW5uIn0=.",
        "\x00",
        "." * 10_000,
    ],
    ids=ascii,
)
def test_a_cookie_that_we_did_not_seal_lets_nobody_in(value: str) -> None:
    assert unsealed("token", value) is None


def test_a_cookie_says_who_for_as_long_as_it_is_good_and_by_its_token_alone() -> None:
    value = sealed("token", Invited("a" * 10_000, False), now=0.0)
    found = unsealed("token", value, now=1.0)
    assert isinstance(found, Visitor)
    assert found.may_change is False
    assert len(found.who) < 200
    assert unsealed("other", value, now=1.0) is None
    assert unsealed("token", value[:-1], now=1.0) is None
    assert unsealed("token", f"A{value[1:]}", now=1.0) is None
    assert unsealed("token", value, now=10.0**9) is None


def test_a_forms_seal_is_one_visitors_alone() -> None:
    ann, ben = (unsealed("token", sealed("token", Invited(who, True))) for who in ("ann", "ben"))
    assert ann is not None
    assert ben is not None
    seal = form_seal("token", ann)
    assert is_sealed("token", ann, seal)
    assert not is_sealed("token", ben, seal)
    assert not is_sealed("other", ann, seal)
    assert not any(is_sealed("token", ann, given) for given in ("", seal[:-1], "\ud800", "é"))
