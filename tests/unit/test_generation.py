"""A model that the operator names writes drafts for a <TextArea>: of the head of the queue, each text once,
within a day's bound, and the queue goes where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from backend.jobs.foreign import FRONT
from backend.jobs.generation_day import DAY, GenerationDay
from backend.jobs.keys import generation_key
from backend.jobs.wrapped_job import NOT_CONFIGURED
from backend.jobs.wrapped_pull import GIVEN_BACK, pull_wrapped
from backend.jobs.wrapped_state import WrappedState
from backend.store.locations import project_files
from backend.store.wrapped_access import WrappedAccess, forget_access, keep_access
from backend.store.wrapped_predictions import WrappedPredictions
from backend.web import create_app
from tests.fakes.chat import KEY, FakeChat, chat_served, text_in
from tests.fakes.drafts import CONFIG, Drafts, answer, contents, draft, name_model, written
from tests.fakes.loop import Loop

IMAGES = CONFIG.replace("<Text name", "<Image name")


@pytest.fixture
def chat(loop: Loop) -> Iterator[FakeChat]:
    with chat_served(written) as served:
        name_model(loop, served, queue_head=10)
        yield served


def drafts(loop: Loop, count: int = 30) -> Drafts:
    return Drafts.made(loop, contents(count, 0.2, seed=0))


def test_the_head_alone_is_written_and_shown(loop: Loop, chat: FakeChat) -> None:
    made = drafts(loop)
    assert chat.texts == []  # no publication asks it
    assert set(made.shown().values()) == {""}
    done = pull_wrapped(made.project.id)
    head = loop.queue(made.project)[:10]
    assert chat.texts == [made.text(task) for task in head]
    assert (done["asked"], done["said"], done["wait"]) == (10, 10, None)
    assert f"retrain-{made.project.id}" in loop.jobs()
    loop.retrain(made.project)
    found = {task: text for task, text in made.shown().items() if task in head}
    assert found
    assert found == {task: written(made.text(task))[0] for task in found}
    shown = next(each for each in made.project.predictions if each["result"])
    assert 0.6 <= shown["result"][0]["score"] <= 0.9


def test_no_more_than_what_is_served_until_the_next_order_is_written(loop: Loop, chat: FakeChat) -> None:
    loop.set(queue_head=200)
    made = drafts(loop, 60)
    pull_wrapped(made.project.id)
    assert len(chat.texts) == FRONT
    for _ in range(3):  # without a label its own answers call for one more order, and no other
        loop.redis.delete(f"rq:job:retrain-{made.project.id}")
        loop.redis.delete(f"rq:queue:{loop.dispatcher.queue.name}")
        loop.retrain(made.project)
        pull_wrapped(made.project.id)
    assert f"retrain-{made.project.id}" not in loop.jobs()


def test_orders_that_anybody_may_ask_for_cost_two_heads_until_there_are_other_labels(
    loop: Loop, chat: FakeChat
) -> None:
    loop.set(queue_head=4, strategy="random")
    made = drafts(loop, 60)
    client = create_app(loop.settings).test_client()
    heads = set[int]()
    for turn in range(5):
        loop.set(seed=turn)  # stands for whatever makes an order another one
        assert client.post("/train", json={"project": f"{made.project.id}.17"}).status_code == 201
        loop.retrain(made.project)
        done = pull_wrapped(made.project.id)
        assert done["wait"] is None  # else it would be asked for itself without an end
        heads |= set(loop.queue(made.project)[:4])
    assert len(heads) > 8
    assert len(chat.texts) == 8
    made.label(5)
    loop.retrain(made.project)
    pull_wrapped(made.project.id)
    assert 8 < len(chat.texts) <= 12


def test_each_text_is_sent_once_to_each_model(loop: Loop, chat: FakeChat) -> None:
    made = drafts(loop)
    made.go_on()
    before = list(chat.texts)
    assert len(before) == len(set(before))
    state = WrappedState(loop.redis, made.project.id)
    state.asks_anew()
    loop.redis.hdel(f"atlas:project:{made.project.id}:wrapped", "version")
    WrappedPredictions(project_files(loop.settings, made.project.id)).forget()
    pull_wrapped(made.project.id)
    again = chat.texts[len(before) :]
    assert not set(again) & set(before)
    loop.set(generation_prompt="Translate.")  # another task for the model is another model
    state.asks_anew()
    sent = len(chat.texts)
    pull_wrapped(made.project.id)
    assert set(chat.texts[sent:]) & set(before)
    assert chat.bodies("/v1/chat/completions")[-1]["messages"][0]["content"].startswith("Translate.")
    loop.set(generation_prompt="")
    state.asks_anew()
    sent = len(chat.texts)
    pull_wrapped(made.project.id)
    assert chat.texts[sent:] == []


def test_a_days_bound_ends_it_and_the_order_goes_on(loop: Loop, chat: FakeChat) -> None:
    loop.set(generation_per_day=3)
    made = drafts(loop)
    done = pull_wrapped(made.project.id)
    assert len(chat.texts) == 3
    assert "today's 3 texts are used up" in done["overtaken"]
    assert 0 < done["wait"] <= DAY
    assert WrappedState(loop.redis, made.project.id).failure is None
    before = made.project.settings["model_version"]
    made.label(5)
    assert loop.retrain(made.project)["published"]
    assert made.project.settings["model_version"] != before
    pull_wrapped(made.project.id)
    assert len(chat.texts) == 3


def test_the_day_is_redis_and_outlives_whoever_counts(loop: Loop) -> None:
    day = GenerationDay(loop.redis, 2)
    day.take()
    assert GenerationDay(loop.redis, 2).taken == 1
    today = loop.redis.time()[0] // DAY
    assert 0 < loop.redis.ttl(generation_key(today)) <= 2 * DAY
    loop.redis.rename(generation_key(today), generation_key(today - 1))
    assert day.taken == 0


def test_labelled_texts_are_sent_along_as_examples(loop: Loop, chat: FakeChat) -> None:
    loop.set(generation_examples=2)
    made = drafts(loop)
    pull_wrapped(made.project.id)
    assert len(chat.bodies("/v1/chat/completions")[0]["messages"]) == 2
    made.label(5)
    made.go_on()
    first = [made.text(task) for task in sorted(made.labelled)[:2]]
    sent = chat.bodies("/v1/chat/completions")[-1]["messages"]
    assert [text_in(each["content"]) for each in sent[1:-1] if each["role"] == "user"] == first
    assert [each["content"] for each in sent if each["role"] == "assistant"] == [
        draft(text) for text in first
    ]


def test_a_verdict_is_how_alike_the_texts_are(loop: Loop, chat: FakeChat) -> None:
    made = drafts(loop)
    pull_wrapped(made.project.id)
    loop.retrain(made.project)
    task, *_ = [task for task, text in made.shown().items() if text.startswith("It is")]
    changed = answer(made.text(task))
    changed[0]["value"]["text"] = [made.shown()[task].replace("about", "abort")]
    loop.fake.annotate(made.project.id, task, changed)
    loop.state(made.project).note_changes(1)
    told = loop.retrain(made.project)["verdicts"]
    assert told["judged"] == 1
    assert told["agreement"] == pytest.approx(1 - 1 / len(draft(made.text(task))), abs=1e-3)


@pytest.mark.parametrize("given_back", ["disconnected", "wraps"])
def test_no_text_goes_out_once_the_project_is_given_back(loop: Loop, chat: FakeChat, given_back: str) -> None:
    made = drafts(loop)

    def last(body: Any) -> Any:
        setattr(loop.state(made.project), given_back, True if given_back == "disconnected" else None)
        return chat.completion(body)

    chat.answers["/v1/chat/completions"] = last
    done = pull_wrapped(made.project.id)
    assert (done["asked"], done["overtaken"], done["wait"]) == (1, GIVEN_BACK, None)
    assert len(chat.bodies("/v1/chat/completions")) == 1


def test_nothing_is_sent_where_no_model_is_named(
    loop: Loop, chat: FakeChat, caplog: pytest.LogCaptureFixture
) -> None:
    loop.set(generation_key="")
    made = drafts(loop)
    assert made.project.settings["model_version"]  # a first order there is
    done = pull_wrapped(made.project.id)
    assert "GENERATION_KEY" in caplog.text
    assert done["reason"] == NOT_CONFIGURED  # which anybody may read by /job_status
    assert chat.asked == []


def test_a_connection_alone_switches_no_model_on(
    loop: Loop, chat: FakeChat, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever may change a connection in Label Studio is not who pays."""
    made = drafts(loop)
    files = project_files(loop.settings, made.project.id)
    for kept in (None, WrappedAccess("http://theirs:9090")):
        forget_access(files)
        if kept is not None:
            keep_access(files, kept)
        assert pull_wrapped(made.project.id)["reason"] == NOT_CONFIGURED
        assert chat.asked == []
    assert f"connect --project {made.project.id} --wraps generation" in caplog.text
    keep_access(files, WrappedAccess("generation"))
    assert pull_wrapped(made.project.id)["asked"] == 10


