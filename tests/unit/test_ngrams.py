"""Languages without spaces, and that what was stored before they were thought of stays as it was."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import f1_score

from backend.encoders.lsa import TextEncoder
from backend.encoders.ngrams import SPACED, UNSPACED, ngrams_for
from backend.learning.training import outputs, train_network
from backend.store.features import FeatureCache

DATA = Path(__file__).parents[1] / "data"
STORED = "lsa-000006-e3b0c442-35c6975c"
"""A project's encoder written by the release at commit edd26f8, which stored no ranges of n-grams."""
EXPECTED = json.loads((DATA / "lsa-edd26f8.json").read_text(encoding="utf-8"))
ENGLISH = [f"the team scored {n} goals in the last minute" for n in range(10)]
CHINESE = [f"球队最后一分钟进球{n}次" for n in range(10)]
LINK = "https://example.org/"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of a project's encoders, as the release at edd26f8 left it."""
    shutil.copy(DATA / f"{STORED}.encoder.safetensors", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "texts",
    [CHINESE, ["今日はとても良い天気ですね"], ["ニュースを見ました"], ["วันนี้อากาศดีมาก"], ["មានន័យ"],
     ["ငါတို့သည်"], ["iPhone 15 的电池很好"]],
)  # fmt: skip
def test_scripts_without_spaces_are_known(texts: list[str]) -> None:
    assert ngrams_for(texts) == UNSPACED


@pytest.mark.parametrize(
    "texts",
    [ENGLISH, [], [""], ["12 345"], ["오늘은 날씨가 좋네요"], ["Сегодня хорошая погода"],
     ["الطقس جميل اليوم"], ["आज मौसम अच्छा है"], ["Hôm nay trời đẹp"], [*ENGLISH, *CHINESE[:2]], [LINK * 20]],
)  # fmt: skip
def test_languages_with_spaces_keep_their_ranges(texts: list[str]) -> None:
    assert ngrams_for(texts) == SPACED


def test_a_stored_encoder_gives_the_vectors_it_gave(project: Path) -> None:
    encoder = FeatureCache(project).encoder(STORED)
    vectors = encoder.encode(EXPECTED["texts"])
    torch.testing.assert_close(vectors, torch.tensor(EXPECTED["vectors"]), atol=1e-5, rtol=0)
    assert set(encoder.arrays()) == {"columns", "idf", "components"}  # hence the same name again


def test_a_project_with_spaces_keeps_its_encoder(project: Path) -> None:
    assert FeatureCache(project).encode(ENGLISH)[1] == STORED


def test_a_project_without_spaces_gets_a_new_encoder_once_and_the_old_one_stays_as_it_was(
    project: Path,
) -> None:
    first, name = FeatureCache(project).encode(CHINESE)
    assert name != STORED
    again, same = FeatureCache(project).encode([*CHINESE, "一条新的消息"])
    assert same == name
    assert torch.equal(again[:10], first)
    assert FeatureCache(project).encoder(name).arrays()["ngrams"].tolist() == [0, 0, 1, 3]
    test_a_stored_encoder_gives_the_vectors_it_gave(project)


def test_a_smaller_project_than_the_old_encoders_is_not_fitted_again_and_again(project: Path) -> None:
    """The old encoder was fitted on more texts, hence comes first."""
    names = {FeatureCache(project).encode(CHINESE[: 4 + n])[1] for n in range(3)}
    assert len(names) == 1
    assert STORED not in names


def test_a_project_on_the_border_does_not_go_to_and_fro(tmp_path: Path) -> None:
    mixed = [*CHINESE, *ENGLISH[:4]]
    name = FeatureCache(tmp_path).encode(mixed)[1]
    assert ngrams_for([*mixed, *ENGLISH[4:]]) == SPACED
    assert FeatureCache(tmp_path).encode([*mixed, *ENGLISH[4:]])[1] == name


def test_restored_ranges_give_the_same_vectors() -> None:
    encoder = TextEncoder.fit(CHINESE, dims=8)
    restored = TextEncoder.restore(encoder.arrays())
    assert restored.ngrams == UNSPACED
    assert torch.equal(restored.encode(CHINESE), encoder.encode(CHINESE))


@pytest.mark.parametrize("ranges", [[0, 0, 0, 3], [0, 0, 3, 1], [1, 2, 3], [1, 2, 3, 5000]])
def test_ranges_that_are_none_are_refused(ranges: list[int]) -> None:
    arrays = {**TextEncoder.fit(CHINESE, dims=8).arrays(), "ngrams": np.array(ranges)}
    with pytest.raises(ValueError):
        TextEncoder.restore(arrays)


def sentences(n: int, topic: int, join: Callable[[list[str]], str], rng: random.Random) -> list[str]:
    """Of ten words each, two of them of the topic; words are of two characters."""
    words = ["".join(map(chr, (0x4E00 + 7 * i, 0x5E00 + 11 * i))) for i in range(400)]
    common, own = words[:340], words[340 + 20 * topic :][:20]
    made = [[*rng.sample(common, 8), *rng.sample(own, 2)] for _ in range(n)]
    for sentence in made:
        rng.shuffle(sentence)
    return [join(sentence) for sentence in made]


def test_words_are_found_where_no_space_parts_them() -> None:
    """As well as where spaces do, but for a little."""
    scores = {}
    for name, join in {"spaced": " ".join, "unspaced": "".join}.items():
        rng = random.Random(0)
        texts = [text for topic in range(3) for text in sentences(200, topic, join, rng)]
        targets = torch.arange(3).repeat_interleave(200)
        vectors = TextEncoder.fit(texts).encode(texts)
        some = torch.randperm(600, generator=torch.Generator().manual_seed(0))
        network = train_network(vectors[some[:150]], targets[some[:150]], 3)
        predicted = outputs(network, vectors[some[150:]]).logits.argmax(-1)
        scores[name] = f1_score(targets[some[150:]], predicted, average="macro")
    assert scores["unspaced"] > 0.8
    assert scores["unspaced"] > scores["spaced"] - 0.1
