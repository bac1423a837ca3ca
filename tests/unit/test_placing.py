"""Where a task stands that was not there when the queue was ranked."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.placing import between
from backend.sampling import queue_scores

WORTH = st.floats(-1e3, 1e3, width=32)


@given(st.lists(WORTH, min_size=1, max_size=30), st.lists(WORTH, min_size=1, max_size=30), st.randoms())
def test_new_places_are_in_order_distinct_and_none_of_the_queues(
    ranked: list[float], new: list[float], random: object
) -> None:
    ranked.sort(reverse=True)
    keys = [(i + 0.5) / len(new) for i in range(len(new))]
    told = between(torch.tensor(ranked), torch.tensor(new), keys)
    queue = queue_scores(len(ranked)).tolist()
    assert len({*told, *queue}) == len(told) + len(queue)
    assert all(0 < place < 1 for place in told)
    for worth, place in zip(new, told, strict=True):
        assert all(place > queue[i] for i, other in enumerate(ranked) if other > worth)
        assert all(place < queue[i] for i, other in enumerate(ranked) if other < worth)


def test_a_place_does_not_depend_on_who_else_is_asked_about() -> None:
    ranked = torch.tensor([0.9, 0.5, 0.1])
    both = between(ranked, torch.tensor([0.6, 0.55]), [0.3, 0.7])
    assert both == between(ranked, torch.tensor([0.6]), [0.3]) + between(ranked, torch.tensor([0.55]), [0.7])
    assert both[0] < both[1]
