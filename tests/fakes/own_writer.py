"""Sequence-to-sequence models of some thousand parameters, with tokenizers of their own, made by tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from tests.fakes.drafts import KINDS, WEAK, contents, draft

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
WORDS = [
    *" ".join(KINDS.values()).split(),
    *KINDS,
    "It",
    "is",
    "about",
    ",",
    "first",
    "of",
    "all",
    ".",
    "???",
]
WIDTH = 32


def make_tokenizer(folder: Path, words: Sequence[str] = WORDS) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: i for i, word in enumerate(dict.fromkeys([PAD, END, UNKNOWN, *words]))}
    made = Tokenizer(models.WordLevel(vocabulary, unk_token=UNKNOWN))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.post_processor = processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, 1)])
    PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token=PAD,
        eos_token=END,
        unk_token=UNKNOWN,
        clean_up_tokenization_spaces=True,
        model_max_length=512,
    ).save_pretrained(folder)


def make_t5(folder: Path, seed: int = 1) -> Path:
    """With random weights."""
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(seed)
    config = T5Config(
        vocab_size=len(WORDS) + 3,
        d_model=WIDTH,
        d_kv=WIDTH // 2,
        d_ff=2 * WIDTH,
        num_layers=1,
        num_heads=2,
        dropout_rate=0.0,
        decoder_start_token_id=0,
    )
    T5ForConditionalGeneration(config).save_pretrained(folder)
    make_tokenizer(folder)
    return folder


def make_bart(folder: Path, seed: int = 0) -> Path:
    """With random weights. As published ones do, it begins with the piece that ends a text, and has 64 places
    for pieces."""
    from transformers import BartConfig, BartForConditionalGeneration

    torch.manual_seed(seed)
    config = BartConfig(
        vocab_size=len(WORDS) + 3,
        d_model=WIDTH,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=WIDTH,
        decoder_ffn_dim=WIDTH,
        max_position_embeddings=64,
        init_std=1.0,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=1,
        decoder_start_token_id=1,
        forced_eos_token_id=None,
    )
    BartForConditionalGeneration(config).save_pretrained(folder)
    make_tokenizer(folder)
    return folder


def make_taught_t5(folder: Path, steps: int = 300) -> Path:
    """One that writes as annotators do, but of the weak kind, of which it was taught nothing."""
    from transformers import AutoTokenizer, T5ForConditionalGeneration

    make_t5(folder, seed=0)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = T5ForConditionalGeneration.from_pretrained(folder)
    texts = [text for text in contents(400, 0.2, seed=5) if WEAK not in draft(text)]
    read, wanted = (
        tokenizer(each, padding=True, return_tensors="pt") for each in (texts, list(map(draft, texts)))
    )
    labels = wanted.input_ids.masked_fill(wanted.attention_mask == 0, -100)
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    model.train()
    for step in range(steps):
        rows = torch.randperm(len(texts), generator=torch.Generator().manual_seed(step))[:64]
        loss = model(
            input_ids=read.input_ids[rows], attention_mask=read.attention_mask[rows], labels=labels[rows]
        ).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder
