"""A project of images on a real Label Studio: uploaded, from a web server, and from a real S3 server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from backend.demo.label_studio import LabelStudioServer
from backend.demo.project import DemoProject
from backend.encoders.lite0_weights import WEIGHTS
from tests import drawn
from tests.browser import Browser
from tests.conftest import RunningBackend, backends
from tests.content import FileServer, file_server
from tests.e2e.steps import wait_until
from tests.s3 import s3_server

pytestmark = pytest.mark.skipif(WEIGHTS.missing() is not None, reason=str(WEIGHTS.missing()))

CONFIG = (
    '<View><Image name="image" value="$image"/><Choices name="label" toName="image">'
    '<Choice value="disc"/><Choice value="bar"/></Choices></View>'
)
GOOD, LABELLED = drawn.files(57), 20


@dataclass
class Setting:
    studio: LabelStudioServer
    backend: RunningBackend
    web: FileServer
    s3: dict[str, str]

    @property
    def http(self) -> httpx.Client:
        return self.studio.admin.http

    def project(self, title: str) -> int:
        settings = {"title": title, "label_config": CONFIG, "sampling": "Uncertainty sampling"}
        return int(self._post("/api/projects", settings)["id"])

    def upload(self, project: int, files: dict[str, bytes]) -> None:
        given = {name: (name, content) for name, content in files.items()}
        self.http.post(f"/api/projects/{project}/import", files=given).raise_for_status()

    def from_bucket(self, project: int, bucket: str) -> None:
        storage = self._post(
            "/api/storages/s3",
            {
                "project": project,
                "bucket": bucket,
                "use_blob_urls": True,
                "presign": True,
                "aws_access_key_id": self.s3["AWS_ACCESS_KEY_ID"],
                "aws_secret_access_key": self.s3["AWS_SECRET_ACCESS_KEY"],
                "region_name": self.s3["AWS_DEFAULT_REGION"],
                "s3_endpoint": self.s3["AWS_ENDPOINT_URL"],
            },
        )
        self._post(f"/api/storages/s3/{storage['id']}/sync", {})

    def tasks(self, project: int) -> dict[int, str]:
        """By task, the name of its file."""
        query = {"project": project, "page_size": 1000, "fields": "all", "resolve_uri": "false"}
        found = self.http.get("/api/tasks", params=query).json()["tasks"]
        return {task["id"]: re.sub(r".*[/]([0-9a-f]{8}-)?", "", task["data"]["image"]) for task in found}

    def label(self, task: int, name: str) -> None:
        value = {"choices": [name.split("-")[0]]}
        region = {"from_name": "label", "to_name": "image", "type": "choices", "value": value}
        self._post(f"/api/tasks/{task}/annotations/", {"result": [region]})

    def _post(self, path: str, body: Any) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def setting(label_studio: LabelStudioServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("images")
    with file_server() as web, s3_server(folder) as s3, backends(label_studio, folder) as start:
        named = f"127.0.0.1:{web.port},{s3['AWS_ENDPOINT_URL'].removeprefix('http://')}"
        backend = start(CONTENT_HOSTS=named, CLEAR_AFTER="0", RETRAIN_EVERY="20", RETRAIN_WITHIN="300")
        yield Setting(label_studio, backend, web, s3)


def learned(setting: Setting, project_id: int) -> tuple[DemoProject, dict[int, str]]:
    """Connect, label the head of the queue, wait until it has another order. By task, its file."""
    names = setting.tasks(project_id)
    known = (project_id, list(names))
    project = DemoProject(setting.http, "images", ["disc", "bar"], [], known)
    project.connect(setting.backend.url)
    first = project.wait_for_version_after("", setting.backend.supervisor.check)
    order = [each.task for each in project.predictions(first)]
    assert set(order) == set(names)
    good = [task for task in order if names[task] in GOOD]
    assert len(good) == len(GOOD)
    assert set(order[len(good) :]) == set(names) - set(good)  # what cannot be had stands behind
    for task in good[:LABELLED]:
        setting.label(task, names[task])
    second = project.wait_for_version_after(first, setting.backend.supervisor.check)
    after = [each.task for each in project.predictions(second)]
    assert after != [task for task in order if task in after]
    return project, names


def guesses(setting: Setting, project: DemoProject) -> dict[int, str]:
    """By task, what Label Studio has stored of the version that it orders by."""
    version = project.model_version()
    raw = setting.http.get("/api/predictions", params={"project": project.id}).json()
    return {
        each["task"]: each["result"][0]["value"]["choices"][0]
        for each in raw
        if each["model_version"] == version and each["result"]
    }


def are_mostly_right(found: dict[int, str], names: dict[int, str]) -> bool:
    right = [names[task].startswith(guess) for task, guess in found.items()]
    return len(right) >= len(GOOD) - LABELLED and sum(right) > 0.8 * len(right)


def test_uploaded_images_are_ordered_and_guessed_and_broken_ones_cost_themselves_alone(
    setting: Setting,
) -> None:
    project_id = setting.project("uploaded")
    setting.upload(project_id, {**GOOD, **drawn.broken()})
    project, names = learned(setting, project_id)
    assert len(names) == 60
    found = guesses(setting, project)
    assert are_mostly_right(found, names)
    assert not [task for task in found if names[task] not in GOOD]
    log = setting.backend.log()
    assert "3 images cannot be had" in log
    assert all(reason in log for reason in ("cut off", "SVG", "web page"))
    served = setting.http.get(f"/api/projects/{project.id}/next").json()
    assert served["predictions"][0]["result"][0]["value"]["choices"][0] == found[served["id"]]


SHOWN = (
    "const image = [...document.querySelectorAll('img')].find(each => each.naturalWidth === 160);"
    "const labels = [...document.querySelectorAll('label')];"
    "const chosen = labels.filter(each => each.querySelector('input:checked'));"
    "const named = each => each.innerText.replace(/\\[\\w+\\]/, '').trim();"  # the hot key
    "const names = chosen.map(named).filter(Boolean);"  # other inputs of the page have none
    "return image && names.length ? names : null"
)
"""What is chosen on a page that shows one of our pictures."""
OPENED = "return window.Htx && Htx.annotationStore.selected && Htx.annotationStore.selected.type"


def test_a_browser_shows_the_guess_on_the_image(setting: Setting, chromium: Browser) -> None:
    """Where a task is opened, and in the stream of tasks, ready to be submitted."""
    project_id = setting.project("looked at")
    setting.upload(project_id, dict(list(GOOD.items())[:30]))
    names = setting.tasks(project_id)
    project = DemoProject(setting.http, "images", ["disc", "bar"], [], (project_id, list(names)))
    for task in list(names)[:LABELLED]:
        setting.label(task, names[task])
    project.connect(setting.backend.url)
    project.wait_for_version_after("", setting.backend.supervisor.check)
    found = guesses(setting, project)
    task = next(iter(found))
    chromium.go(f"{setting.studio.url}/projects/{project_id}/data?task={task}")
    assert chromium.wait(OPENED) in ("annotation", "prediction")
    assert chromium.wait(SHOWN) == [found[task]]
    chromium.go(f"{setting.studio.url}/projects/{project_id}/data?labeling=1")
    served = chromium.wait("return window.Htx && Htx.task && Number(Htx.task.id)")
    assert served in found
    assert chromium.wait(SHOWN) == [found[served]]


def test_an_unseen_upload_is_asked_of_a_worker_and_the_next_answer_has_it(setting: Setting) -> None:
    project_id = setting.project("unseen")
    setting.upload(project_id, dict(list(GOOD.items())[:30]))
    project = DemoProject(setting.http, "images", ["disc", "bar"], [], (project_id, []))
    names = setting.tasks(project_id)
    for task in list(names)[:LABELLED]:
        setting.label(task, names[task])
    project.connect(setting.backend.url)
    project.wait_for_version_after("", setting.backend.supervisor.check)
    setting.upload(project_id, {"disc-new.jpg": drawn.jpeg("disc", 1000)})
    (new,) = [task for task, name in setting.tasks(project_id).items() if name == "disc-new.jpg"]
    data = setting.http.get(f"/api/tasks/{new}/", params={"resolve_uri": "false"}).json()["data"]
    body = {"project": f"{project_id}.1", "label_config": CONFIG, "tasks": [{"id": new, "data": data}]}

    def is_answered() -> bool:
        (answer,) = httpx.post(f"{setting.backend.url}/predict", json=body, timeout=60).json()["results"]
        return "result" in answer

    wait_until(is_answered)
    wait_until(lambda: new in [each.task for each in project.predictions(project.model_version())])


def test_images_of_a_web_server_that_is_named(setting: Setting) -> None:
    setting.web.answers |= {f"/{name}": content for name, content in {**GOOD, **drawn.broken()}.items()}
    project_id = setting.project("from the web")
    tasks = [{"data": {"image": f"{setting.web.url}/{name}"}} for name in {**GOOD, **drawn.broken()}]
    setting.http.post(f"/api/projects/{project_id}/import", json=tasks).raise_for_status()
    project, names = learned(setting, project_id)
    assert are_mostly_right(guesses(setting, project), names)
    assert setting.web.authorizations == [None] * len(setting.web.asked)
    assert len([path for path, _ in setting.web.asked if path.removeprefix("/") in GOOD]) == len(GOOD)


def test_images_of_a_bucket_that_is_label_studios_storage(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    boto3 = pytest.importorskip("boto3")
    s3 = boto3.client(
        "s3",
        endpoint_url=setting.s3["AWS_ENDPOINT_URL"],
        aws_access_key_id=setting.s3["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=setting.s3["AWS_SECRET_ACCESS_KEY"],
        region_name=setting.s3["AWS_DEFAULT_REGION"],
    )
    s3.create_bucket(Bucket="pictures")
    for name, content in {**GOOD, **drawn.broken()}.items():
        s3.put_object(Bucket="pictures", Key=name, Body=content)
    project_id = setting.project("from a bucket")
    setting.from_bucket(project_id, "pictures")
    wait_until(lambda: len(setting.tasks(project_id)) == 60)
    project, names = learned(setting, project_id)
    assert are_mostly_right(guesses(setting, project), names)
