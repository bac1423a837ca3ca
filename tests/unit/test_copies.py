"""Equal and nearly equal content: which tasks are copies, and how they are served, learned and guessed."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from backend.controls.sources import Image, Text
from backend.copied import UNKNOWN, seen_before
from backend.copies import copies_among, grouped, key_of, keys_of
from backend.encoders.lsa import TextEncoder
from backend.learning.training import train
from backend.store.manifests import version_from
from backend.store.model_version import ModelVersion
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject

LONG = " ".join(f"word{i}" for i in range(60))


def groups(texts: list[str]) -> list[int]:
    return grouped(texts, keys_of(texts), TextEncoder.fit(texts, dims=32).encode(texts)).tolist()


@pytest.mark.parametrize("other", ["Fire in the hills!", " fire  in the\nhills", "FIRE IN THE HILLS..."])
def test_case_white_space_and_punctuation_make_no_difference(other: str) -> None:
    assert key_of(other) == key_of("fire in the hills")


@pytest.mark.parametrize(
    ("one", "other"),
    [("it is good", "it is not good"), ("gate 12", "gate 13"), ("you came.", "you came?"), ("ok 😀", "ok 😡"),
     ("ok :)", "ok :("), ("man bites dog", "dog bites man")],
)  # fmt: skip
def test_what_says_something_else_is_no_copy(one: str, other: str) -> None:
    assert groups([one, other, "a third text"]) == [0, 1, 2]


@pytest.mark.parametrize("nothing", ["", " ", "..."])
def test_texts_without_content_are_nobodys_copies(nothing: str) -> None:
    assert groups([nothing, nothing, "a text", "a text"]) == [0, 1, 2, 2]


def test_long_texts_with_one_word_changed_are_nearly_equal_and_with_ten_they_are_not() -> None:
    changed = LONG.replace("word30", "other")
    rewritten = LONG.replace("word1", "other")
    others = [" ".join(f"{a}{i}" for i in range(60)) for a in ("a", "b", "c")]
    assert groups([LONG, *others, changed, rewritten]) == [0, 1, 2, 3, 0, 5]


def test_images_are_told_apart_by_their_whole_addresses() -> None:
    """A text that differs in case and punctuation alone is a copy; such an address leads to another image."""
    long = "/data/upload/" + "/".join(f"part{i}" for i in range(40))
    addresses = ["/1/IMG-1.jpg", "/1/img_1.jpg", "", f"{long}/a.jpg", f"{long}/b.jpg", "/1/IMG-1.jpg"]
    words = Image("image").words_of(addresses)
    alike = torch.ones(len(addresses), 4)
    assert grouped(words, keys_of(words), alike).tolist() == [0, 1, 2, 3, 4, 0]
    words = Text("text").words_of(addresses)
    assert grouped(words, keys_of(words), alike).tolist() == [0, 0, 2, 3, 3, 0]


def test_near_copies_are_found_among_thousands() -> None:
    rng = np.random.default_rng(0)
    texts = [" ".join(f"w{i}" for i in rng.integers(0, 3000, 60)) for _ in range(1500)]
    texts += [" ".join(["changed", *text.split()[1:]]) for text in texts[:200]]
    found = np.array(groups(texts))
    assert (found[:1500] == np.arange(1500)).all()
    assert (found[1500:] == np.arange(200)).mean() > 0.95


def test_who_is_served_and_whose_label_counts() -> None:
    texts = ["a text"] * 4 + ["b text"] * 2 + ["c text", "c text"]
    own = np.array([-1, 0, 1, -1, -1, -1, 1, 0])
    waits = np.array([True, False, False, True, True, True, False, False])
    found = copies_among(texts, keys_of(texts), TextEncoder.fit(texts, dims=8).encode(texts), own, waits)
    assert found.label.tolist() == [0, 0, 1, 0, -1, -1, 1, 0]  # an annotation of its own wins
    assert found.behind.tolist() == [True, False, False, True, False, True, False, False]


def test_of_near_copies_nobody_labelled_one_of_each_text_is_learned_from() -> None:
    near, further = LONG.replace("word30", "other"), LONG.replace("word31", "another")
    texts = [LONG, LONG, near, near.upper(), further, "a text", "another one"]
    own = np.array([1, -1, -1, -1, -1, 0, -1])
    vectors = TextEncoder.fit(texts, dims=8).encode(texts)
    found = copies_among(texts, keys_of(texts), vectors, own, own < 0)
    assert found.taught_beside(own).tolist() == [2, 4]
    assert found.label.tolist() == [1, 1, 1, 1, 1, 0, -1]


def test_copies_are_judged_by_networks_that_saw_none_of_them() -> None:
    """Labels drawn by lot cannot be learned: whoever saw a copy would be right nevertheless."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(40, 64, generator=generator), dim=1).repeat(3, 1)
    coin = torch.randint(0, 2, (40,), generator=generator).repeat(3)
    apart, together = train(rows, coin, 2), train(rows, coin, 2, together=torch.arange(40).repeat(3))
    assert apart.out_of_fold.correct.float().mean() > 0.9
    assert together.out_of_fold.correct.float().mean() < 0.75


