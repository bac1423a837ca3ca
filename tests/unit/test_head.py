import pytest

from backend.jobs.head import head_of
from backend.labelstudio.publishing import stale_versions


@pytest.mark.parametrize(
    ("touched", "first", "head"),
    [
        (set(), set(), [7, 3, 9]),
        ({7, 9}, set(), [3, 1, 5]),  # who skipped 7 and 9 needs others
        ({7, 9, 1, 5}, set(), [3, 7, 9]),
        (set(), {1, 5}, [1, 5, 7]),
        ({1}, {1, 5}, [5, 7, 3]),
    ],
)
def test_the_head_is_what_label_studio_will_get_to(
    touched: set[int], first: set[int], head: list[int]
) -> None:
    assert head_of([7, 3, 9, 1, 5], 3, touched, first) == head


@pytest.mark.parametrize(
    ("current", "stale"), [("c", ["a"]), ("d", ["a", "b"]), ("a", []), ("elsewhere", []), (None, [])]
)
def test_the_current_version_and_the_one_before_are_kept(current: str | None, stale: list[str]) -> None:
    assert stale_versions(current, ["a", "b", "c", "d"]) == stale