@pytest.mark.parametrize(
    ("config", "why"),
    [
        (IMAGES, "an ML backend of its own"),
        (CONFIG.replace("<TextArea", "<Rating"), "another control orders"),
    ],
)
def test_it_writes_of_texts_alone(loop: Loop, chat: FakeChat, config: str, why: str) -> None:
    client = create_app(loop.settings).test_client()
    body = {"project": "1.17", "schema": config, "extra_params": {"wraps": "generation"}}
    refused = client.post("/setup", json=body)
    assert refused.status_code >= 400
    assert why in refused.get_data(as_text=True)
    assert chat.asked == []


def test_a_stranger_is_told_nothing_of_the_model(loop: Loop, chat: FakeChat) -> None:
    client = create_app(loop.settings).test_client()
    body = {"project": "1.17", "schema": CONFIG, "extra_params": {"wraps": "generation"}}
    loop.set(generation_key="", generation_key_file="/nowhere/key")
    assert client.post("/setup", json=body).status_code == 200  # the web server has no key, and needs none
    loop.set(generation_model="")
    told = create_app(loop.settings).test_client().post("/setup", json=body)
    assert told.status_code == 200
    assert "GENERATION" not in told.text
    loop.set(basic_auth_user="ls", basic_auth_pass="secret")
    client = create_app(loop.settings).test_client()
    refused = client.post("/setup", json=body, auth=("ls", "secret"))
    assert refused.status_code == 400
    assert "the backend's log says why" in refused.text
    assert "GENERATION" not in refused.text


