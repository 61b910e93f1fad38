"""How far runs have come, by the store alone: what `topobench status` and `--dry-run` say."""

import json
import os
import platform
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from tests.run.kills import executed, tiny_run
from tests.run.test_execute import Told
from topobench.errors import RunError
from topobench.run.execute import Stopped, execute
from topobench.run.plan import Plan, Planned, State, read_plan, states_of, time_left, write_plan
from topobench.run.settings import Settings
from topobench.run.store import Store


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return tiny_run(tmp_path_factory.mktemp("data"))


def state_of(run, folder):
    [state] = states_of([Planned.of(run)], Store(folder))
    return state


def test_missing_running_stopped_finished(run, tmp_path):
    assert state_of(run, tmp_path).word == "missing"
    told, seen = Told(), []

    def stopping():
        if len(told.steps) == 3:
            seen.append(state_of(run, tmp_path))
        return len(told.steps) == 3

    with pytest.raises(Stopped):
        execute(run, tmp_path, told, stopping, Settings(checkpoint_seconds=0))
    assert seen[0].word == "running"
    assert (
        "at 17%, step 1, 0 s ago: cross-entropy 0." in seen[0].detail
    )  # the first step is written, the next after two seconds
    place = Store(tmp_path).place(run.identity())
    elsewhere = json.loads(place.progress.read_text())
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    for changed, word in (
        ({"pid": done.pid}, "stopped"), ({"host": "another", "updated": time.time()}, "running"),
        ({"host": "another", "updated": time.time() - 3600}, "stopped"), ({"pid": "none"}, "running"),
        ({"pid": 10**12}, "running"), ({"pid": None}, "running"),
    ):  # fmt: skip
        place.progress.write_text(json.dumps(elsewhere | changed))
        assert state_of(run, tmp_path).word == word
    for torn in ("", "[]", "{", "{}", '{"pid": 1}', '{"updated": "now", "started": 0, "began": 0}'):
        place.progress.write_text(torn)
        assert state_of(run, tmp_path).word == "stopped"
    executed(run, tmp_path)
    finished = state_of(run, tmp_path)
    assert (finished.word, finished.part) == ("finished", 1.0)
    assert finished.seconds > 0
    assert not place.progress.exists()


def test_finished_by_other_protocols_is_not_finished(run, tmp_path):
    executed(run, tmp_path)
    more = replace(run, protocols=("hu2019", "pitfalls"))
    state = state_of(more, tmp_path)
    assert (state.word, state.detail, state.part) == ("stopped", "trained, to be scored by pitfalls", 1.0)
    executed(more, tmp_path)
    assert state_of(more, tmp_path).word == state_of(run, tmp_path).word == "finished"


def test_failed_and_torn(run, tmp_path):
    broken = replace(run, recipe=run.recipe.model_copy(update={"learning_rate": 1e30}))
    record = executed(broken, tmp_path)
    assert record.status.startswith("failed: NaN or infinite")
    state = state_of(broken, tmp_path)
    assert (state.word, state.detail) == ("failed", record.status.removeprefix("failed: "))
    path = Store(tmp_path).place(broken.identity()).record
    path.write_bytes(path.read_bytes()[:50])
    assert state_of(broken, tmp_path).detail == "its record is torn or edited, and is made anew"


def test_the_pace_is_that_of_what_was_done_since_the_process_began(run, tmp_path):
    place = Store(tmp_path).place(run.identity())
    place.progress.parent.mkdir()
    where = {"pid": os.getpid(), "host": platform.node(), "updated": time.time(), "doing": "training", "step": 6}
    for began, part, whole in ((0.5, 0.6, 100.0), (0.0, 0.5, 20.0), (0.5, 0.505, None)):  # of 10 s each
        found = {**where, "started": where["updated"] - 10, "began": began, "part": part}
        place.progress.write_text(json.dumps(found))
        state = state_of(run, tmp_path)
        assert (state.word, state.part) == ("running", part)
        assert state.seconds == (whole and pytest.approx(whole))


def planned(name, *like, seconds=None):
    return Planned(name, name, like, seconds)


def test_time_left():
    done = State(planned("a", "topo on isbi", "isbi"), "finished", "", 1.0, 100.0)
    slow = State(planned("b", "vgg on isbi", "isbi"), "finished", "", 1.0, 300.0)
    like_a = State(planned("c", "topo on isbi", "isbi"), "missing")
    half = State(planned("d", "topo on isbi", "isbi"), "stopped", "", 0.5)
    like_both = State(planned("e", "ce on isbi", "isbi"), "failed")
    other = State(planned("f", "ce on roads", "roads"), "missing")
    timed = State(planned("g", "wall clock", seconds=60.0), "missing")
    going = State(planned("h", "new"), "running", "", 0.25, 80.0)
    assert time_left([done, slow], 1) == (0.0, [])
    assert time_left([done, slow, like_a, half], 1) == (150.0, [])
    assert time_left([done, slow, like_a, half], 2) == (100.0, [])  # no less than the longest takes
    assert time_left([done, slow, like_both], 1) == (200.0, [])
    assert time_left([done, other, timed, going], 1) == (120.0, [other.planned])


def test_runs_that_should_take_as_long_are_alike(run):
    base = Planned.of(run)
    assert Planned.of(replace(run, seed=1)).like == base.like
    other = Planned.of(replace(run, recipe=run.recipe.model_copy(update={"name": "another"})))
    assert other.like[0] != base.like[0]
    assert other.like[1:] == base.like[1:]
    longer = Planned.of(replace(run, budget=run.budget.model_copy(update={"steps": 7})))
    assert not set(longer.like) & set(base.like)


def test_plan_is_kept_and_read_again(run, tmp_path):
    store = Store(tmp_path)
    with pytest.raises(RunError, match=r"holds no runs; `topobench run -o .*` makes some"):
        read_plan(store)
    plan = Plan("tiny", 2, (Planned.of(run),))
    write_plan(store, plan)
    assert read_plan(store) == plan
    store.plan.write_bytes(store.plan.read_bytes()[:20])
    with pytest.raises(RunError, match="is torn or not a plan"):
        read_plan(store)


def test_status_loads_no_torch():
    script = "import sys, topobench.run.plan; print('torch' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"


def test_a_number_of_a_process_may_be_anothers_by_now():
    from topobench.run.plan import _goes_on

    mine = {"pid": os.getpid(), "host": os.uname().nodename}
    assert _goes_on({**mine, "updated": time.time()})
    assert not _goes_on({**mine, "updated": time.time() - 3600})
