"""Several controls order one queue: each by what it learned, in turn, by its weight."""

from __future__ import annotations

import random
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from backend.controls.config import parse_label_config
from backend.controls.weights import parse_weights, shares_of, unknown_weights
from backend.doctor import examine  # noqa: F401  registers the checks
from backend.doctor.checks import CHECKS
from backend.doctor.finding import State
from backend.loaded import load_version
from backend.predicting import Predictor
from backend.sampling import Ranking, make_scene, rank_scene
from backend.sampling.turns import due, in_turns
from backend.settings import Settings
from backend.store.locations import project_files
from backend.store.reason import Reason
from backend.store.served import ServedHeads
from backend.web.app import create_app
from tests.fakes.label_studio import choice
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject
from tests.unit.scenes import random_scene

KINDS = {
    "mood": {"glad": "joy smile cheer delight", "sad": "grief tears gloom sorrow"},
    "topic": {"sport": "goal match coach race", "money": "bank loan market tax"},
}
CONFIG = '<View><Text name="text" value="$text"/>' + "".join(
    f'<Choices name="{name}" toName="text">' + "".join(f'<Choice value="{c}"/>' for c in kinds) + "</Choices>"
    for name, kinds in KINDS.items()
)
CONFIG += "</View>"
LABELED, EACH = 24, 20


def words(control: str, kind: str, rng: random.Random) -> list[str]:
    return rng.sample(KINDS[control][kind].split(), 2)


def text(rng: random.Random, number: int, unclear: str | None) -> tuple[str, dict[str, str]]:
    """Of the unclear control it has words of both kinds."""
    kinds = {name: rng.choice(list(of)) for name, of in KINDS.items()}
    found = [f"n{number}"]
    for name, of in KINDS.items():
        found += [w for kind in of for w in words(name, kind, rng)] if name == unclear else []
        found += words(name, kinds[name], rng) * 2 if name != unclear else []
    return " ".join(found), kinds


@pytest.fixture(autouse=True)
def small(loop: Loop, tmp_path: Path) -> None:
    loop.set(data_dir=tmp_path / "data", queue_head=24, encoder="lsa", strategy="margin")


def made(loop: Loop) -> tuple[FakeProject, dict[int, str | None]]:
    """A project with LABELED clear tasks that are labelled, and of the others which control is unclear."""
    rng = random.Random(3)
    unclear = [None] * LABELED + ["mood"] * EACH + ["topic"] * EACH + [None] * EACH
    rows = [text(rng, number, which) for number, which in enumerate(unclear)]
    project = loop.fake.create([row[0] for row in rows], label_config=CONFIG)
    tasks = list(project.tasks)
    for task, (_, kinds) in list(zip(tasks, rows, strict=True))[:LABELED]:
        loop.fake.annotate(project.id, task, [choice(kind, name) for name, kind in kinds.items()])
    return project, dict(zip(tasks, unclear, strict=True))


def head(loop: Loop, project: FakeProject, unclear: dict[int, str | None]) -> list[str | None]:
    loop.retrain(project)
    return [unclear[task] for task in loop.queue(project)]


def reasons(loop: Loop, project: FakeProject) -> dict[int, Reason]:
    name = str(project.settings["model_version"])
    return ServedHeads(project_files(loop.settings, project.id)).read(name) or {}


def test_what_the_second_control_doubts_comes_up_by_its_weight(loop: Loop) -> None:
    project, unclear = made(loop)
    alone = head(loop, project, unclear)
    assert alone[:12].count("mood") >= 11  # the first control's doubts alone
    loop.set(control_weights="mood=1,topic=1")
    even = head(loop, project, unclear)
    assert even[:12].count("topic") == even[:12].count("mood") == 6
    loop.set(control_weights="mood=3,topic=1")
    uneven = head(loop, project, unclear)
    assert (uneven[:12].count("mood"), uneven[:12].count("topic")) == (9, 3)
    loop.set(control_weights="topic=1")
    other = head(loop, project, unclear)
    assert other[:12].count("topic") >= 11