def test_predict_answers_from_what_is_kept_and_asks_nobody(loop: Loop, chat: FakeChat) -> None:
    made = drafts(loop)
    pull_wrapped(made.project.id)
    sent = len(chat.asked)
    app = create_app(loop.settings)
    known = next(task for task in made.project.tasks if made.text(task) in chat.texts)
    other = next(task for task in made.project.tasks if made.text(task) not in chat.texts)
    tasks = [made.project.tasks[known], made.project.tasks[other]]
    body = {"tasks": tasks, "project": f"{made.project.id}.17", "label_config": CONFIG}
    one, nothing = app.test_client().post("/predict", json=body).get_json()["results"]
    assert one["result"][0]["value"]["text"] == [written(made.text(known))[0]]
    assert nothing == []
    assert len(chat.asked) == sent


def test_the_key_is_in_nothing_that_is_kept(
    loop: Loop, chat: FakeChat, caplog: pytest.LogCaptureFixture
) -> None:
    made = drafts(loop)
    chat.answers["/v1/chat/completions"] = lambda body: (401, f"{KEY} is no key".encode())
    assert pull_wrapped(made.project.id)["failure"] == "refuses"
    held = [str(loop.redis.dump(key)) + str(key) for key in loop.redis.scan_iter()]
    values = [
        loop.redis.hgetall(key) for key in loop.redis.keys("atlas:*") if loop.redis.type(key) == b"hash"
    ]
    files = [path.read_bytes() for path in loop.settings.data_dir.rglob("*") if path.is_file()]
    assert files
    assert KEY not in f"{held} {values} {caplog.text} {made.project.settings} {made.project.connections}"
    assert not any(KEY.encode() in each for each in files)


def test_the_queue_goes_where_the_model_is_wrong(loop: Loop, chat: FakeChat) -> None:
    """Of one kind of text it writes nonsense, as sure of itself as anywhere: of 100 texts 15."""
    loop.set(queue_head=40)
    made = Drafts.made(loop, contents(100, 0.15, seed=1))
    while len(made.labelled) < 40:
        made.go_on()
        made.label(5)
    by_chance = 40 * 0.15
    assert made.errors >= 1.5 * by_chance
