"""Tasks that somebody wants labelled next stand first until they are labelled or released."""

from __future__ import annotations

import pytest

from backend.jobs.head import head_of
from backend.jobs.heeding import AT_ONCE, heed_selection
from backend.jobs.selections import FIRST, RELEASE, SHOW, Selection, Selections
from backend.labelstudio.tabs import MOST_RANGES, ranges
from backend.store.files import Files
from backend.store.locations import project_files
from backend.store.reason import WANTED
from backend.store.served import ServedHeads
from backend.store.wanted_first import FRONT, Front, WantedFirst, front_place
from tests.fakes.loop import Loop
from tests.fakes.project import FakeProject


def heed(loop: Loop, project: FakeProject, selection: Selection) -> Selection:
    key = loop.dispatcher.request_heed(project.id, selection)
    heed_selection(project.id, key)
    done = Selections(loop.redis, project.id).read(key)
    assert done is not None
    return done


def trained(loop: Loop, **settings: object) -> FakeProject:
    loop.set(queue_head=6, **settings)
    project = loop.create(40, labeled=8)
    loop.retrain(project)
    return project


def lasso(loop: Loop, project: FakeProject) -> list[int]:
    """Three tasks: the last of the published head, and two that are far behind it."""
    order = loop.versions(project).load(loop.versions(project).names()[-1]).queue_ids.tolist()
    return [order[5], order[20], order[30]]


def test_places_in_front_are_distinct_and_before_every_other() -> None:
    places = [front_place(wish, place) for wish in (3, 2, 1) for place in (1e-6, 0.3, 0.300001, 1 - 1e-6)]
    assert places == sorted(set(places))
    assert places[0] > 0
    assert places[-1] < FRONT


def test_the_latest_wish_comes_first_and_a_task_is_in_one_wish() -> None:
    front = Front().with_wish([1, 2, 3], "ann").with_wish([3, 4])
    assert front.number_of == {1: 1, 2: 1, 3: 2, 4: 2}
    assert head_of([9, 1, 2, 3, 4], 4, wanted=front.number_of) == [3, 4, 1, 2]
    assert front.without_wish(2).number_of == {1: 1, 2: 1}
    assert front.without_wish(2).released == (3, 4)
    assert front.without_wish(2).with_wish([4]).released == (3,)
    assert front.among({2, 4}).number_of == {2: 1, 4: 2}
    assert not front.among({2, 4}).released


def test_what_somebody_touched_of_the_wanted_stays_for_the_others() -> None:
    assert head_of([1, 2, 3, 4], 2, touched={4}, wanted={4: 1, 3: 1}) == [3, 1, 4]


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"wishes": [{"tasks": ["x"]}], "used": 1}'])
def test_a_damaged_file_stops_no_queue(files: Files, content: bytes) -> None:
    files.write("wanted-first.json", content)
    assert WantedFirst(files).read() == Front()


@pytest.fixture
def files(tmp_path: object) -> Files:
    return Files(tmp_path)  # type: ignore[arg-type]


def test_what_is_written_is_read(files: Files) -> None:
    front = Front().with_wish([5, 6], "ann", 12.5).with_wish([7]).without([6])
    WantedFirst(files).write(front)
    assert WantedFirst(files).read() == front


def test_a_lasso_stands_first_at_once_and_over_refills_and_retrains(loop: Loop) -> None:
    project = trained(loop)
    wanted = lasso(loop, project)
    done = heed(loop, project, Selection(FIRST, tuple(reversed(wanted)), "ann"))
    assert "3 tasks stand first" in done.said
    assert loop.queue(project)[:3] == wanted  # in the queue's own order
    loop.refill(project)
    assert loop.queue(project)[:3] == wanted
    for _ in range(2):
        others = [task for task in project.tasks if task not in wanted and not project.annotations.of(task)]
        loop.label(project, others[0])
        loop.retrain(project)
        assert set(loop.queue(project)[:3]) == set(wanted)
    assert len(loop.queue(project)) >= 6  # the head is full behind them