def test_a_connection_names_the_weights_of_its_project(loop: Loop) -> None:
    project, unclear = made(loop)
    loop.retrain(project)
    (connection,) = project.connections.values()
    connection["extra_params"] = {"control_weights": {"mood": 3, "topic": 1}}
    loop.state(project).note_changes(0)
    assert loop.reconcile(project) == "other weights of the controls are asked for"
    weighed = head(loop, project, unclear)
    assert (weighed[:12].count("mood"), weighed[:12].count("topic")) == (9, 3)
    connection["extra_params"] = {"control_weights": "mood=1,gone=2"}  # the label config changed under it
    loop.reconcile(project)
    assert head(loop, project, unclear)[:12].count("mood") >= 11


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("mood=1,stance=2", "names stance; the controls that are learned of this project: mood, topic"),
        ("topic=1", "must name mood too"),
        ("mood=0,topic=1", "no weight"),
    ],
)
def test_weights_that_a_project_cannot_have_are_refused_when_they_are_saved(
    loop: Loop, named: str, told: str
) -> None:
    loop.set(label_studio_api_key="k")
    client = create_app(loop.settings).test_client()
    body = {"project": "1.1", "schema": CONFIG, "extra_params": {"control_weights": named}}
    refused = client.post("/setup", json=body)
    assert refused.status_code == 400
    assert told in refused.get_json()["error"]
    body["extra_params"] = {"control_weights": "mood=2,topic=1"}
    assert client.post("/setup", json=body).status_code == 200


def test_each_reason_names_its_control_and_its_doubt(loop: Loop) -> None:
    loop.set(control_weights="mood=1,topic=1")
    project, _ = made(loop)
    done = loop.retrain(project)
    found = reasons(loop, project)
    assert list(found) == loop.queue(project)
    assert [why.control for why in found.values()][:6] == ["mood", "topic"] * 3
    by = {name: [w.doubt for w in found.values() if w.control == name] for name in KINDS}
    for doubts in by.values():
        assert doubts == sorted(doubts, key=lambda doubt: -(doubt or 0))
        assert min(doubts[:6], key=lambda doubt: doubt or 0) is not None
    told = done["controls"]
    assert {name: each["share"] for name, each in told.items()} == {"mood": 0.5, "topic": 0.5}
    assert all(each["trained_on"] == LABELED and each["accuracy"] > 0.5 for each in told.values())


def test_new_tasks_find_their_place_by_the_control_that_doubts_them(loop: Loop) -> None:
    loop.set(control_weights="mood=1,topic=1")
    project, _ = made(loop)
    loop.retrain(project)
    rng = random.Random(9)
    asked: list[dict[str, Any]] = [
        {"id": 9000 + i, "data": {"text": text(rng, 900 + i, which)[0]}}
        for i, which in enumerate(["mood", "topic", None] * 5)
    ]
    answers = Predictor(loop.settings).predict(project.id, parse_label_config(CONFIG), asked)
    scores = [answer["score"] for answer in answers]
    clear = scores[2::3]
    for doubted in (scores[0::3], scores[1::3]):
        assert sum(doubted) / 5 < sum(clear) / 5
    assert len(set(scores)) == 15
    assert all(0 < score < 1 for score in scores)


def test_a_version_that_several_order_comes_back_as_it_was(loop: Loop) -> None:
    loop.set(control_weights="mood=3,topic=1", strategy="transfer_uncertainty")
    project, _ = made(loop)
    done = loop.retrain(project)
    version = load_version(loop.settings, project.id, done["model_version"]).version
    assert [(order.control, order.share) for order in version.orders] == [("mood", 0.75), ("topic", 0.25)]
    assert all(len(order.worth) == 3 * EACH for order in version.orders)
    assert (version.queue_worth.diff() <= 0).all()
    assert version.origin.controls == ("mood", "topic")


def test_one_control_alone_keeps_nothing_of_others(loop: Loop) -> None:
    project, _ = made(loop)
    done = loop.retrain(project)
    version = load_version(loop.settings, project.id, done["model_version"]).version
    assert (version.orders, version.origin.controls, "controls" in done) == ((), (), False)


def test_a_control_without_labels_of_its_own_asks_for_typical_tasks(loop: Loop) -> None:
    loop.set(control_weights="mood=1,topic=1")
    project, _ = made(loop)
    for annotation in list(project.annotations):
        annotation["result"] = annotation["result"][:1]  # of mood alone
    loop.retrain(project)
    told = [(why.control, why.strategy) for why in reasons(loop, project).values()]
    assert set(told) == {("mood", "margin"), ("topic", "cold_start")}
    assert told[:12].count(("topic", "cold_start")) >= 4  # of its six, others mood wanted first


def test_before_any_label_the_order_is_the_one_of_before(loop: Loop) -> None:
    rng = random.Random(1)
    texts = [text(rng, number, None)[0] for number in range(40)]
    project = loop.fake.create(texts, label_config=CONFIG)
    loop.retrain(project)
    before = loop.queue(project)
    loop.set(control_weights="mood=1,topic=1")
    loop.retrain(project)
    assert loop.queue(project) == before


