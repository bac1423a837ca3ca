"""<Pairwise>: which of two texts is better, learned from what one has more of than the other."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.controls.base import Control
from backend.controls.config import parse_label_config
from backend.controls.scheme import LabelScheme
from backend.controls.unlearned import not_learned
from backend.encoders.base import is_cheap, is_pretrained
from backend.encoders.registry import find_encoder, is_at_hand
from backend.errors import LabelConfigError
from backend.pairs import BETWEEN, encoder_of_pairs, pair, sides
from backend.predicting import Predictor
from tests.fakes.loop import Loop

TEXTS = '<Text name="a" value="$one"/><Text name="b" value="$two"/>'
XML = f'<View><Pairwise name="pw" toName="a,b"/>{TEXTS}</View>'
ENCODERS = [name for name in ("lsa", "use+lsa") if is_at_hand(name)]
WORDS = ("awful broken bad", "poor slow dull", "fine usual plain", "good quick clear", "superb great best")


def pairwise() -> Control:
    return parse_label_config(XML).main


def region(value: Any, about: str = "pw") -> dict[str, Any]:
    return {"from_name": "pw", "to_name": about, "type": "pairwise", "value": {"selected": value}}


@pytest.mark.parametrize("about", ["pw", "a"])
def test_an_annotation_may_name_the_control_or_the_first_text(about: str) -> None:
    assert pairwise().read([region("right", about)]) == "right"
    assert pairwise().unknown_in(region("right", about)) == []


def test_a_prediction_names_the_first_text() -> None:
    (told,) = pairwise().regions("left", 0.5)
    assert told == {**region("left", "a"), "score": 0.5}


@pytest.mark.parametrize("given", ["center", "a", "", None, 1, ["left"], {}])
def test_what_is_neither_side_says_nothing(given: Any) -> None:
    assert pairwise().read([region(given)]) is None
    assert pairwise().unknown_in(region(given)) == (None if given is None else [given])


@given(st.text(), st.text())
def test_both_sides_come_back_from_a_pair(left: str, right: str) -> None:
    told = sides(pair(left, right))
    if left.strip() or right.strip():
        assert told == (left.replace(BETWEEN, " "), right.replace(BETWEEN, " "))
    else:
        assert told == ("", "")


def test_a_pair_is_another_one_than_the_same_words_parted_elsewhere() -> None:
    source = pairwise().source
    contents = [source.content({"one": one, "two": two}) for one, two in (("a b", "c"), ("a", "b c"))]
    assert len(set(source.words_of(contents))) == 2
    assert source.content({"one": " "}) == ""


def test_what_is_compared_is_kept_in_a_manifest() -> None:
    scheme = parse_label_config(XML)
    again = LabelScheme.from_json(scheme.as_json())
    assert again == scheme
    assert again.text_of({"one": "x", "two": "y"}) == f"x{BETWEEN}y"
    joined = parse_label_config(f'<View>{TEXTS}<Rating name="r" toName="a,b"/></View>')
    assert joined.source != scheme.source
    assert joined.source.about != scheme.source.about


@pytest.mark.parametrize("name", ENCODERS)
def test_changed_sides_give_the_opposite_vector_of_as_many_numbers(name: str) -> None:
    texts = [f"{one} thing" for group in WORDS for one in group.split()]
    pairs = [pair(one, two) for one, two in zip(texts, texts[3:], strict=False)]
    changed = [pair(*reversed(sides(each))) for each in pairs]
    encoder, single = (find_encoder(each).fit(pairs, seed=0) for each in (encoder_of_pairs(name), name))
    assert encoder.dims == single.dims
    vectors = encoder.encode(pairs)
    assert vectors.abs().sum(1).min() > 0
    assert torch.allclose(vectors, -encoder.encode(changed), atol=1e-6)
    assert encoder.encode([pair("same", "same")]).abs().max() == 0
    again = find_encoder(encoder_of_pairs(name)).restore(encoder.arrays())
    assert torch.allclose(again.encode(pairs), vectors, atol=1e-6)


def test_an_encoder_of_pairs_is_as_cheap_and_as_much_its_own_as_that_of_texts() -> None:
    for name in filter(is_at_hand, ("lsa", "use")):
        one, two = (find_encoder(each).fit(["x"], seed=0) for each in (name, encoder_of_pairs(name)))
        assert (is_cheap(one), is_pretrained(one)) == (is_cheap(two), is_pretrained(two))


def test_three_texts_or_a_text_and_an_image_are_refused_with_what_to_do() -> None:
    three = f'<View>{TEXTS}<Text name="c" value="$c"/><Pairwise name="pw" toName="a,b,c"/></View>'
    with pytest.raises(LabelConfigError, match=r'compares 3 tags; two are compared.*toName="a,b"'):
        parse_label_config(three)
    two = '<Image name="a" value="$a"/><Text name="b" value="$b"/>'
    with pytest.raises(LabelConfigError, match=r'<Image name="a"> with a text.*toName="a"'):
        parse_label_config(f'<View>{two}<Pairwise name="p" toName="a,b"/></View>')


def test_a_prompt_beside_two_answers_is_named_as_not_read_without_a_wrong_remedy() -> None:
    xml = XML.replace("<View>", '<View><Text name="prompt" value="$prompt"/>')
    (line,) = not_learned(xml)
    assert line == '<Text name="prompt">: only <Text name="a">, <Text name="b"> are read'


def test_the_loop_learns_which_is_better_and_not_where_it_stands(loop: Loop) -> None:
    worth = {f"{word} thing": place for place, group in enumerate(WORDS) for word in group.split()}
    texts = list(worth)
    tasks = [
        {"one": one, "two": two}
        for i, one in enumerate(texts)
        for two in texts[i % 2 :: 2]
        if worth[one] != worth[two]
    ]
    project = loop.fake.create(tasks, label_config=XML)
    right = {
        task: "left" if worth[row["data"]["one"]] > worth[row["data"]["two"]] else "right"
        for task, row in project.tasks.items()
    }
    for task in list(project.tasks)[::2]:
        loop.fake.annotate(project.id, task, [region(right[task])])
    loop.set(show_guess_from=0, audit_share=0)
    done = loop.retrain(project)
    assert set(done["labels"]) == {"left", "right"}
    shown = {
        each["task"]: each["result"][0]
        for each in project.predictions
        if each["model_version"] == done["model_version"]
    }
    assert {each["to_name"] for each in shown.values()} == {"a"}
    hits = [each["value"]["selected"] == right[task] for task, each in shown.items()]
    assert sum(hits) > 0.9 * len(hits)
    assert _by_the_web_server(loop, project.id, tasks) > 0.9


def _by_the_web_server(loop: Loop, project: int, tasks: list[dict[str, str]]) -> float:
    """In how many of the tasks it says the opposite once the sides are changed."""
    scheme, predictor = parse_label_config(XML), Predictor(loop.settings)
    changed = [{"one": each["two"], "two": each["one"]} for each in tasks]
    said = [
        [each["result"][0]["value"]["selected"] for each in predictor.predict(project, scheme, some)]
        for some in ([{"data": each} for each in group] for group in (tasks, changed))
    ]
    return sum(one != other for one, other in zip(*said, strict=True)) / len(tasks)