def test_a_large_lasso_waits_for_its_first_tasks_alone_and_a_refill_moves_the_others(loop: Loop) -> None:
    project = trained(loop)
    loop.set(queue_head=40)
    loop.refill(project)
    order = loop.queue(project)
    wanted = order[-AT_ONCE - 5 :]
    loop.fake.requests.clear()
    heed(loop, project, Selection(FIRST, tuple(wanted)))
    moves = [each for each in loop.fake.requests if each.startswith("PATCH ") and "/predictions/" in each]
    assert len(moves) == AT_ONCE
    assert loop.queue(project)[:AT_ONCE] == wanted[:AT_ONCE]
    assert loop.queue(project)[AT_ONCE] == order[0]
    assert f"refill-{project.id}" in loop.jobs()
    loop.refill(project)
    assert loop.queue(project) == [*wanted, *order[: -AT_ONCE - 5]]


def test_a_wanted_task_that_is_labelled_is_wanted_no_more(loop: Loop) -> None:
    project = trained(loop)
    wanted = lasso(loop, project)
    heed(loop, project, Selection(FIRST, tuple(wanted)))
    loop.label(project, wanted[0])
    loop.retrain(project)
    assert set(loop.queue(project)[:2]) == set(wanted[1:])
    kept = WantedFirst(project_files(loop.settings, project.id)).read()
    assert set(kept.number_of) == set(wanted[1:])


def test_the_undo_puts_tasks_back_where_they_were(loop: Loop) -> None:
    project = trained(loop)
    before = loop.queue(project)
    done = heed(loop, project, Selection(FIRST, tuple(lasso(loop, project))))
    assert loop.queue(project)[:6] != before[:6]
    undone = heed(loop, project, Selection(RELEASE, wish=done.made))
    assert "3 tasks went back" in undone.said
    assert loop.queue(project)[:6] == before[:6]
    kept = WantedFirst(project_files(loop.settings, project.id)).read()
    assert kept.is_settled


def test_why_a_wanted_task_is_first_is_kept(loop: Loop) -> None:
    project = trained(loop)
    wanted = lasso(loop, project)
    heed(loop, project, Selection(FIRST, tuple(wanted)))
    loop.retrain(project)
    files = project_files(loop.settings, project.id)
    heads = ServedHeads(files).read(loop.versions(project).names()[-1])
    assert heads is not None
    assert {task for task, reason in heads.items() if reason.how == WANTED} == set(wanted)
    assert all(heads[task].chance is None for task in wanted)


def test_what_is_wanted_while_a_retrain_runs_is_not_lost(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    project = trained(loop)
    wanted = lasso(loop, project)[1:]
    kept = WantedFirst(project_files(loop.settings, project.id))

    def in_between(*_: object, **__: object) -> None:
        kept.write(Front().with_wish(wanted))

    monkeypatch.setattr("backend.jobs.retrain.import_head", _after(in_between))
    loop.label(project, loop.queue(project)[0])
    loop.retrain(project)
    assert f"refill-{project.id}" in loop.jobs()
    loop.refill(project)
    assert set(loop.queue(project)[:2]) == set(wanted)


def _after(act: object) -> object:
    from backend.labelstudio.publishing import import_head

    def call(*args: object, **more: object) -> None:
        import_head(*args, **more)  # type: ignore[arg-type]
        act()  # type: ignore[operator]

    return call


def test_showing_makes_one_tab_and_uses_it_again(loop: Loop) -> None:
    project = trained(loop)
    first = heed(loop, project, Selection(SHOW, (1, 2)))
    second = heed(loop, project, Selection(SHOW, (3,)))
    assert first.address == second.address
    assert first.address.startswith(f"/projects/{project.id}/data?tab=")


def test_tasks_with_a_label_are_not_put_first(loop: Loop) -> None:
    project = trained(loop)
    labelled = next(task for task in project.tasks if project.annotations.of(task))
    done = heed(loop, project, Selection(FIRST, (labelled, 10**9)))
    assert "None of these tasks waits" in done.said
    assert WantedFirst(project_files(loop.settings, project.id)).read() == Front()


def test_a_tabs_ranges_go_over_gaps_of_other_projects_and_hold_no_other_task() -> None:
    assert ranges([3, 1, 9, 12], known=[1, 3, 5, 9, 12]) == [(1, 3), (9, 12)]
    assert ranges([4, 5, 6]) == [(4, 6)]
    assert ranges([], known=[1]) == [(0, 0)]  # no task at all, not every one
    assert len(ranges(range(0, 4000, 2), known=range(4000))) == MOST_RANGES