@pytest.fixture
def rankings() -> tuple[Ranking, Ranking]:
    pool, labeled, targets = random_scene(n=200)
    one = rank_scene("margin", make_scene(pool, labeled, targets), 30)
    other = (torch.arange(len(labeled)) % 2)[torch.randperm(len(labeled))]
    return one, rank_scene("margin", make_scene(pool, labeled, other), 30)


def test_every_stretch_of_the_order_is_shared_out(rankings: tuple[Ranking, Ranking]) -> None:
    turns = in_turns(rankings, [0.75, 0.25], 30)
    assert sorted(turns.ranking.order.tolist()) == list(range(200))
    for n in (4, 8, 16, 28):
        assert abs(int((turns.turn[:n] == 1).sum()) - n / 4) <= 1
        for ranking, share in zip(rankings, (0.75, 0.25), strict=True):
            wanted = set(ranking.order[: int(share * n) - 1].tolist())
            assert wanted <= set(turns.ranking.order[:n].tolist())
    worth = turns.ranking.worth
    assert worth is not None
    assert (worth[turns.ranking.order].diff() <= 0).all()


def test_an_item_that_is_new_is_due_where_its_like_stands() -> None:
    worths = torch.rand(2, 200, generator=torch.Generator().manual_seed(0))
    by, ones = ("margin",) * 200, torch.ones(200)
    ranked = [
        Ranking(worth.argsort(descending=True), worth, None, [], by, ones.long(), ones) for worth in worths
    ]
    turns, shares = in_turns(ranked, [0.75, 0.25], 200), (0.75, 0.25)
    dues = [
        due(worth.sort(descending=True).values, worth, share)
        for worth, share in zip(worths, shares, strict=True)
    ]
    assert turns.ranking.worth is not None
    apart = (-torch.stack(dues).min(0).values - turns.ranking.worth).abs() * 200
    assert apart.max() <= 4  # a place, by the smaller share


def test_weights_are_read_and_a_wrong_one_says_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse_weights(" mood=2, topic=0.5 ") == {"mood": 2, "topic": 0.5}
    assert parse_weights("") == {}
    for wrong in ("mood", "mood=", "=2", "mood=0", "mood=-1", "mood=nan", "mood=2,mood=1"):
        with pytest.raises(ValidationError, match=r"mood=1|named twice|sentiment=2,topic=1"):
            Settings(control_weights=wrong)
    with pytest.raises(ValidationError, match="does not name topic, which QUEUE_CONTROL does"):
        Settings(control_weights="mood=1", queue_control="topic")


def test_names_that_a_project_does_not_have_are_told(loop: Loop) -> None:
    scheme = parse_label_config(CONFIG, ("topic",))
    assert scheme.main.from_name == "topic"
    assert shares_of(scheme, {"topic": 1, "mood": 3}) == {"topic": 0.25, "mood": 0.75}
    assert shares_of(scheme, {"stance": 1}) == {"topic": 1}
    assert unknown_weights(scheme, {"stance": 1}) is None  # another project's
    told = unknown_weights(scheme, {"topic": 1, "stance": 1})
    assert told is not None
    assert "names stance" in told
    assert "there are: topic, mood" in told


@pytest.mark.parametrize(
    ("weights", "state", "told"),
    [
        ("", State.OK, "mood alone orders the queue"),
        ("topic=1,mood=3", State.OK, "the queue is ordered by topic 25%, mood 75%"),
        ("topic=1,stance=3", State.WRONG, "CONTROL_WEIGHTS names stance"),
    ],
)
def test_doctor_says_who_orders_the_queue(weights: str, state: State, told: str) -> None:
    settings = Settings(control_weights=weights)
    scheme = parse_label_config(CONFIG, settings.queue_controls)
    bench = SimpleNamespace(bench=SimpleNamespace(settings=settings), scheme=scheme, connections=[])
    finding = CHECKS["controls"].function(bench)
    assert (finding.state, finding.found[: len(told)]) == (state, told)
    assert state is State.OK or "Correct CONTROL_WEIGHTS" in (finding.remedy or "")


def test_doctor_says_which_weights_the_connection_asks_for() -> None:
    scheme = parse_label_config(CONFIG)

    def found(named: str) -> tuple[State, str]:
        asked = [SimpleNamespace(weights=named)]
        bench = SimpleNamespace(bench=SimpleNamespace(settings=Settings()), scheme=scheme, connections=asked)
        finding = CHECKS["controls"].function(bench)
        return finding.state, finding.found

    told = "the queue is ordered by mood 75%, topic 25%, as the connection asks"
    assert found("mood=3,topic=1") == (State.OK, told)
    assert found("mood=3,gone=1")[0] is State.WRONG
