"""Spans as words' tags, and the tagger that learns them."""

from __future__ import annotations

from itertools import product
from statistics import fmean

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from backend.learning.bio import OUTSIDE, UNSAID, Span, spans_of, tags_of, words_of
from backend.learning.network import LayeredNetwork, Shape
from backend.learning.tagger import Tagger
from backend.learning.tagging import TaggerTrained, train_tagger, train_tagger_alone
from backend.learning.units import Units
from backend.learning.viterbi import viterbi

MARKS = torch.tensor([[0, 3], [4, 8], [8, 9], [10, 15], [16, 20]])
TAGS = 5
"""Of two labels."""


def test_a_spans_first_word_begins_it_and_the_others_are_inside() -> None:
    assert tags_of(MARKS, [Span(4, 15, 1), Span(0, 3, 0)]).tolist() == [1, 3, 4, 4, 0]
    assert tags_of(MARKS, []).tolist() == [OUTSIDE] * 5


def test_a_word_is_in_the_span_that_has_most_of_its_characters() -> None:
    assert tags_of(MARKS, [Span(5, 13, 0)]).tolist() == [0, 1, 2, 2, 0]
    assert tags_of(MARKS, [Span(6, 12, 0)]).tolist() == [0, 0, 1, 0, 0]  # two of four are not most
    assert tags_of(MARKS, [Span(9, 10, 0)]).tolist() == [0] * 5  # a space


def test_of_spans_that_overlap_the_longest_is_kept() -> None:
    nested = [Span(4, 8, 0), Span(0, 9, 1), Span(8, 15, 0), Span(16, 20, 0)]
    assert tags_of(MARKS, nested).tolist() == [3, 4, 4, 0, 1]
    assert words_of(MARKS, nested[:1]).tolist() == [False, True, False, False, False]


@given(st.lists(st.integers(0, TAGS - 1), max_size=9), st.integers(0, 8))
def test_tags_of_the_spans_in_tags_are_the_tags(tags: list[int], second: int) -> None:
    """Where they are spans at all, and none reaches over from one text into the next."""
    item = torch.tensor([int(i >= second) for i in range(len(tags))], dtype=torch.int64)
    whole = viterbi(one_hot(torch.tensor(tags, dtype=torch.int64)), item, 2)
    found = spans_of(whole, item)
    marks = torch.arange(len(tags))[:, None] * 2 + torch.tensor([0, 1])
    spans = [Span(2 * a, 2 * b - 1, label) for a, b, label in found.tolist()]
    assert torch.equal(tags_of(marks, spans), whole)


def one_hot(tags: Tensor) -> Tensor:
    return torch.log(torch.nn.functional.one_hot(tags, TAGS).double() * 0.9 + 0.02)


def is_grammatical(path: tuple[int, ...]) -> bool:
    before = OUTSIDE
    for tag in path:
        if tag and tag % 2 == 0 and before not in (tag, tag - 1):
            return False
        before = tag
    return True


def test_viterbi_finds_the_best_path_of_all_that_are_spans() -> None:
    likely = torch.randn(13, TAGS, generator=torch.Generator().manual_seed(0)).log_softmax(-1)
    counts = [4, 0, 1, 5, 3]
    item = torch.arange(5).repeat_interleave(torch.tensor(counts))
    found = viterbi(likely, item, 5)
    for number, rows in enumerate(likely.split(counts)):
        paths = [path for path in product(range(TAGS), repeat=len(rows)) if is_grammatical(path)]
        best = max(paths, key=lambda path: sum(float(rows[i, tag]) for i, tag in enumerate(path)))
        assert tuple(found[item == number].tolist()) == best


def test_without_words_there_is_nothing_to_find() -> None:
    nothing = Units(torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), torch.zeros(0, 2), 2)
    assert Tagger(LayeredNetwork(Shape(3, TAGS))).decode(nothing) == [[], []]


def toy(items: int, seed: int = 0, noise: float = 1.0) -> tuple[Units, Tensor]:
    """Texts of 4 to 9 words; a word's row says its tag, with noise."""
    made = torch.Generator().manual_seed(seed)
    counts = torch.randint(4, 10, (items,), generator=made)
    item = torch.arange(items).repeat_interleave(counts)
    kinds = torch.randn(TAGS, 16, generator=torch.Generator().manual_seed(9))
    wanted = torch.randint(0, 3 * TAGS, (len(item),), generator=made)
    likely = one_hot(wanted.where(wanted < TAGS, OUTSIDE))
    tags = viterbi(likely, item, items)
    rows = kinds[tags] + torch.randn(len(item), 16, generator=made) * noise
    within = torch.arange(len(item)) - (counts.cumsum(0) - counts)[item]
    marks = torch.stack([within * 5, within * 5 + 4], 1)
    return Units((rows / 6).half(), item, marks, items), tags


@pytest.fixture(scope="module")
def trained() -> TaggerTrained:
    return train_tagger(*toy(80), TAGS)


def test_a_tagger_beats_chance_and_its_held_out_verdicts_say_so(trained: TaggerTrained) -> None:
    units, tags = toy(60, seed=1)
    right = float((trained.tagger.tags(units) == tags).double().mean())
    verdicts = float(trained.correct.double().mean())
    assert right > float((tags == OUTSIDE).double().mean()) + 0.1
    assert abs(right - verdicts) < 0.1


def test_what_it_finds_are_spans_by_their_characters_each_with_its_probability(
    trained: TaggerTrained,
) -> None:
    units, _ = toy(30, seed=2)
    tags, found = trained.tagger.tags(units), trained.tagger.decode(units)
    for number, spans in enumerate(found):
        own = units.item == number
        marks = units.marks[own]
        assert torch.equal(tags_of(marks, [Span(*span[:3]) for span in spans]), tags[own])
        assert all(0 < span.confidence <= 1 for span in spans)
    assert sum(map(len, found)) > 10


