from pathlib import Path
from typing import Any

from backend.controls.votes import Vote, consensus, votes_of
from backend.jobs.pull import _settle
from backend.store.tasks import StoredTask, TaskStore
from tests.unit.schemes import scheme, several, single

MAIN = single("c", "a", "b")


def annotation(choice: str | None, **more: Any) -> dict[str, Any]:
    region = {"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": [choice]}}
    return {"result": [] if choice is None else [region], "was_cancelled": False, **more}


def by(annotator: int, choice: str | None, **more: Any) -> dict[str, Any]:
    return annotation(choice, completed_by=annotator, **more)


def target_of(annotations: list[Any]) -> str | None:
    return consensus({1: votes_of(annotations, MAIN)}, MAIN.agreement).get(1)


def test_majority_wins() -> None:
    assert target_of([by(1, "a"), by(2, "b"), by(3, "a")]) == "a"


def test_ground_truth_outweighs_the_majority() -> None:
    assert target_of([by(1, "a"), by(2, "a"), by(3, "b", ground_truth=True)]) == "b"
    truth = by(1, "b", ground_truth=True, updated_at="2026-01-01")
    assert target_of([truth, by(1, "a", updated_at="2026-01-02")]) == "b"  # the same annotator, later


def test_one_against_one_is_no_label() -> None:
    assert target_of([by(1, "b"), by(2, "a")]) is None


def test_an_annotators_latest_word_counts() -> None:
    changed_mind = [by(1, "b", updated_at="2026-01-02"), by(1, "a", updated_at="2026-01-01")]
    assert target_of(changed_mind) == "b"
    assert len(votes_of(changed_mind, MAIN)) == 1


def test_annotators_weigh_what_they_proved_worth() -> None:
    careful, other, careless = "1", "2", "3"
    together = {
        task: [Vote(careful, "a"), Vote(other, "a"), Vote(careless, "a" if task % 4 == 0 else "b")]
        for task in range(12)
    }
    disputed = {99: [Vote(careful, "a"), Vote(careless, "b")]}
    assert consensus({**together, **disputed}, MAIN.agreement)[99] == "a"
    assert consensus(disputed, MAIN.agreement)[99] is None


def closeness(one: str, other: str) -> float:
    """Of numbers from 1 to 5."""
    return 1 - abs(int(one) - int(other)) / 4


def test_what_is_close_to_most_votes_wins_over_what_one_of_them_said() -> None:
    """No two say the same; with equality as the agreement that would be a dispute."""
    votes = {1: [Vote("1", "1"), Vote("2", "5"), Vote("3", "3")], 2: [Vote("1", "1"), Vote("2", "5")]}
    assert consensus(votes, closeness) == {1: "3", 2: None}
    assert consensus(votes, MAIN.agreement) == {1: None, 2: None}


def test_who_comes_close_proves_worth_more_than_who_does_not() -> None:
    together = {
        task: [Vote("1", "4"), Vote("2", "4"), Vote("near", "5"), Vote("far", "1")] for task in range(12)
    }
    verdict = consensus({**together, 99: [Vote("far", "1"), Vote("near", "5")]}, closeness)
    assert verdict[99] == "5"


def test_a_skip_is_no_label_even_with_a_full_result() -> None:
    assert target_of([annotation("a", was_cancelled=True)]) is None


def test_empty_unknown_and_malformed_results_are_no_label() -> None:
    odd = [
        annotation(None),
        annotation("gone"),
        {"result": "x"},
        {"result": [{"from_name": "c", "value": 1}]},
        3,
    ]
    assert target_of(odd) is None


def test_an_empty_answer_is_a_vote_for_none_of_them() -> None:
    sets = several("c", ("a", "b"), blank=True)
    assert votes_of([by(1, None), by(2, "a")], sets) == (Vote("1", "[]"), Vote("2", '["a"]'))
    assert votes_of([by(1, None, was_cancelled=True)], sets) == ()
    assert votes_of([by(1, None)], several("c", ("a", "b"))) == ()


def test_a_companions_label_goes_when_its_annotators_no_longer_agree(tmp_path: Path) -> None:
    """Votes stay as they were; what changed is how much their annotators proved to weigh."""
    both = scheme(MAIN, single("d", "x", "y"))
    disputed = StoredTask(1, "one", True, {"d": [Vote("1", "x"), Vote("2", "y")]})
    together = [
        StoredTask(i, "more", True, {"d": [Vote("1", "x"), Vote("3", "x"), Vote("2", "y")]})
        for i in range(2, 12)
    ]
    with TaskStore(tmp_path / "tasks.sqlite") as store:
        store.upsert([disputed, *together])
        _settle(both, store)
        assert store.tasks()[0].others == {"d": "x"}  # annotator 2 disagreed with all others
        store.delete(range(2, 12))
        _settle(both, store)
        assert store.tasks()[0].others == {}
