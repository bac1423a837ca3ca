"""What a value of a setting must be, and how it is written: each check says what to change."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from backend.addresses import label_studio_address
from backend.content.hosts import Hosts
from backend.controls.weights import parse_weights
from backend.fields import condition_in
from backend.redis_address import with_password

DEFAULT_REDIS_URL = "redis://localhost:6379/0"
LARGEST = 1_000_000_000
"""Of any number: as good as no bound, and as seconds still a time that clocks and calendars know."""

LARGEST_SEED = 2**32 - 1
"""That NumPy's generators take, and so scikit-learn's."""


class CheckedSettings(BaseSettings):
    """The checks of `Settings`, whose fields they name."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """There is no other source: to look into those without a file takes half of the time."""
        return init_settings, env_settings

    @field_validator("*")
    @classmethod
    def _is_not_without_end(cls, value: object, known: ValidationInfo) -> object:
        largest = LARGEST_SEED if known.field_name == "seed" else LARGEST
        if isinstance(value, int | float) and value > largest:
            raise ValueError(f"must be at most {largest:,}")
        return value

    @field_validator("redis_url", check_fields=False)
    @classmethod
    def _is_redis(cls, value: str, known: ValidationInfo) -> str:
        password = known.data.get("redis_password")
        return with_password(value or DEFAULT_REDIS_URL, password.get_secret_value() if password else None)

    @field_validator("prometheus_multiproc_dir", mode="before", check_fields=False)
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None

    @field_validator("device", check_fields=False)
    @classmethod
    def _device_of_torch(cls, value: str) -> str:
        if not re.fullmatch(r"auto|cpu|mps|cuda(:[0-9]{1,3})?", value):
            raise ValueError("must be cpu, cuda, cuda:1, mps or auto")
        return value

    @field_validator("data_dir", "cache_dir", check_fields=False)
    @classmethod
    def _expand(cls, value: Path, known: ValidationInfo) -> Path:
        try:
            return value.expanduser().absolute()
        except RuntimeError as error:  # this user has no home
            if known.field_name == "cache_dir" and "data_dir" in known.data:
                return Path(known.data["data_dir"] / "cache")
            raise ValueError(
                "this user has no home folder: set DATA_DIR to a folder to keep things in"
            ) from error

    @field_validator("model_store", check_fields=False)
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        if value and not re.match(r"[a-z][a-z0-9+]*://[^/]", value.replace("file:///", "file://")):
            raise ValueError("must be a URL such as s3://bucket/models, or empty")
        return value.rstrip("/")

    @field_validator("backend_url", check_fields=False)
    @classmethod
    def _no_url_is_unset(cls, value: str | None) -> str | None:
        return value or None

    @field_validator("label_studio_url", check_fields=False)
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        return label_studio_address(value)

    @field_validator("label_studio_host", check_fields=False)
    @classmethod
    def _as_label_studio_reads_it(cls, value: str) -> str:
        """Its own variable, of which it ignores what is neither an address nor the beginning of paths."""
        value = value.strip()
        return value.rstrip("/") if value.startswith(("http://", "https://", "/")) else ""

    @field_validator("content_hosts", check_fields=False)
    @classmethod
    def _names_hosts(cls, value: str) -> str:
        Hosts.parse(value)
        return value

    @field_validator("wrapped_backends", check_fields=False)
    @classmethod
    def _names_backends(cls, value: str) -> str:
        if "*" in value:
            raise ValueError("must name each backend in full, without a *")
        Hosts.parse(value)
        return value

    @field_validator("generation_url", check_fields=False)
    @classmethod
    def _is_an_api(cls, value: str) -> str:
        value = value.strip().rstrip("/")
        address = r"https?://[A-Za-z0-9.:\[\]-]+(/[^?#@\s]*)?"
        if value and not (re.fullmatch(address, value) and value.isprintable()):
            raise ValueError("must be an address such as https://api.example.org/v1, without user, ? and #")
        return value

    @field_validator(
        "basic_auth_user", "basic_auth_pass", "webhook_secret", "generation_key", check_fields=False
    )
    @classmethod
    def _fits_a_header(cls, value: str | SecretStr | None) -> str | SecretStr | None:
        clear = value.get_secret_value() if isinstance(value, SecretStr) else value
        if clear and not (clear.isascii() and clear.isprintable() and " " not in clear):
            raise ValueError("must be of ASCII characters without spaces, as HTTP headers are")
        return value if clear else None

    @field_validator("basic_auth_user", "wrapped_auth_user", check_fields=False)
    @classmethod
    def _no_colon(cls, value: str | None) -> str | None:
        if value and ":" in value:
            raise ValueError("must not contain a colon, which ends the user in basic auth")
        return value

    @field_validator("basic_auth_pass", check_fields=False)
    @classmethod
    def _both_or_neither(cls, value: SecretStr | None, known: ValidationInfo) -> SecretStr | None:
        if "basic_auth_user" in known.data and (value is None) != (known.data["basic_auth_user"] is None):
            raise ValueError("set both BASIC_AUTH_USER and BASIC_AUTH_PASS, or neither")
        return value

    @field_validator("label_studio_api_key", check_fields=False)
    @classmethod
    def _is_one_word(cls, value: SecretStr | None) -> SecretStr | None:
        """Without the quotes, and the word of the header, that it was copied with."""
        clear = "" if value is None else value.get_secret_value().strip().strip("\"'")
        clear = re.sub(r"(?i)^(token|bearer)\s+", "", clear)
        if clear and not re.fullmatch(r"[!-~]+", clear):
            raise ValueError("is no API key: copy one word, from Account & Settings > Personal Access Token")
        return SecretStr(clear) if clear else None

    @field_validator("control_weights", check_fields=False)
    @classmethod
    def _weighs_controls(cls, value: str, known: ValidationInfo) -> str:
        weights, first = parse_weights(value), known.data.get("queue_control")
        if weights and first and first not in weights:
            raise ValueError(f"does not name {first}, which QUEUE_CONTROL does: name it too, or unset that")
        return value

    @field_validator("target_domain", check_fields=False)
    @classmethod
    def _names_a_domain(cls, value: str) -> str:
        condition_in(value)
        return value

    @field_validator("log_level", check_fields=False)
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()
