"""A model behind an OpenAI-compatible address: what it is sent, what is taken of its answers, its faults."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest

from backend.errors import GenerationError, NotWritten
from backend.generation.chat import ChatModel
from backend.generation.named import NamedModel
from backend.generation.written import Example, Written, sureness
from tests.fakes.chat import KEY, FakeChat, chat_served, text_in

COMPLETIONS = "/v1/chat/completions"


@pytest.fixture
def chat() -> Iterator[FakeChat]:
    with chat_served(lambda text: (f"about {text}", 0.25)) as served:
        yield served


class Asked:
    """A client, and the pauses that it made."""

    def __init__(self, chat: FakeChat):
        self.pauses: list[float] = []
        self.model = ChatModel(NamedModel("tiny", f"{chat.url}/v1", KEY), self.pauses.append)

    def write(self, text: str = "rain", seconds: float = 60) -> Written:
        return self.model.write("Sum it up.", [Example("sun", "good")], text, seconds)


@pytest.fixture
def asked(chat: FakeChat) -> Iterator[Asked]:
    found = Asked(chat)
    yield found
    found.model.close()


def test_a_text_is_sent_with_the_instruction_and_the_examples(chat: FakeChat, asked: Asked) -> None:
    text, sure = asked.write()
    assert text == "about rain"
    assert sure == pytest.approx(0.25)
    (body,) = chat.bodies(COMPLETIONS)
    assert body["model"] == "tiny"
    assert (body["temperature"], body["logprobs"]) == (0, True)
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    assert body["messages"][0]["content"].startswith("Sum it up.\n")
    assert text_in(body["messages"][1]["content"]) == "sun"
    assert body["messages"][2]["content"] == "good"
    assert chat.authorizations == [f"Bearer {KEY}"]


GARBAGE: tuple[Any, ...] = (
    (200, b""),
    (200, b"<html>a page</html>"),
    (200, b"[]"),
    (200, b"null"),
    (200, b'{"choices": [' + b"[" * 100_000),
    (200, b"\xff\xfe\x00"),
    {},
    {"choices": []},
    {"choices": None},
    {"choices": [{"message": None}]},
    {"choices": [{"message": {"content": ["a"]}}]},
    {"choices": [{"message": {"content": 7}}]},
    {"choices": [{"text": "a completion of before"}]},
    (200, b'{"choices": ' + b"9" * 5000 + b"}"),
)


@pytest.mark.parametrize("answer", GARBAGE)
def test_garbage_is_told_and_costs_one_text(chat: FakeChat, asked: Asked, answer: Any) -> None:
    chat.answers[COMPLETIONS] = lambda body: answer
    with pytest.raises(NotWritten, match="what no chat API answers") as raised:
        asked.write()
    assert raised.value.failure == "garbage"
    assert "GENERATION_URL" in raised.value.remedy
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        [],
        {"content": None},
        {"content": []},
        {"content": [3]},
        {"content": [{"logprob": "-1"}]},
        {"content": [{"logprob": True}]},
        {"content": [{"logprob": None}, {"logprob": -1}]},
        {"content": [{"logprob": 4}]},
        {"content": [{"logprob": -(10**399)}]},
        {"tokens": ["a"], "token_logprobs": [-1]},
    ],
)
def test_without_log_probabilities_a_text_is_taken_without_a_doubt(
    chat: FakeChat, asked: Asked, logprobs: Any
) -> None:
    choice = {"message": {"content": " dry\n"}, "logprobs": logprobs}
    chat.answers[COMPLETIONS] = lambda body: {"choices": [choice]}
    assert asked.write() == ("dry", None)


def test_how_sure_a_model_is_is_the_geometric_mean_of_its_tokens_probabilities() -> None:
    assert sureness([math.log(0.5), math.log(0.125)]) == pytest.approx(0.25)
    assert sureness([-9999.0, 0.0]) == 0.0
    assert sureness([1e-9]) == 1.0


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_a_refusal_writes_nothing(chat: FakeChat, asked: Asked, content: str | None) -> None:
    chat.answers[COMPLETIONS] = lambda body: {"choices": [{"message": {"content": content}}]}
    assert asked.write() == ("", None)


def test_what_label_studio_could_not_store_is_taken_out(chat: FakeChat, asked: Asked) -> None:
    body = json.dumps({"choices": [{"message": {"content": "a\x00b\ud800"}}]}).encode()
    chat.answers[COMPLETIONS] = lambda _: (200, body)
    assert asked.write().text == "ab?"


def test_an_answer_that_is_packed_twice_is_not_unpacked(chat: FakeChat, asked: Asked) -> None:
    bomb = gzip.compress(gzip.compress(bytes(16 * 2**20)))
    chat.answers[COMPLETIONS] = lambda _: (200, bomb, {"Content-Encoding": "gzip, gzip"})
    with pytest.raises(GenerationError, match="packed by 'gzip, gzip'"):
        asked.write()
    chat.answers[COMPLETIONS] = lambda _: (
        200,
        gzip.compress(bytes(16 * 2**20)),
        {"Content-Encoding": "gzip"},
    )
    with pytest.raises(NotWritten, match="more than 4194304 bytes"):
        asked.write()
    assert asked.model._http.headers["Accept-Encoding"] == "identity"


def test_one_that_is_busy_is_asked_again_after_as_long_as_it_says(chat: FakeChat, asked: Asked) -> None:
    turns = iter([(429, b"slow down", {"Retry-After": "7"}), (503, b"")])
    chat.answers[COMPLETIONS] = lambda body: next(turns, None) or chat.completion(body)
    assert asked.write().text == "about rain"
    assert asked.pauses == [7.0, 2.0]


def test_one_that_stays_busy_is_left_alone_for_as_long_as_it_says(chat: FakeChat, asked: Asked) -> None:
    chat.answers[COMPLETIONS] = lambda body: (429, b"quota", {"Retry-After": "600"})
    with pytest.raises(GenerationError) as raised:
        asked.write()
    assert (raised.value.failure, raised.value.rest) == ("busy", 600)
    assert asked.pauses == []
    assert len(chat.bodies(COMPLETIONS)) == 1


def test_it_is_tried_four_times_and_no_longer_than_it_may_take(chat: FakeChat, asked: Asked) -> None:
    chat.answers[COMPLETIONS] = lambda body: (500, b"oops")
    with pytest.raises(NotWritten, match="500: oops"):
        asked.write()
    assert asked.pauses == [1.0, 2.0, 4.0]
    with pytest.raises(NotWritten):
        asked.write(seconds=0.9)
    assert asked.pauses == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("after", ["soon", "-5", "nan", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_a_retry_after_that_is_no_number_counts_as_none(chat: FakeChat, asked: Asked, after: str) -> None:
    turns = iter([(429, b"", {"Retry-After": after})])
    chat.answers[COMPLETIONS] = lambda body: next(turns, None) or chat.completion(body)
    asked.write()
    assert asked.pauses == [1.0]


def test_one_that_hangs_costs_its_seconds(chat: FakeChat, asked: Asked) -> None:
    def answer(body: Any) -> Any:
        chat._released.wait(10)
        return chat.completion(body)

    chat.answers[COMPLETIONS] = answer
    with pytest.raises(NotWritten, match="does not answer within") as raised:
        asked.write(seconds=0.2)
    assert raised.value.failure == "slow"
    chat.release()


def test_more_bytes_than_an_answer_has_are_not_read(
    chat: FakeChat, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked.model._transport, "_most", 1000)
    chat.answers[COMPLETIONS] = lambda body: {"choices": [{"message": {"content": "x" * 2000}}]}
    with pytest.raises(NotWritten, match="up to 1000 are read"):
        asked.write()


def test_options_that_a_server_does_not_know_are_left_out_from_then_on(chat: FakeChat, asked: Asked) -> None:
    def answer(body: Any) -> Any:
        if "max_tokens" in body:
            return 400, b"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead."
        if "logprobs" in body:
            return 422, b"logprobs: extra fields not permitted"
        return chat.completion(body)

    chat.answers[COMPLETIONS] = answer
    assert asked.write() == ("about rain", None)
    assert asked.write("snow") == ("about snow", None)
    asks = chat.bodies(COMPLETIONS)
    assert len(asks) == 4
    assert asks[-1]["max_completion_tokens"] == 1024
    assert asks[-1]["temperature"] == 0


def test_a_text_too_long_takes_no_bound_away_from_the_next(chat: FakeChat, asked: Asked) -> None:
    too_long = b"'max_tokens' or 'max_completion_tokens' is too large: 1024; maximum context length is 2048"
    chat.answers[COMPLETIONS] = lambda body: (400, too_long)
    with pytest.raises(NotWritten, match="too large"):
        asked.write()
    del chat.answers[COMPLETIONS]
    asked.write("snow")
    assert chat.bodies(COMPLETIONS)[-1]["max_tokens"] == 1024


def test_a_400_for_another_reason_is_told(chat: FakeChat, asked: Asked) -> None:
    chat.answers[COMPLETIONS] = lambda body: (400, b"this model's context is 10 tokens long")
    with pytest.raises(NotWritten, match="context is 10 tokens"):
        asked.write()
    assert len(chat.bodies(COMPLETIONS)) == 1


@pytest.mark.parametrize(
    ("status", "failure"), [(401, "refuses"), (403, "refuses"), (404, "fails"), (402, "busy")]
)
def test_what_is_no_texts_fault_ends_the_work_and_never_shows_the_key(
    chat: FakeChat, asked: Asked, status: int, failure: str
) -> None:
    chat.answers[COMPLETIONS] = lambda body: (status, f"Incorrect API key provided: {KEY}.".encode())
    with pytest.raises(GenerationError) as raised:
        asked.write()
    assert not isinstance(raised.value, NotWritten)
    assert raised.value.failure == failure
    is_its_word = status == 404  # of others providers say a key's end and whose account it is
    assert ("provided: ***." in str(raised.value)) is is_its_word
    assert str(raised.value).endswith(f"answers {status}") is not is_its_word
    assert KEY not in f"{raised.value!r} {raised.value.remedy} {asked.model._named!r}"


def test_no_redirect_is_followed(chat: FakeChat, asked: Asked) -> None:
    chat.answers[COMPLETIONS] = lambda body: (307, b"", {"Location": f"{chat.url}/elsewhere"})
    with pytest.raises(GenerationError, match="sends us on"):
        asked.write()
    assert [path for path, _ in chat.asked] == [COMPLETIONS]


def test_where_nothing_answers_its_address_is_what_to_correct() -> None:
    model = ChatModel(NamedModel("tiny", "http://127.0.0.1:9", KEY))
    with pytest.raises(GenerationError, match="does not answer") as raised:
        model.write("", [], "text", 5)
    assert raised.value.failure == "away"
    with pytest.raises(GenerationError):
        model.check()


@pytest.mark.parametrize("answer", [{"data": []}, (404, b""), (405, b"")])
def test_it_is_there_whether_or_not_it_lists_its_models(chat: FakeChat, asked: Asked, answer: Any) -> None:
    chat.answers["/v1/models"] = lambda body: answer
    asked.model.check()
    assert chat.bodies(COMPLETIONS) == []
    chat.answers["/v1/models"] = lambda body: (401, b"who are you?")
    with pytest.raises(GenerationError, match=r"answers 401$"):
        asked.model.check()


def test_no_charset_that_a_server_names_is_decoded(chat: FakeChat, asked: Asked) -> None:
    refusal = (400, b"logprobs?", {"Content-Type": "application/json; charset=zlib"})
    turns = iter([refusal])
    chat.answers[COMPLETIONS] = lambda body: next(turns, None) or chat.completion(body)
    assert asked.write().text == "about rain"
    assert "logprobs" not in chat.bodies(COMPLETIONS)[-1]