def test_surer_spans_are_more_often_right(trained: TaggerTrained) -> None:
    units, tags = toy(300, seed=3, noise=2.0)
    owner = units.item.tolist()
    truth = {
        (owner[a], int(units.marks[a, 0]), int(units.marks[b - 1, 1]), label)
        for a, b, label in spans_of(tags, units.item).tolist()
    }
    found = [
        ((number, *span[:3]) in truth, span.confidence)
        for number, spans in enumerate(trained.tagger.decode(units))
        for span in spans
    ]
    ordered = [right for right, _ in sorted(found, key=lambda each: each[1])]
    half = len(ordered) // 2
    assert sum(ordered[half:]) > sum(ordered[:half]) * 1.2


def test_a_confidence_is_how_often_such_spans_are_right() -> None:
    noisy = train_tagger(*toy(200, noise=2.5), TAGS)
    units, tags = toy(400, seed=6, noise=2.5)
    truth = {tuple(span) for span in spans_of(tags, units.item).tolist()}
    whole = noisy.tagger.tags(units)
    right = [tuple(span) in truth for span in spans_of(whole, units.item).tolist()]
    sure = [span.confidence for spans in noisy.tagger.decode(units) for span in spans]
    noisy.tagger.sureness.copy_(torch.tensor([0.0, 1.0]))
    by_itself = [span.confidence for spans in noisy.tagger.decode(units) for span in spans]
    wrong_by = abs(fmean(sure) - fmean(right))
    assert wrong_by < 0.08
    assert wrong_by < abs(fmean(by_itself) - fmean(right))


def test_no_sibling_that_gives_a_verdict_saw_a_word_of_the_item() -> None:
    """Rows that only name their item: who saw it knows all its tags, who did not knows none."""
    item = torch.arange(40).repeat_interleave(3)
    tags = (torch.arange(40) % 2 * 1).repeat_interleave(3)
    units = Units(torch.eye(40)[item], item, torch.zeros(120, 2, dtype=torch.int64), 40)
    trained = train_tagger(units, tags, 3)
    seen = trained.labeled.layers.logits.argmax(-1) == tags
    assert float(seen.double().mean()) > 0.95
    assert float(trained.correct.double().mean()) < 0.7


def test_copies_are_in_one_fold() -> None:
    item = torch.arange(40).repeat_interleave(3)
    tags = (torch.arange(20) % 2).repeat(2).repeat_interleave(3)
    units = Units(torch.eye(20)[item % 20], item, torch.zeros(120, 2, dtype=torch.int64), 40)
    apart = train_tagger(units, tags, 3)
    together = train_tagger(units, tags, 3, together=torch.arange(20).repeat(2))
    assert float(apart.correct.double().mean()) > float(together.correct.double().mean()) + 0.2


def test_words_that_annotators_disagree_on_are_not_learned_from() -> None:
    units, tags = toy(40)
    spoilt = tags.clone()
    doubted = units.item < 10
    spoilt[doubted] = UNSAID
    trained = train_tagger(units, spoilt, TAGS)
    assert set(trained.held_out.item.tolist()) == set(range(10, 40))
    assert len(trained.correct) == int((~doubted).sum())
    assert trained.held_out.items == trained.labeled.items == 40
    assert len(trained.labeled.item) == len(tags)


def test_a_tagger_alone_learns_what_the_one_with_siblings_does(trained: TaggerTrained) -> None:
    units, tags = toy(60, seed=1)
    alone = train_tagger_alone(*toy(80), TAGS)
    both = [float((each.tags(units) == tags).double().mean()) for each in (alone, trained.tagger)]
    assert both[0] == pytest.approx(both[1], abs=0.02)


def test_with_one_kind_of_tag_there_is_nothing_to_learn() -> None:
    units, tags = toy(5)
    with pytest.raises(ValueError, match="two tags"):
        train_tagger(units, torch.zeros_like(tags), TAGS)


def test_what_is_learned_of_a_pool_is_of_its_words(trained: TaggerTrained) -> None:
    pool, _ = toy(12, seed=4)
    learned = trained.learned(pool)
    assert learned.members().shape == (learned.n_siblings, len(pool.rows), TAGS)
    assert learned.pool.mean_layers().probabilities.shape == (12, TAGS)
    items, sibling = torch.tensor([7, 2]), torch.tensor([1, 0])
    seen = learned.by_siblings(items, sibling)
    for place, (item, by) in enumerate(zip(items, sibling, strict=True)):
        wanted = learned.members()[by, pool.item == item]
        assert torch.allclose(seen.layers.probabilities[seen.item == place], wanted, atol=1e-5)


def test_a_tagger_comes_back_out_of_its_description_and_its_weights(trained: TaggerTrained) -> None:
    tagger, (units, _) = trained.tagger, toy(9, seed=5)
    again = Tagger.restored(tagger.described(), tagger.state_dict())
    assert tagger.described()["kind"] == Tagger.kind
    assert again.decode(units) == tagger.decode(units)


def test_a_network_takes_over_the_scaling_of_what_it_reads() -> None:
    made = torch.Generator().manual_seed(0)
    rows = torch.randn(20, 6, generator=made)
    center, size = rows.mean(0), torch.tensor(3.0)
    network = LayeredNetwork(Shape(6, 3, 2), seed=1)
    wanted = network((rows - center) / size).logits
    network.take_over_scaling(center, size)
    assert torch.allclose(network(rows).logits, wanted, atol=1e-5)
