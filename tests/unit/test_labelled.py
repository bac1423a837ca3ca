from collections import Counter

import pytest

from backend.errors import AtlasError
from backend.labelled import hold_out

ROWS = [(f"text {i}", "rare" if i < 3 else "often") for i in range(60)] + [("alone", "single")]


def test_each_class_is_held_out_by_its_share_and_never_whole() -> None:
    pool, held_out = hold_out(ROWS, 0.2, 500, seed=1)
    assert sorted(pool + held_out) == sorted(ROWS)
    assert Counter(label for _, label in held_out) == {"often": 12, "rare": 1}
    assert hold_out(ROWS, 0.2, 500, seed=1) == (pool, held_out) != hold_out(ROWS, 0.2, 500, seed=2)
    assert len(hold_out(ROWS, 0.2, 6, seed=1)[1]) == 7  # a class is not cut below one


@pytest.mark.parametrize("rows", [[], [("a", "x"), ("b", "x")], [("a", "x"), ("b", "x"), ("c", "y")]])
def test_two_classes_of_two_texts_are_the_least(rows: list[tuple[str, str]]) -> None:
    with pytest.raises(AtlasError, match="two classes with two texts"):
        hold_out(rows, 0.2, 500, seed=0)
