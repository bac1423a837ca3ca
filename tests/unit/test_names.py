"""The light list of names agrees with what is registered."""

import pytest

from backend import names
from backend.encoders import registry as encoders
from backend.sampling import registry
from backend.sampling.registry import check_name


def test_the_names_are_those_that_are_registered() -> None:
    assert tuple(registry.STRATEGIES) == names.STRATEGIES
    assert tuple(encoders.ENCODERS) == names.ENCODERS
    assert registry.GROUP == names.STRATEGY_GROUP
    assert encoders.GROUP == names.ENCODER_GROUP


@pytest.mark.parametrize(
    "wrong", ["best", "", "margin within 20% by best", "70% auto and 30% best", "auto best"]
)
def test_a_name_that_nobody_has_is_refused_in_the_words_of_the_registry(wrong: str) -> None:
    with pytest.raises(ValueError) as light:
        names.is_known_strategy(wrong)
    with pytest.raises(ValueError) as full:
        check_name(wrong)
    assert str(light.value) == str(full.value)


@pytest.mark.parametrize("right", ["margin within 20% by representative", "70% auto and 30% random"])
def test_a_composition_is_left_to_the_registry(right: str) -> None:
    assert not names.is_known_strategy(right)
    assert check_name(right) == right


def test_our_own_names_need_no_second_look() -> None:
    assert all(map(names.is_known_strategy, names.STRATEGIES))
    assert names.is_known_encoder("lsa")
    with pytest.raises(ValueError, match="unknown encoder 'best'; choose one of: auto, lsa"):
        names.is_known_encoder("best")
