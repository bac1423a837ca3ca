"""Who may look at the pages, who may change something, and what browsers of others cannot do."""

from __future__ import annotations

import logging
from base64 import b64encode
from io import BytesIO
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from redis import Redis
from werkzeug.test import TestResponse

from backend.jobs.page_links import Invited, make_link
from backend.jobs.state import ProjectState
from backend.pages import sections
from backend.pages.rendering import POLICY
from backend.pages.section import Section
from backend.pages.visitor import SESSION_SECONDS, sealed, unsealed
from backend.settings import Settings
from backend.store.page_token import FILE, new_page_token, page_token
from backend.web import create_app
from tests.entering import entered, press_enter

BASIC = {"basic_auth_user": "atlas", "basic_auth_pass": "pa55:word"}
BASIC_HEADER = {"Authorization": "Basic " + b64encode(b"atlas:pa55:word").decode()}
MAY = Invited("ana", True)
LOOKS = Invited("ben", False)
ADDRESS = "/projects/7/tried/do"


@pytest.fixture
def settings(session_redis: str, redis: Redis, tmp_path: Path) -> Settings:
    (tmp_path / "data" / "projects" / "7").mkdir(parents=True)
    return Settings(redis_url=session_redis, data_dir=tmp_path / "data")


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a section of the test's was asked to do."""
    asked: list[str] = []

    def act(page: object, form: object) -> str:
        asked.append("done")
        return "It is <b>done</b>."

    tried = Section("tried", "Tried", lambda page: {}, {"do": act})
    monkeypatch.setattr(sections, "SECTIONS", (*sections.SECTIONS, tried))
    return asked


def open_by(settings: Settings, invited: Invited) -> FlaskClient:
    return entered(settings, invited)


def seal_in(answer: TestResponse) -> str:
    return answer.text.split('name="seal" value="')[1].split('"')[0]


def seal_of(client: FlaskClient) -> str:
    return seal_in(client.get("/projects"))


@pytest.mark.parametrize("path", ["/projects", "/projects/7", "/projects/8", "/projects/7/now/any"])
def test_strangers_get_a_form_and_no_word_of_any_project(settings: Settings, path: str) -> None:
    client = create_app(settings).test_client()
    for answer in (client.get(path), client.get(path, headers={"Cookie": "atlas-00000000=e30.00"})):
        assert answer.status_code == 401
        assert (answer.headers["Content-Security-Policy"], answer.mimetype) == (POLICY, "text/html")
        assert "<form" in answer.text
        assert "Project 7" not in answer.text


def test_the_token_lies_beside_the_models_for_its_owner_alone(settings: Settings) -> None:
    token = page_token(settings.data_dir)
    assert (settings.data_dir / FILE).stat().st_mode & 0o777 == 0o600
    assert page_token(settings.data_dir) == token
    assert len(token) > 40


def test_a_link_is_good_for_once(settings: Settings, redis: Redis) -> None:
    link = make_link(redis, settings, MAY)
    first, second = create_app(settings).test_client(), create_app(settings).test_client()
    answer = press_enter(first, link)
    cookie = answer.headers["Set-Cookie"]
    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects")
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Strict", "Path=/projects"))
    assert second.get(link).status_code == press_enter(second, link).status_code == 401
    assert first.get("/projects").status_code == 200
    assert second.get("/projects").status_code == 401


def test_whoever_looks_ahead_at_a_link_spends_nothing(settings: Settings, redis: Redis) -> None:
    link = make_link(redis, settings, MAY)
    client = create_app(settings).test_client()
    for answer in (client.head(link), client.get(link), client.get(link)):
        assert (answer.status_code, answer.headers["Content-Security-Policy"]) == (200, POLICY)
        assert "Set-Cookie" not in answer.headers
    assert MAY.who not in answer.text
    assert press_enter(client, link).status_code == 303


def test_another_sites_form_lets_nobody_in_under_its_own_name(settings: Settings, redis: Redis) -> None:
    link, elsewhere = make_link(redis, settings, MAY), {"Sec-Fetch-Site": "cross-site"}
    client = create_app(settings).test_client()
    sent = {"code": link.split("code=")[1]}
    assert client.post("/projects/enter", data=sent, headers=elsewhere).status_code == 403
    assert client.post("/projects/enter", data=sent).status_code == 303


@pytest.mark.parametrize(
    ("label_studio", "mine"),
    [("http://localhost:8080", "127.0.0.1"), ("http://127.0.0.1:8080", "localhost")],
)
def test_the_link_of_this_machine_has_another_host_than_label_studio(
    settings: Settings, redis: Redis, label_studio: str, mine: str
) -> None:
    """So that neither is sent the other's cookies."""
    settings = settings.model_copy(update={"label_studio_url": label_studio})
    assert make_link(redis, settings, MAY).startswith(f"http://{mine}:{settings.port}/projects/enter?")


def test_the_token_itself_lets_in_and_a_wrong_one_does_not(settings: Settings) -> None:
    client, token = create_app(settings).test_client(), page_token(settings.data_dir)
    for wrong in ("", token[:-1], token + "x", "é"):
        assert client.post("/projects/enter", data={"token": wrong}).status_code == 401
    assert client.post("/projects/enter", data={"token": token, "who": "<i>ana"}).status_code == 303
    assert "&lt;i&gt;ana" in client.get("/projects").text


@pytest.mark.parametrize("value", ["x" * 20_000, (BytesIO(b"x" * 20_000), "a.txt")])
def test_a_stranger_cannot_send_a_large_form(settings: Settings, value: object) -> None:
    answer = create_app(settings).test_client().post("/projects/enter", data={"token": value})
    assert answer.status_code == 413


