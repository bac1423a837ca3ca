"""Our class under both generations of label-studio-ml, called in every way their servers do."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from flask.testing import FlaskClient
from label_studio_ml.api import init_app
from label_studio_ml.model import LabelStudioMLManager, SimpleJobManager

import backend.model
from backend.errors import UnknownStrategy
from backend.store.locations import project_files
from backend.store.wrapped_predictions import WrappedPredictions
from backend.wrapped.prediction import WrappedPrediction, digest_of
from tests.fakes import label_studio_ml_2 as second
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.fakes.wrapped import FakeBackend, served


@pytest.fixture
def project(loop: Loop) -> FakeProject:
    """With a published model."""
    project = loop.create(12, labeled=4)
    loop.retrain(project)
    return project


def loaded_under(base: type, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """`backend.model`, made with this base class in label-studio-ml's place."""
    monkeypatch.setitem(sys.modules, "label_studio_ml.model", SimpleNamespace(LabelStudioMLBase=base))
    spec = importlib.util.spec_from_file_location("model_under_test", Path(backend.model.__file__))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(params=["2.x", "early 2.x"])
def under_2(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    early = request.param == "early 2.x"
    second.LabelStudioMLBase.CACHE.clear()
    module = loaded_under(second.EarlyBase if early else second.LabelStudioMLBase, monkeypatch)
    yield second.server(module.ActiveTransferModel, early=early).test_client()
    module._passing().close()


@pytest.fixture
def under_1(tmp_path: Path) -> Iterator[FlaskClient]:
    """The real server of 1.0.9."""
    backend.model._predictor.cache_clear()
    backend.model._passing.cache_clear()
    yield init_app(backend.model.ActiveTransferModel, model_dir=str(tmp_path / "models")).test_client()
    backend.model._passing().close()
    LabelStudioMLManager._current_model = {}


def setup_of(project: FakeProject, **more: Any) -> dict[str, Any]:
    config = project.settings["label_config"]
    return {
        "project": f"{project.id}.1795472207",
        "schema": config,
        "hostname": "",
        "access_token": "",
        **more,
    }


def predict_of(project: FakeProject) -> dict[str, Any]:
    tasks = [project.task_shown(task, whole=True) for task in project.tasks]
    params = {"login": None, "password": None, "context": None}
    config = project.settings["label_config"]
    return {"tasks": tasks, "project": f"{project.id}.1795472207", "label_config": config, "params": params}


def published(project: FakeProject) -> dict[int, float]:
    """Score by task of what Label Studio has."""
    current = project.settings["model_version"]
    return {each["task"]: each["score"] for each in project.predictions if each["model_version"] == current}


def scores(project: FakeProject, answer: Any) -> dict[int, float]:
    told = zip(project.tasks, answer.get_json()["results"], strict=True)
    known = published(project)
    return {task: item["score"] for task, item in told if task in known}


def event_of(project: FakeProject, action: str = "ANNOTATION_CREATED") -> dict[str, Any]:
    task = next(iter(project.tasks))
    return {"action": action, "project": project.shown(), "task": {"id": task}, "annotation": {"id": 1}}


def test_the_2x_server_is_told_the_published_version(under_2: FlaskClient, project: FakeProject) -> None:
    answer = under_2.post("/setup", json=setup_of(project))
    assert answer.get_json() == {"model_version": project.settings["model_version"]}


def test_the_2x_server_is_told_no_version_where_none_is_published(under_2: FlaskClient, loop: Loop) -> None:
    answer = under_2.post("/setup", json=setup_of(loop.create(3)))
    assert answer.get_json() == {"model_version": None}


def test_the_2x_server_predicts_from_the_published_model(under_2: FlaskClient, project: FakeProject) -> None:
    answer = under_2.post("/predict", json=predict_of(project))
    assert scores(project, answer) == published(project)


@pytest.mark.parametrize("event", ["ANNOTATION_CREATED", "START_TRAINING"])
def test_an_event_through_the_2x_server_queues_a_retrain(
    under_2: FlaskClient, project: FakeProject, loop: Loop, event: str
) -> None:
    answer = under_2.post("/webhook", json=event_of(project, event))
    assert (answer.status_code, answer.get_json()["result"]) == (201, {"job": f"retrain-{project.id}"})
    assert f"retrain-{project.id}" in loop.jobs()


def test_extra_params_of_a_connection_pass_through_the_2x_server(
    monkeypatch: pytest.MonkeyPatch, project: FakeProject
) -> None:
    model_class = loaded_under(second.LabelStudioMLBase, monkeypatch).ActiveTransferModel
    client = second.server(model_class).test_client()
    answer = client.post("/setup", json=setup_of(project, extra_params={"strategy": "margin"}))
    assert answer.get_json() == {"model_version": project.settings["model_version"]}
    with pytest.raises(UnknownStrategy, match="no such"):
        model_class(str(project.id)).set_extra_params({"strategy": "no such"})


@pytest.mark.parametrize("told", ["None", "", "5" * 5000, "²", "abc"])
def test_a_project_that_is_no_number_is_predicted_nothing(
    monkeypatch: pytest.MonkeyPatch, loop: Loop, told: str
) -> None:
    model_class = loaded_under(second.LabelStudioMLBase, monkeypatch).ActiveTransferModel
    assert model_class(told).predict([{"id": 1, "data": {"text": "x"}}], context={}) == []
    assert model_class(told).fit("START_TRAINING", {"project": {"id": told}}) == {}


def test_the_1x_server_sets_up_and_predicts(under_1: FlaskClient, project: FakeProject) -> None:
    assert under_1.post("/setup", json=setup_of(project)).status_code == 200
    answer = under_1.post("/predict", json=predict_of(project))
    assert scores(project, answer) == published(project)


def test_an_event_through_the_1x_server_queues_a_retrain(
    under_1: FlaskClient, project: FakeProject, loop: Loop, tmp_path: Path
) -> None:
    data = event_of(project)
    event = data.pop("action")
    # What its /webhook runs in a process of its own.
    manager = SimpleJobManager(model_dir=str(tmp_path / "models"))
    result = manager.job(backend.model.ActiveTransferModel, event, data, "1795472207")
    assert result == {"job": f"retrain-{project.id}"}
    assert f"retrain-{project.id}" in loop.jobs()
    assert under_1.post("/setup", json=setup_of(project)).status_code == 200  # with the job's result


def test_the_old_train_route_of_the_1x_server_queues_a_retrain(project: FakeProject, loop: Loop) -> None:
    model = backend.model.ActiveTransferModel(label_config=project.settings["label_config"], train_output={})
    tasks = (project.task_shown(task, whole=True) for task in project.tasks)
    assert model.fit(tasks, None) == {"job": f"retrain-{project.id}"}
    assert model.fit(iter(()), "/some/folder") == {}


def test_the_class_says_the_published_version_itself(project: FakeProject) -> None:
    backend.model._predictor.cache_clear()
    model = backend.model.ActiveTransferModel(str(project.id), project.settings["label_config"])
    assert model.model_version == project.settings["model_version"]


@pytest.fixture
def theirs(loop: Loop, project: FakeProject) -> Iterator[FakeBackend]:
    """What the project wraps."""
    with served() as theirs:
        loop.set(wrapped_backends=theirs.url.removeprefix("http://"))
        loop.state(project).wraps = theirs.url
        yield theirs


def answers(project: FakeProject, client: FlaskClient) -> list[Any]:
    found: list[Any] = client.post("/predict", json=predict_of(project), buffered=True).get_json()["results"]
    return [(each["model_version"], each["result"]) for each in found]


def test_behind_the_2x_server_a_wrapped_backend_answers(
    under_2: FlaskClient, project: FakeProject, theirs: FakeBackend, loop: Loop
) -> None:
    said = project.settings["model_version"], theirs.said({})["result"]
    assert answers(project, under_2) == [said] * len(project.tasks)
    sent = [body["project"] for body in theirs.bodies("/predict")]
    assert set(sent) == {str(project.id)}  # all that 2.x tells its class
    under_2.post("/webhook", json=event_of(project))
    assert {f"forward-{project.id}", f"retrain-{project.id}"} <= loop.jobs()


def test_behind_the_1x_server_a_wrapped_backend_answers(
    under_1: FlaskClient, project: FakeProject, theirs: FakeBackend
) -> None:
    assert under_1.post("/setup", json=setup_of(project)).status_code == 200
    said = project.settings["model_version"], theirs.said({})["result"]
    assert answers(project, under_1) == [said] * len(project.tasks)


def test_basic_auth_that_nobody_checks_there_opens_nothing_that_is_kept(
    under_1: FlaskClient, project: FakeProject, theirs: FakeBackend, loop: Loop
) -> None:
    """Servers of label-studio-ml let in whom they like, whatever BASIC_AUTH_USER says."""
    loop.set(basic_auth_user="atlas", basic_auth_pass="s3cret")
    under_1.post("/setup", json=setup_of(project))
    files = project_files(loop.settings, project.id)
    kept, *_ = project.tasks
    told = WrappedPrediction(
        kept, "theirs", ({"value": {"choices": ["kept"]}},), 0.9, 1.0, digest_of({"a": 1})
    )
    WrappedPredictions(files).add([told])
    answers(project, under_1)  # brings other data
    tasks = [{"id": number, "project": project.id, "data": {}} for number in (kept, 2**63)]
    body = predict_of(project) | {"tasks": tasks}
    known, unknown = under_1.post("/predict", json=body, buffered=True).get_json()["results"]
    assert "kept" not in str(known)
    assert unknown == []
    backend.model._passing().close()  # ends once what is to be kept is kept
    assert set(WrappedPredictions(files).newest(project.tasks)) == {kept}


def test_the_2x_server_refuses_what_is_no_address_and_tells_nobody_which_may_be_wrapped(
    monkeypatch: pytest.MonkeyPatch, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    model_class = loaded_under(second.LabelStudioMLBase, monkeypatch).ActiveTransferModel
    with pytest.raises(UnknownStrategy, match="no address of a backend"):
        model_class("1").set_extra_params({"wraps": "stranger:9090"})
    model_class("1").set_extra_params({"wraps": "http://stranger:9090"})
    assert "WRAPPED_BACKENDS does not name stranger:9090" in caplog.text