def test_without_copies_everything_is_learned_as_before() -> None:
    rows, targets = torch.randn(30, 8, generator=torch.Generator().manual_seed(0)), torch.arange(30) % 3
    plain, given = train(rows, targets, 3), train(rows, targets, 3, together=torch.arange(30) + 5)
    assert torch.equal(plain.out_of_fold.layers.logits, given.out_of_fold.layers.logits)


def test_a_version_of_an_older_release_knows_no_copies_and_answers(loop: Loop) -> None:
    project = loop.create(24, labeled=8)
    loop.retrain(project)
    (folder,) = (loop.settings.data_dir / "projects" / str(project.id) / "versions").iterdir()
    weights = load_file(folder / "model.safetensors")
    manifest = json.loads((folder / "manifest.json").read_text())
    kept = {name: each for name, each in weights.items() if not name.startswith("known.")}
    old = version_from(manifest, kept)
    assert seen_before(old, ["a text", ""]).tolist() == [UNKNOWN, UNKNOWN]


def copied(loop: Loop, labeled: int = 0) -> tuple[FakeProject, list[int]]:
    """A project of 24 texts, four more that repeat texts 8 to 11, and one that repeats the first."""
    project = loop.create(24, labeled=labeled)
    texts = [task["data"]["text"] for task in project.tasks.values()]
    more = loop.fake.add_tasks(project.id, [f"{text.upper()}!" for text in (*texts[8:12], texts[0])])
    return project, more


def published(loop: Loop, project: FakeProject) -> ModelVersion:
    return loop.versions(project).load(project.settings["model_version"])


def test_copies_go_behind_all_else_and_stay_in_the_queue(loop: Loop) -> None:
    project, more = copied(loop, labeled=8)
    loop.retrain(project)
    queue = loop.queue(project)
    assert len(queue) == 21
    assert sorted(queue[-5:]) == sorted(more)


def test_before_any_label_copies_go_behind_too(loop: Loop) -> None:
    project, more = copied(loop)
    loop.retrain(project)
    assert sorted(loop.queue(project)[-5:]) == sorted(more)


def test_a_copys_guess_is_the_label_its_content_was_given_and_follows_it(loop: Loop) -> None:
    loop.set(show_guess_from=0.8)
    project, more = copied(loop, labeled=8)
    first, copy = next(iter(project.tasks)), more[-1]
    loop.retrain(project)
    assert guess(project, copy) == "disaster"
    (annotation,) = [each for each in project.annotations if each["task"] == first]
    loop.fake.change_annotation(project.id, annotation["id"], result=[choice("other")])
    loop.retrain(project)
    assert guess(project, copy) == "other"
    loop.fake.delete_annotation(project.id, annotation["id"])
    loop.retrain(project)
    assert published(loop, project).stats["trained_on"] == 7
    assert loop.queue(project).index(copy) > loop.queue(project).index(first)


def test_a_new_copy_is_put_behind_by_a_refill(loop: Loop) -> None:
    project = loop.create(24, labeled=8)
    loop.retrain(project)
    texts = [task["data"]["text"] for task in project.tasks.values()]
    new = loop.fake.add_tasks(project.id, [texts[0], texts[20]])
    loop.refill(project)
    assert sorted(loop.queue(project)[-2:]) == sorted(new)
    assert guess(project, new[0]) == "disaster"


def guess(project: FakeProject, task: int) -> str | None:
    """What Label Studio shows of a task, None where it shows nothing."""
    current = project.settings["model_version"]
    (found,) = [p for p in project.predictions if (p["task"], p["model_version"]) == (task, current)]
    return found["result"][0]["value"]["choices"][0] if found["result"] else None
