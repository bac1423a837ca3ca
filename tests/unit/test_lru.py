from concurrent.futures import ThreadPoolExecutor

import pytest

from backend.lru import RecentlyUsed


def lru(max_bytes: int) -> RecentlyUsed[str, bytes]:
    return RecentlyUsed(max_bytes, len)


def never() -> bytes:
    raise AssertionError("it should have been held")


def test_the_least_recently_used_goes_when_the_bound_is_passed() -> None:
    held = lru(10)
    for key in "abc":
        held.get(key, lambda: b"1234")
    assert held.bytes == 8
    held.get("b", never)
    held.get("d", lambda: b"1234")
    held.get("b", never)
    with pytest.raises(AssertionError):
        held.get("c", never)


def test_a_value_larger_than_the_bound_is_held_alone() -> None:
    held = lru(10)
    held.get("a", lambda: b"1234")
    held.get("b", lambda: bytes(100))
    held.get("b", never)
    assert held.bytes == 100


def test_what_failed_to_load_is_tried_again() -> None:
    held = lru(10)
    with pytest.raises(AssertionError):
        held.get("a", never)
    assert held.get("a", lambda: b"1") == b"1"


def test_many_threads_load_a_value_once_and_stay_within_the_bound() -> None:
    held, loads = lru(50), []

    def load(key: str) -> bytes:
        loads.append(key)
        return bytes(10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: held.get(str(i % 5), lambda: load(str(i % 5))), range(500)))
    assert sorted(loads) == list("01234")
    assert held.bytes == 50
