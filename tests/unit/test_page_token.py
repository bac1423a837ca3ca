"""The token by which the pages know who may look."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend.errors import NotConfigured
from backend.store.page_token import FILE, SHORTEST, new_page_token, page_token


def test_it_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    token = page_token(tmp_path / "data")
    assert len(token) >= SHORTEST
    assert page_token(tmp_path / "data") == token
    assert (tmp_path / "data" / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == [FILE]


def test_all_who_make_it_at_once_get_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: page_token(tmp_path), range(16)))) == 1


def test_a_new_one_takes_its_place(tmp_path: Path) -> None:
    before = page_token(tmp_path)
    after = new_page_token(tmp_path)
    assert after != before
    assert page_token(tmp_path) == after


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"x" * (SHORTEST - 1), f"must hold at least {SHORTEST} characters; delete it to have one made"),
        (b"", "must hold at least"),
        (b" \n" * 40, "must hold at least"),
        ("\xe9".encode() * 40, "cannot be read"),
    ],
)
def test_one_that_could_be_guessed_or_not_read_is_refused(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(NotConfigured) as refused:
        page_token(tmp_path)
    assert says in str(refused.value)
    assert FILE in str(refused.value)


def test_white_space_around_it_is_none_of_it(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(" " + "k" * SHORTEST + "\n")
    assert page_token(tmp_path) == "k" * SHORTEST


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(NotConfigured, match="cannot be read"):
        page_token(tmp_path)
