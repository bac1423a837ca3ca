"""What the environment may hold, and what is said of what it must not."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError
from sklearn.utils import check_random_state

from backend.checked_settings import LARGEST_SEED
from backend.near_misses import near_misses
from backend.settings import Settings


@pytest.mark.parametrize("name", Settings.model_fields)
def test_an_empty_variable_counts_as_unset(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As compose hands on what its .env leaves empty."""
    for set_for_tests in ("DATA_DIR", "ENCODER", "SHOW_GUESS_FROM", "AUDIT_SHARE"):
        monkeypatch.delenv(set_for_tests)
    unset = Settings()
    monkeypatch.setenv(name.upper(), "")
    assert Settings() == unset
    assert name not in Settings().model_fields_set


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://ls:8080/projects/1/data", "leave out /projects/1/data"),
        ("http://ls:8080/projects/1/data?tab=3", "leave out /projects/1/data"),
        ("https://ls/label/projects/", "such as https://ls/label"),
        ("http://ls:8080/user/account", "leave out /user/account"),
        ("http://ls:8080/api", "leave out /api"),
        ("http://ls:8080/?x=1", "must hold no ? and no #"),
        ("http://ls:8080/#top", "must hold no ? and no #"),
        ("http:///x", "must name a host"),
        ("http://ls:port", "port"),
        ("ls:8080", "must start with http:// or https://"),
        ("http://a b", "no spaces"),
    ],
)
def test_an_address_of_label_studio_that_makes_everything_404_is_refused(url: str, told: str) -> None:
    with pytest.raises(ValidationError, match="label_studio_url") as refused:
        Settings(label_studio_url=url)
    assert told.lower() in str(refused.value).lower()


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (" http://ls:8080 ", "http://ls:8080"),
        ("http://ls:8080//", "http://ls:8080"),
        ("https://ls/label-studio/", "https://ls/label-studio"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_of_label_studio_may_have_a_path_and_blanks_around_it(given: str, url: str) -> None:
    assert Settings(label_studio_url=given).label_studio_url == url


@pytest.mark.parametrize(
    "given", ["abc", " abc\n", '"abc"', "'abc'", "Token abc", "Bearer abc", '"Token abc"', "token  abc"]
)
def test_an_api_key_may_be_quoted_or_come_with_the_word_before_it(given: str) -> None:
    assert Settings(label_studio_api_key=given).api_key == "abc"


@pytest.mark.parametrize("given", ["two words", "gehört", "a\x00b", "abc # of Ann"])
def test_what_can_be_no_api_key_is_refused_and_not_shown(given: str) -> None:
    with pytest.raises(ValidationError, match="Personal Access Token") as refused:
        Settings(label_studio_api_key=given)
    assert given not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("RETRAIN_EVRY", "RETRAIN_EVERY"),
        ("RETRAIN-EVERY", "RETRAIN_EVERY"),
        ("RETRIAN_EVERY", "RETRAIN_EVERY"),
        ("LABEL_STUDIO_APIKEY", "LABEL_STUDIO_API_KEY"),
        ("LABELSTUDIO_URL", "LABEL_STUDIO_URL"),
        ("QUEUE_HEADS", "QUEUE_HEAD"),
        ("STRATEGYS", "STRATEGY"),
        ("ATLAS_STRATEGY", "STRATEGY"),
        ("LABEL_STUDIO_ATLAS_FOLDS", "FOLDS"),
        ("ATLAS_RETRAIN_EVRY", "RETRAIN_EVERY"),
    ],
)
def test_a_misspelt_setting_is_named_with_what_was_meant(name: str, meant: str) -> None:
    assert near_misses({name: "3", "PATH": "/bin"}) == {name: meant}


@pytest.mark.parametrize(
    "name",
    [
        *("RETRAIN_EVERY", "retrain_every", "HOSTNAME", "PORTS", "HOME", "POST", "SEEDS", "ATLAS_TAG"),
        *(
            "LABEL_STUDIO_HOST",
            "LABEL_STUDIO_PORT",
            "LABEL_STUDIO_USER_TOKEN",
            "REDIS_LISTEN",
            "XDG_DATA_DIRS",
        ),
        *(
            "OMP_NUM_THREADS",
            "TORCH",
            "DEVICES_ALLOWED",
            "MODEL",
            "WEB_CONCURRENCY",
            "BACKEND",
            "LABEL_STUDIO_USERNAME",
        ),
    ],
)
def test_other_programs_variables_are_no_misspelt_settings(name: str) -> None:
    assert near_misses({name: "3"}) == {}


def test_an_empty_misspelt_setting_changes_nothing_and_is_not_told() -> None:
    assert near_misses({"RETRAIN_EVRY": ""}) == {}


@pytest.mark.parametrize(
    ("host", "url", "bind"),
    [
        ("127.0.0.1", "http://127.0.0.1:9090", "127.0.0.1:9090"),
        ("0.0.0.0", "http://127.0.0.1:9090", "0.0.0.0:9090"),
        ("::1", "http://[::1]:9090", "[::1]:9090"),
        ("[::1]", "http://[::1]:9090", "[::1]:9090"),
        ("::", "http://[::1]:9090", "[::]:9090"),
        ("localhost", "http://localhost:9090", "localhost:9090"),
    ],
)
def test_the_web_server_may_listen_on_any_kind_of_address(host: str, url: str, bind: str) -> None:
    settings = Settings(host=host)
    assert (settings.own_url, settings.bind) == (url, bind)


def test_without_a_home_only_what_needs_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_has_one(self: Path) -> Path:
        if str(self).startswith("~"):
            raise RuntimeError("Could not determine home directory.")
        return self

    monkeypatch.setattr(Path, "expanduser", nobody_has_one)
    monkeypatch.setenv("DATA_DIR", "/data")
    assert Settings().cache_dir == Path("/data/cache")
    monkeypatch.delenv("DATA_DIR")
    with pytest.raises(ValidationError, match="set DATA_DIR"):
        Settings()


def test_the_largest_seed_is_the_largest_that_all_take_that_is_seeded() -> None:
    assert Settings(seed=LARGEST_SEED).seed == LARGEST_SEED
    check_random_state(LARGEST_SEED)
    with pytest.raises(ValueError, match="Seed must be between"):
        check_random_state(LARGEST_SEED + 1)
