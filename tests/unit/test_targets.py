from typing import Any

from backend.labelstudio.scheme import LabelScheme
from backend.labelstudio.targets import target_of

SCHEME = LabelScheme("c", "t", "text", ("a", "b"))


def annotation(choice: str | None, **more: Any) -> dict[str, Any]:
    region = {"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": [choice]}}
    return {"result": [] if choice is None else [region], "was_cancelled": False, **more}


def test_majority_wins() -> None:
    assert target_of([annotation("a"), annotation("b"), annotation("a")], SCHEME) == "a"


def test_ground_truth_outweighs_the_majority() -> None:
    assert target_of([annotation("a"), annotation("a"), annotation("b", ground_truth=True)], SCHEME) == "b"


def test_the_latest_breaks_a_tie() -> None:
    votes = [annotation("b", updated_at="2026-01-02"), annotation("a", updated_at="2026-01-01")]
    assert target_of(votes, SCHEME) == "b"


def test_a_skip_is_no_label_even_with_a_full_result() -> None:
    assert target_of([annotation("a", was_cancelled=True)], SCHEME) is None


def test_empty_unknown_and_malformed_results_are_no_label() -> None:
    odd = [
        annotation(None),
        annotation("gone"),
        {"result": "x"},
        {"result": [{"from_name": "c", "value": 1}]},
        3,
    ]
    assert target_of(odd, SCHEME) is None
