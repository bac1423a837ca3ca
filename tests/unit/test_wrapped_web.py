"""/predict of a project that wraps another ML backend: kept answers, else its own, at nobody's cost."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from backend.jobs.wrapped_pull import pull_wrapped
from backend.jobs.wrapped_state import WrappedState
from backend.passing_through import PassingThrough, PassSlots
from backend.store.locations import project_files
from backend.store.reason import AUDIT
from backend.store.served import ServedHeads
from backend.store.wrapped_predictions import WrappedPredictions
from backend.web import create_app
from tests.fakes.loop import Loop
from tests.fakes.project import CONFIG, FakeProject
from tests.fakes.wrapped import FakeBackend, served
from tests.unit.test_wrapped_pull import said, wrapping


@pytest.fixture
def theirs(loop: Loop) -> Iterator[FakeBackend]:
    with served() as backend:
        backend.answers["/predict"] = lambda body: {"results": [said(task) for task in body["tasks"]]}
        loop.set(wrapped_backends=backend.url.removeprefix("http://"), wrapped_rate=1e6, queue_head=4)
        yield backend


@pytest.fixture
def client(loop: Loop, theirs: FakeBackend) -> Iterator[FlaskClient]:
    app = create_app(loop.settings)
    yield app.test_client()
    app.extensions["passing"].close()


def predict(client: FlaskClient, project: FakeProject, *ids: int, context: Any = None) -> list[Any]:
    tasks = [project.tasks.get(i, {"id": i, "data": {"text": "new"}}) for i in ids]
    body = {"tasks": tasks, "project": f"{project.id}.17", "label_config": CONFIG}
    answer = client.post("/predict", json={**body, "params": {"context": context}}, buffered=True)
    assert answer.status_code == 200
    found: list[Any] = answer.get_json()["results"]
    return found


def test_what_is_kept_is_answered_under_our_version_and_in_our_order(
    loop: Loop, theirs: FakeBackend, client: FlaskClient
) -> None:
    project = wrapping(loop, theirs)
    loop.retrain(project)
    pull_wrapped(project.id)
    before = len(theirs.bodies("/predict"))
    version = loop.versions(project).load(str(project.settings["model_version"]))
    queue = version.queue_ids.tolist()
    found = predict(client, project, *queue)
    assert {each["model_version"] for each in found} == {version.name}
    assert [each["result"] for each in found] == [said({"id": 1})["result"]] * 40
    scores = [each["score"] for each in found]
    assert scores == sorted(set(scores))
    assert len(theirs.bodies("/predict")) == before


def test_tasks_drawn_at_random_show_no_guess_of_the_wrapped_backend_and_judge_it(
    loop: Loop, theirs: FakeBackend, client: FlaskClient
) -> None:
    loop.set(audit_share=0.4, queue_head=20)
    project = wrapping(loop, theirs)
    pull_wrapped(project.id)
    loop.state(project).want_version()
    name = loop.retrain(project)["model_version"]
    version = loop.versions(project).load(name)
    heads = ServedHeads(project_files(loop.settings, project.id)).read(name) or {}
    drawn = [task for task, reason in heads.items() if reason.how == AUDIT]
    assert drawn
    assert set(drawn) < version.silent
    empty = {each["task"] for each in project.predictions if not each["result"]}
    assert version.silent <= empty
    assert [each["result"] for each in predict(client, project, *drawn)] == [[]] * len(drawn)
    under_hand = predict(client, project, drawn[0], context={"result": []})
    assert under_hand[0]["result"]  # an annotator asked for it
    for task in loop.queue(project)[:16]:
        loop.label(project, task)
    told = loop.retrain(project)["estimate"]
    assert told["audited"] >= 3
    assert told["agreement"]["low"] < told["agreement"]["value"] < told["agreement"]["high"]


KNOWN = {"basic_auth_user": "atlas", "basic_auth_pass": "s3cret"}


def test_what_is_not_kept_is_asked_for_as_label_studio_would_and_kept(
    loop: Loop, theirs: FakeBackend
) -> None:
    project = wrapping(loop, theirs)
    loop.set(**KNOWN)
    app = create_app(loop.settings)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = loop.settings.basic_authorization or ""
    (one,) = predict(client, project, 900)
    assert one["result"] == said({"id": 1})["result"]
    assert 0 < one["score"] < 1
    body = theirs.bodies("/predict")[-1]
    assert (body["project"], body["label_config"]) == (f"{project.id}.17", CONFIG)
    assert [task["id"] for task in body["tasks"]] == [900]
    app.extensions["passing"].close()  # ends once what is to be kept is kept
    assert set(WrappedPredictions(project_files(loop.settings, project.id)).newest([900])) == {900}


def test_who_does_not_bring_a_tasks_data_is_not_told_what_is_kept_of_it_and_plants_nothing(
    loop: Loop, theirs: FakeBackend, client: FlaskClient
) -> None:
    """Without basic auth anybody may ask."""
    project = wrapping(loop, theirs)
    pull_wrapped(project.id)
    task, *_ = project.tasks
    theirs.answers["/predict"] = lambda body: {"results": [said(body["tasks"][0], "disaster")]}
    body = {"tasks": [{"id": task, "data": {"text": "another"}}], "project": f"{project.id}.17"}
    answer = client.post("/predict", json={**body, "label_config": CONFIG}).get_json()["results"]
    assert answer[0]["result"][0]["value"] == {"choices": ["disaster"]}
    assert predict(client, project, task)[0]["result"][0]["value"] == {"choices": ["other"]}


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**400])
def test_a_tasks_number_beyond_64_bits_has_no_answer(
    loop: Loop, theirs: FakeBackend, client: FlaskClient, number: int
) -> None:
    assert predict(client, wrapping(loop, theirs), number) == []


def test_what_an_annotator_draws_is_passed_straight_through_and_not_kept(
    loop: Loop, theirs: FakeBackend, client: FlaskClient
) -> None:
    project = wrapping(loop, theirs)
    loop.retrain(project)
    pull_wrapped(project.id)
    task = next(iter(project.tasks))
    context = {"result": [{"id": "x", "value": {"start": 1}}]}
    theirs.answers["/predict"] = lambda body: {"results": [said(body["tasks"][0], "disaster")]}
    (one,) = predict(client, project, task, context=context)
    assert one["result"][0]["value"] == {"choices": ["disaster"]}
    assert theirs.bodies("/predict")[-1]["params"]["context"] == context
    assert predict(client, project, task)[0]["result"][0]["value"] == {"choices": ["other"]}


GARBAGE: dict[str, Any] = {
    "html": (200, b"<html>502</html>"),
    "empty": (200, b""),
    "error": (500, b"Traceback"),
    "refusal": (401, b"who"),
    "no results": {"error": "no model"},
    "null": {"results": None},
    "short": {"results": []},
    "long": {"results": [{"result": []}] * 5},
    "null item": {"results": [None, None]},
    "text": {"results": ["yes", {"result": "yes"}]},
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_is_no_prediction_and_no_fault_of_ours(
    loop: Loop, theirs: FakeBackend, client: FlaskClient, kind: str
) -> None:
    project = wrapping(loop, theirs)
    theirs.answers["/predict"] = lambda body: GARBAGE[kind]
    assert predict(client, project, 900, 901) in ([], [[], []])


def test_one_that_is_down_is_not_waited_for_again_and_again(
    loop: Loop, theirs: FakeBackend, client: FlaskClient
) -> None:
    project = wrapping(loop, theirs)
    loop.set(wrapped_timeout=1)
    quick = create_app(loop.settings)
    theirs.hanging.set()
    assert predict(quick.test_client(), project, 900) == []
    before = len(theirs.bodies("/predict"))
    assert predict(quick.test_client(), project, 901) == []
    assert len(theirs.bodies("/predict")) == before
    failure = WrappedState(loop.redis, project.id).failure
    assert failure is not None
    assert "does not answer within" in failure.said


def test_a_hanging_backend_costs_other_projects_nothing(
    loop: Loop, theirs: FakeBackend, client: FlaskClient
) -> None:
    hung = wrapping(loop, theirs)
    with served() as other:
        other.answers["/predict"] = theirs.answers["/predict"]
        hosts = f"{theirs.url},{other.url}".replace("http://", "")
        loop.set(wrapped_backends=hosts)
        app = create_app(loop.settings)
        wraps, plain = wrapping(loop, other), loop.create(20, labeled=10)
        loop.retrain(plain)
        theirs.hanging.set()
        before = len(theirs.bodies("/predict"))
        answers: list[list[Any]] = []

        def ask(number: int) -> None:
            answers.append(predict(app.test_client(), hung, 900 + number))

        threads = [threading.Thread(target=ask, args=(number,), daemon=True) for number in range(10)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 30
        while len(answers) < 7 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert answers == [[]] * 7
        assert len(theirs.bodies("/predict")) - before == 3
        assert predict(app.test_client(), wraps, 900)[0]["result"]
        assert len(predict(app.test_client(), plain, *plain.tasks)) == 20
        theirs.release()
        for thread in threads:
            thread.join(30)
        assert sum(map(len, answers)) == 3
        app.extensions["passing"].close()


def test_where_there_are_few_threads_none_is_lent_to_wrapped_backends() -> None:
    with PassSlots(1).one("http://a") as free:
        assert not free
    slots = PassSlots(16)
    with slots.one("a") as one, slots.one("a") as two, slots.one("a") as three, slots.one("a") as four:
        assert (one, two, three, four) == (True, True, True, False)
        with slots.one("b") as other:
            assert other
    with slots.one("a") as again:
        assert again


def test_set_up_and_versions_are_answered_by_us_without_asking_it(
    loop: Loop, theirs: FakeBackend, client: FlaskClient
) -> None:
    project = wrapping(loop, theirs)
    loop.retrain(project)
    theirs.asked.clear()
    loop.state(project).note_changes(0)
    body = {"project": f"{project.id}.179", "schema": CONFIG, "extra_params": {"wraps": theirs.url}}
    answer = client.post("/setup", json=body)
    assert answer.get_json() == {"model_version": project.settings["model_version"]}
    assert project.settings["model_version"] in client.get("/versions").get_json()["versions"]
    assert theirs.asked == []
    assert WrappedState(loop.redis, project.id).project == f"{project.id}.179"


def set_up(loop: Loop, wraps: str) -> tuple[int, str]:
    """Status and text of the answer to /setup of a project that is to wrap that."""
    project = loop.create(4)
    body = {"project": f"{project.id}.179", "schema": CONFIG, "extra_params": {"wraps": wraps}}
    auth = ("ls", "secret") if loop.settings.basic_authorization else None
    answer = create_app(loop.settings).test_client().post("/setup", json=body, auth=auth)
    return answer.status_code, answer.get_data(as_text=True)


def test_set_up_tells_whoever_has_credentials_that_an_address_is_not_allowed(loop: Loop) -> None:
    loop.set(basic_auth_user="ls", basic_auth_pass="secret", wrapped_backends="yolo:9090")
    status, said = set_up(loop, "http://stranger:9090")
    assert (status, "WRAPPED_BACKENDS does not name stranger:9090" in said) == (400, True)
    assert set_up(loop, "http://yolo:9090")[0] == 200


def test_strangers_do_not_learn_which_backends_may_be_wrapped(
    loop: Loop, capsys: pytest.CaptureFixture[str]
) -> None:
    loop.set(wrapped_backends="yolo:9090")
    assert set_up(loop, "http://stranger:9090") == set_up(loop, "http://yolo:9090") == (200, "{}\n")
    assert "WRAPPED_BACKENDS does not name stranger:9090" in capsys.readouterr().err


@pytest.mark.parametrize("user", ["", "ls"])
def test_set_up_refuses_what_is_no_address_and_says_why(loop: Loop, user: str) -> None:
    if user:
        loop.set(basic_auth_user=user, basic_auth_pass="secret")
    status, said = set_up(loop, "yolo:9090")
    assert (status, "extra params: " in said) == (400, True)


def wraps(passing: PassingThrough, project: FakeProject) -> str | None:
    standing = passing.standing(project.id)
    return standing and standing.wraps


def test_without_redis_it_is_still_known_what_a_project_wraps(
    loop: Loop, theirs: FakeBackend, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = wrapping(loop, theirs)
    passing: PassingThrough = client.application.extensions["passing"]
    assert wraps(passing, project) == theirs.url
    loop.set(redis_url="redis://127.0.0.1:1/0")
    away = create_app(loop.settings).extensions["passing"]
    assert away.standing(project.id) is None
    monkeypatch.setattr(passing, "_dispatcher", away._dispatcher)
    assert wraps(passing, project) == theirs.url