def test_a_stranger_is_not_told_where_the_token_lies(settings: Settings) -> None:
    (settings.data_dir / FILE).write_text("short")
    answer = create_app(settings).test_client().get("/projects")
    assert answer.status_code == 503
    assert str(settings.data_dir) not in answer.text


def test_a_new_token_ends_all_that_the_old_one_let_in(settings: Settings) -> None:
    client = open_by(settings, MAY)
    new_page_token(settings.data_dir)
    assert client.get("/projects").status_code == 401


def test_cookies_are_believed_for_a_month_and_only_as_they_were_sealed() -> None:
    value = sealed("t" * 40, LOOKS, now=1000.0)
    found = unsealed("t" * 40, value, now=1000.0 + SESSION_SECONDS - 1)
    assert found is not None
    assert (found.who, found.may_change) == ("ben", False)
    assert unsealed("t" * 40, value, now=1000.0 + SESSION_SECONDS + 2) is None
    assert unsealed("u" * 40, value, now=1000.0) is None
    body, _, signature = value.partition(".")
    for wrong in ("", ".", f"{body}.", f"{body}x.{signature}", f"é.{signature}", signature):
        assert unsealed("t" * 40, wrong, now=1000.0) is None


def test_basic_auth_lets_in_with_both_rights_and_is_asked_for(settings: Settings, done: list[str]) -> None:
    given = Settings(**BASIC).model_dump(include=set(BASIC))
    client = create_app(settings.model_copy(update=given)).test_client()
    asked = client.get("/projects")
    assert (asked.status_code, asked.headers["WWW-Authenticate"][:5]) == (401, "Basic")
    seal = seal_in(client.get("/projects", headers=BASIC_HEADER))
    assert client.post(ADDRESS, data={"seal": seal}, headers=BASIC_HEADER).status_code == 303
    assert client.post(ADDRESS, data={"seal": ""}, headers=BASIC_HEADER).status_code == 403
    assert done == ["done"]


def test_a_change_is_made_once_told_once_and_logged_with_who(
    settings: Settings, done: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    client = open_by(settings, MAY)
    logging.getLogger("backend.pages").addHandler(caplog.handler)
    answer = client.post(ADDRESS, data={"seal": seal_of(client)})
    logging.getLogger("backend.pages").removeHandler(caplog.handler)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/projects/7#tried")
    assert any("ana" in line and "done" in line for line in caplog.messages)
    assert "It is &lt;b&gt;done&lt;/b&gt;." in client.get("/projects").text
    assert "It is" not in client.get("/projects").text
    assert done == ["done"]


def test_nothing_is_changed_in_a_project_that_is_disconnected(
    settings: Settings, redis: Redis, done: list[str]
) -> None:
    client = open_by(settings, MAY)
    seal = seal_of(client)
    ProjectState(redis, 7).disconnected = True
    answer = client.post(ADDRESS, data={"seal": seal})
    assert answer.status_code == 400
    assert "label-studio-atlas connect" in answer.text
    assert not done


def test_who_may_look_may_not_change(settings: Settings, done: list[str]) -> None:
    client = open_by(settings, LOOKS)
    assert client.post(ADDRESS, data={"seal": seal_of(client)}).status_code == 403
    assert not done


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_on_another_site_changes_nothing_even_with_our_seal(
    settings: Settings, done: list[str], headers: dict[str, str]
) -> None:
    client = open_by(settings, MAY)
    assert client.post(ADDRESS, data={"seal": seal_of(client)}, headers=headers).status_code == 403
    assert not done


def test_a_form_without_our_seal_changes_nothing(settings: Settings, done: list[str]) -> None:
    client, another = open_by(settings, MAY), open_by(settings, MAY)
    for seal in ("", "0" * 64, "é", seal_of(another)):
        assert client.post(ADDRESS, data={"seal": seal}).status_code == 403
    assert not done


def test_leaving_ends_it(settings: Settings) -> None:
    client = open_by(settings, LOOKS)
    assert client.post("/projects/leave", data={"seal": seal_of(client)}).status_code == 200
    assert client.get("/projects").status_code == 401


def test_a_section_that_fails_leaves_the_others(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(page: object) -> dict[str, object]:
        raise ValueError("secret")

    before = len(sections.SECTIONS)
    monkeypatch.setattr(sections, "SECTIONS", (Section("now", "Broken", fail), *sections.SECTIONS))
    shown = open_by(settings, MAY).get("/projects/7")
    assert shown.status_code == 200
    assert "ValueError" in shown.text
    assert "secret" not in shown.text
    assert shown.text.count("<h2") == 1 + before


def test_what_cannot_be_a_projects_number_is_no_page(settings: Settings) -> None:
    client = open_by(settings, MAY)
    assert client.get(f"/projects/{'9' * 300}").status_code == 404
    headers = {"Origin": "http://["}
    assert client.post("/projects/leave", data={"seal": "x"}, headers=headers).status_code == 403


def test_what_is_not_there_is_a_page_too(settings: Settings) -> None:
    client = open_by(settings, MAY)
    for path in ("/projects/9", "/projects/7/now/nothing", "/projects/7/none/x"):
        answer = client.get(path)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")


def test_without_redis_the_page_says_so(tmp_path: Path) -> None:
    app = create_app(Settings(redis_url="redis://localhost:1", data_dir=tmp_path)).test_client()
    assert app.post("/projects/enter", data={"token": page_token(tmp_path)}).status_code == 303
    answer = app.get("/projects")
    assert (answer.status_code, answer.mimetype) == (503, "text/html")


def test_styles_are_open_and_run_nothing(settings: Settings) -> None:
    answer = create_app(settings).test_client().get("/projects/static/pages.css")
    assert (answer.status_code, answer.mimetype) == (200, "text/css")
    answer.close()
