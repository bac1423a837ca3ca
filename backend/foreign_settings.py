"""The settings of other people's models: ML backends that are wrapped, and a model that writes texts."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from backend.checked_settings import CheckedSettings


class ForeignSettings(CheckedSettings):
    """A part of `Settings`."""

    wrapped_backends: str = Field(
        "",
        description="Other people's ML backends that projects may wrap, each in full: `host:port`, separated "
        "by commas. Empty: none.",
    )
    wrapped_rate: float = Field(
        10,
        ge=0,
        description="Tasks a second, at most, that a wrapped backend is asked about in the background; 0: "
        "those at the head of the queue alone.",
    )
    wrapped_batch: int = Field(32, ge=1, le=1000, description="Tasks, at most, of one such request.")
    wrapped_timeout: float = Field(
        60, gt=0, le=90, description="Seconds that a wrapped backend's answer may take."
    )
    wrapped_auth_user: str | None = Field(
        None,
        description="With WRAPPED_AUTH_PASS, for `connect --wraps` alone: what the wrapped backend wants.",
    )
    wrapped_auth_pass: SecretStr | None = Field(
        None, description="The password that goes with it; asked for where it is wanted and unset."
    )
    generation_url: str = Field(
        "",
        description="Address of an OpenAI-compatible API, such as https://api.example.org/v1, whose model "
        "writes first drafts for projects that were connected with `--wraps generation`. Their texts are "
        "sent there. Empty: none is sent.",
    )
    generation_key: SecretStr | None = Field(
        None,
        description="The key that it lets in by; nothing is sent without one. Of a server that wants none, "
        "any word.",
    )
    generation_key_file: Path | None = Field(
        None, description="A file with that key, which its owner alone may read (mode 0600)."
    )
    generation_model: str = Field(
        "",
        description="The model's name there. Without GENERATION_URL a sequence-to-sequence model that "
        "workers run: a hub's, such as `google/flan-t5-small` or `NAME@COMMIT`, fetched before by "
        "`label-studio-atlas generation fetch NAME`, or a folder's full path.",
    )
    generation_prompt: str = Field(
        "",
        description="What the model is told to do with a text. Empty: what the label config's headers say. "
        "Of a model that workers run the words that stand before each text, such as `summarize:`; empty: "
        "none.",
    )
    generation_examples: int = Field(
        3,
        ge=0,
        le=20,
        description="Labelled tasks that are sent along as examples, the first by number; a model that "
        "workers run gets none.",
    )
    generation_per_day: int = Field(
        1000,
        ge=0,
        description="Texts, at most, that it is asked for in a day (UTC), in all projects. Those that "
        "workers write themselves are not counted: they cost nobody money.",
    )
