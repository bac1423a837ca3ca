"""What adapting the layers that words are read from gains, after the tagger was fitted on them as they are.

python -m benchmarks.spans_adapted [--labels 300] [--seeds 1] [--encoder minilm] NAME=FOLDER/NAME ...

Files and entity F1 as of `benchmarks.spans`; the labelled sentences are random. CPU seconds are those of
adapting, reading the labelled sentences again included.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import torch

from backend.encoders.word_blocks import WordBackbone
from backend.encoders.word_layers import LayerWords
from backend.encoders.word_marks import word_marks
from backend.encoders.word_registry import find_word_encoder
from backend.learning.bio import n_tags
from backend.learning.tagger_tuning import TaggedTexts, adapted_rows, fine_tune_tagger
from backend.learning.tagging import train_tagger_alone
from benchmarks.spans import READ, TEST, Part, f1, read


def main() -> None:
    torch.set_num_threads(1)
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+")
    parser.add_argument("--encoder", default="minilm")
    parser.add_argument("--labels", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=1)
    asked = parser.parse_args()
    encoder = find_word_encoder(asked.encoder)
    if not isinstance(encoder.vectors, LayerWords):
        parser.error(f"{encoder.name} has no layers to adapt")
    backbone = WordBackbone(encoder.vectors, "last")
    print("| set | labels | seed | frozen | adapted | s adapting |\n|---|---|---|---|---|---|", flush=True)
    for file in asked.files:
        labels: list[str] = []
        train = read(Path(f"{file}.jsonl.gz"), encoder, labels, READ)
        test = read(Path(f"{file}.test.jsonl.gz"), encoder, labels, TEST)
        for seed in range(asked.seeds):
            chance = torch.Generator().manual_seed(seed)
            known = train.of(torch.randperm(train.units.items, generator=chance)[: asked.labels])
            cells = _compared(backbone, known, test, n_tags(len(labels)), seed)
            print(f"| {Path(file).name} | {asked.labels} | {seed} | {cells} |", flush=True)


def _compared(backbone: WordBackbone, known: Part, test: Part, tags: int, seed: int) -> str:
    frozen = train_tagger_alone(known.units, known.tags, tags, seed=seed)
    began = time.process_time()
    made = fine_tune_tagger(_material(backbone, known), frozen, seed=seed)
    seconds = time.process_time() - began
    whole = _material(backbone, test)
    with torch.no_grad():
        pieces = torch.arange(test.units.items).split(64)
        read = whole.units, whole.inputs, made.blocks
        rows = torch.cat([adapted_rows(*read, some, "cpu")[0] for some in pieces])
    adapted = replace(test, units=test.units._replace(rows=rows))
    return f"{f1(frozen, test):.3f} | {f1(made.tagger, adapted):.3f} | {seconds:.0f}"


def _material(backbone: WordBackbone, part: Part) -> TaggedTexts:
    inputs = backbone.inputs(part.texts, [word_marks(text) for text in part.texts])
    return TaggedTexts(part.units, part.tags, inputs, backbone.blocks())


if __name__ == "__main__":
    main()
