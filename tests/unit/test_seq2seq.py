"""A sequence-to-sequence model writes here, by the real library: what, how surely, and within its time."""

from __future__ import annotations

import math
import socket
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import torch

from backend.errors import GenerationError, NotWritten
from backend.generation import seq2seq
from backend.generation.own import OwnModel, own_model
from backend.generation.seq2seq import Seq2Seq, Seq2SeqWriter, loaded
from backend.generation.written import Written
from tests.fakes.own_writer import make_bart, make_t5, make_taught_t5

pytestmark = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is not installed")

TEXTS = ["storm rain flood wind", "goal", "recipe flour butter oven soup salad kitchen spice"]
MAKERS = {"t5": make_t5, "bart": make_bart, "taught": partial(make_taught_t5, steps=100)}
"""Only the last one ends a text before there is no room left."""


@pytest.fixture(scope="module", params=MAKERS)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return MAKERS[request.param](tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture
def model(folder: Path) -> Seq2Seq:
    return loaded(folder, "cpu")


def test_how_sure_it_is_is_what_the_library_says_of_its_own_pieces(model: Seq2Seq, folder: Path) -> None:
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    written = model.write(TEXTS, 60)
    theirs, tokenizer = (
        each.from_pretrained(folder, local_files_only=True) for each in (AutoModelForSeq2SeqLM, AutoTokenizer)
    )
    for text, ours in zip(TEXTS, written, strict=True):  # each alone: no padding has a say
        read = tokenizer([text], return_tensors="pt")
        told = theirs.generate(
            input_ids=read.input_ids,
            max_new_tokens=seq2seq.MOST_WRITTEN if theirs.config.model_type == "t5" else 63,
            output_scores=True,
            return_dict_in_generate=True,
        )
        scores = theirs.compute_transition_scores(told.sequences, told.scores, normalize_logits=True)[0]
        assert ours is not None
        assert ours.text == tokenizer.decode(told.sequences[0], skip_special_tokens=True).strip()
        assert ours.sure == pytest.approx(math.exp(scores.mean()), rel=1e-4)
        assert 0 < ours.sure < 1
    assert len({each.text for each in written if each}) == len(TEXTS)


def test_of_a_text_that_there_was_no_time_for_nothing_is_told(model: Seq2Seq) -> None:
    (ended,) = model.write([TEXTS[0]], 60)
    assert ended is not None
    assert model.write(TEXTS, 0) == [None] * 3


def test_what_had_ended_before_the_time_was_over_is_kept(
    model: Seq2Seq, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = model._ends[0]
    rows = torch.tensor([[0, 5, end, 0, 0], [0, 5, 6, 7, 8]])

    def generate(logits_processor: list[Any], **given: Any) -> torch.Tensor:
        for i in range(1, 5):
            logits_processor[0](rows[:, :i], torch.zeros(2, 20))
        return rows

    monkeypatch.setattr(model._model, "generate", generate)
    first, second = model.write(TEXTS[:2], 60)
    assert first is not None
    assert first.sure == pytest.approx(1 / 20)
    assert second is None


def test_it_reaches_for_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(self: Any, address: Any) -> None:
        raise AssertionError(f"it goes to {address}")

    monkeypatch.setattr(socket.socket, "connect", connect)
    loaded.cache_clear()
    assert loaded(folder, "cpu").write(["storm"], 60) != [None]


def test_it_is_loaded_once_per_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForSeq2SeqLM

    real, times = AutoModelForSeq2SeqLM.from_pretrained, []

    def counted(*given: Any, **more: Any) -> Any:
        times.append(more)
        return real(*given, **more)

    monkeypatch.setattr(AutoModelForSeq2SeqLM, "from_pretrained", counted)
    loaded.cache_clear()
    named = own_model(str(folder))
    for _ in range(2):
        writer = Seq2SeqWriter(named, lambda: "cpu", 60)
        assert [*writer.write_each("", [], iter(["storm"]), 60)] != [None]
    assert times == [{"use_safetensors": True, "local_files_only": True, "trust_remote_code": False}]


class Told:
    """In the place of a loaded model."""

    def __init__(self) -> None:
        self.given: list[Any] = []

    def write(self, texts: list[str], seconds: float) -> list[Written | None]:
        self.given.append((texts, seconds))
        if "???" in texts:
            raise RuntimeError("out of memory")
        return [Written(text, 0.5) for text in texts]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    made = Told()
    monkeypatch.setattr(seq2seq, "loaded", lambda folder, device: made if device == "there" else None)
    return made


def writer(told: Told, now: list[float]) -> Seq2SeqWriter:
    return Seq2SeqWriter(OwnModel("tiny@1", Path()), lambda: "there", 100, lambda: now[0])


def test_the_prompt_stands_before_each_text_and_no_example_does(told: Told) -> None:
    given = writer(told, [0]).write_each("summarize:", [("a", "b")], iter(["one", "x" * 30_000]), 60)  # type: ignore[list-item]
    assert [each and each.text[:16] for each in given] == ["summarize: one", "summarize: xxxxx"]
    (texts, seconds), *_ = told.given
    assert seconds == 60
    assert len(texts[1]) < 20_100


def test_a_job_has_so_much_time_and_no_more(told: Told) -> None:
    now = [0.0]
    made = writer(told, now)
    now[0] = 70.0
    assert [*made.write_each("", [], iter(["one"]), 60)] == [Written("one", 0.5)]
    assert told.given[-1][1] == 30
    now[0] = 100.0
    with pytest.raises(GenerationError, match="used up the time") as raised:
        [*made.write_each("", [], iter(["one"]), 60)]
    assert not isinstance(raised.value, NotWritten)  # or each text would be tried alone


def test_whatever_a_model_makes_of_a_text_is_a_fault_of_that_text(told: Told) -> None:
    with pytest.raises(NotWritten, match="tiny@1 fails: RuntimeError: out of memory"):
        [*writer(told, [0]).write_each("", [], iter(["one", "???"]), 60)]


def test_a_model_that_cannot_be_loaded_says_which_and_why(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text((folder / "config.json").read_text())
    (tmp_path / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(GenerationError, match="cannot be loaded") as raised:
        loaded(tmp_path, "cpu")
    assert str(tmp_path) in str(raised.value)
    assert "GENERATION_MODEL" in raised.value.remedy
