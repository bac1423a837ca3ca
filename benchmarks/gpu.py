"""What a GPU buys, and whether it says the same as the processor: python -m benchmarks.gpu

Encodes made-up texts by a network of all-MiniLM-L6-v2's shape with random weights, trains and ranks on
made-up vectors, on the device and on the processor, and prints rates, seconds and how far the two agree. It
needs no network, no weights and nothing installed beside torch, numpy, scipy, scikit-learn, safetensors and
tokenizers: it may run where only a copy of this repository is. `--device cpu` tries it out.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor

from backend.encoders.bert import Bert
from backend.encoders.sentences import SentenceEncoder
from backend.learning import devices
from backend.learning.training import train
from backend.sampling import Ranking, make_scene, rank_scene

LAYERS, WIDTH, HEADS, INNER, WORDS, POSITIONS = 6, 384, 12, 1536, 30_522, 512
"""Of all-MiniLM-L6-v2."""
PARTS = {
    **{f"attention.self.{name}": (WIDTH, WIDTH) for name in ("query", "key", "value")},
    "attention.output.dense": (WIDTH, WIDTH),
    "intermediate.dense": (INNER, WIDTH),
    "output.dense": (WIDTH, INNER),
}
"""Of each layer: numbers out, numbers in."""
STRATEGIES = ("margin", "auto", "atlas")
HEAD = 200
"""Tasks of a published head, on which the orders are compared."""
Result = TypeVar("Result")


def main() -> None:
    asked = _arguments()
    device = devices.found(asked.device)
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else device
    print(f"torch {torch.__version__}; {name} against {torch.get_num_threads()} threads of the processor")
    _encode(asked.texts, asked.words, device)
    _retrain(asked.pool, asked.labels, asked.classes, device)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="auto", help="auto, cuda, cuda:1, mps, or cpu to try this out")
    parser.add_argument("--texts", type=int, default=4_000, help="to encode")
    parser.add_argument("--words", type=int, default=30, help="of each text")
    parser.add_argument("--pool", type=int, default=100_000, help="vectors to rank")
    parser.add_argument("--labels", type=int, default=300)
    parser.add_argument("--classes", type=int, default=8)
    return parser.parse_args()


def _encode(count: int, words: int, device: str) -> None:
    encoder, texts = _encoder(), _texts(count, words)
    made: dict[str, Tensor] = {}
    for place in dict.fromkeys((devices.CPU, device)):
        devices.use(place)
        encoder.encode(texts[:8])  # what is loaded when first used
        made[place], seconds = _timed(lambda: encoder.encode(texts))
        print(f"encode   {place:6} {count / seconds:10.1f} texts of {words} words a second")
    cosine = (made[devices.CPU] * made[device]).sum(1)
    print(f"agree    vectors: least cosine {float(cosine.min()):.6f}")


def _encoder() -> SentenceEncoder:
    """Of random weights: as slow as the trained one."""
    generator = torch.Generator().manual_seed(0)

    def weights(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator) * 0.05

    tensors = {
        "embeddings.word_embeddings.weight": weights(WORDS, WIDTH),
        "embeddings.position_embeddings.weight": weights(POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": weights(2, WIDTH),
    }
    for layer in (f"encoder.layer.{i}." for i in range(LAYERS)):
        for part, (out, into) in PARTS.items():
            tensors[f"{layer}{part}.weight"] = weights(out, into)
            tensors[f"{layer}{part}.bias"] = weights(out)
    parts = ("attention.output.", "output.")
    for norm in ("embeddings.", *(f"encoder.layer.{i}.{part}" for i in range(LAYERS) for part in parts)):
        tensors[f"{norm}LayerNorm.weight"] = torch.ones(WIDTH)
        tensors[f"{norm}LayerNorm.bias"] = torch.zeros(WIDTH)
    config = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
        "layer_norm_eps": 1e-12,
        "pad_token_id": 0,
    }
    tokenizer = Tokenizer(models.WordLevel({f"w{i}": i for i in range(WORDS)}, unk_token="w0"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    digest = np.zeros(32, np.uint8)
    return SentenceEncoder(Bert(config, tensors), tokenizer, digest, dims=WIDTH, window=256)


def _texts(count: int, words: int) -> list[str]:
    """Of lengths around `words`, as people's are."""
    chance = random.Random(0)
    lengths = (chance.randint(max(1, words // 2), words * 3 // 2) for _ in range(count))
    return [" ".join(f"w{chance.randrange(1, WORDS)}" for _ in range(length)) for length in lengths]


def _retrain(pool: int, labels: int, classes: int, device: str) -> None:
    generator = torch.Generator().manual_seed(0)
    centers = torch.randn(classes, WIDTH, generator=generator)
    kind = torch.randint(classes, (pool + labels,), generator=generator)
    vectors = centers[kind] + 2.5 * torch.randn(pool + labels, WIDTH, generator=generator)
    vectors = torch.nn.functional.normalize(vectors, dim=1)
    _ranked("margin", vectors[:1000], vectors[-labels:], kind[-labels:], classes, device)  # first use
    for strategy in STRATEGIES:
        orders = {}
        for place in dict.fromkeys((devices.CPU, device)):
            orders[place], seconds = _timed(
                lambda: _ranked(strategy, vectors[:pool], vectors[-labels:], kind[-labels:], classes, place)  # noqa: B023
            )
            print(f"retrain  {place:6} {seconds:10.2f} s by {strategy}, {labels} labels, {pool:,} to rank")
        _compare(strategy, orders[devices.CPU].order, orders[device].order)


def _ranked(
    strategy: str, pool: Tensor, labeled: Tensor, targets: Tensor, classes: int, device: str
) -> Ranking:
    trained = train(labeled, targets, classes, device=device)
    scene = make_scene(pool, labeled, targets, n_classes=classes, device=device, trained=trained)
    return rank_scene(strategy, scene, min(HEAD, len(pool)))


def _compare(strategy: str, one: Tensor, other: Tensor) -> None:
    """Of the first HEAD how many are common, and how far places are apart over the pool."""
    head = min(HEAD, len(one))
    common = len(set(one[:head].tolist()) & set(other[:head].tolist()))
    places = torch.stack([one.argsort(), other.argsort()]).double()
    correlation = float(torch.corrcoef(places)[0, 1])
    print(f"agree    {strategy}: {common} of the first {head} are common; rank correlation {correlation:.4f}")


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """All that is given back lies on the processor: what the device was asked for has ended."""
    began = time.perf_counter()
    result = work()
    return result, time.perf_counter() - began


if __name__ == "__main__":
    main()
