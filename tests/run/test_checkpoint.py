"""Checkpoints: the newest sound one is taken, others are refused with the reason (FAULTS row 27)."""

import io
import os
import pickle

import pytest
import torch

from topobench.errors import RunError
from topobench.run import checkpoint
from topobench.run.checkpoint import Checkpoints

RUN = "0123456789abcdef" * 4


def state(value):
    return {"model": {"w": torch.full((3,), float(value))}}


@pytest.fixture
def kept(tmp_path):
    return Checkpoints(tmp_path / "run", RUN)


def put(kept, step, content):
    """Place bytes where the checkpoint of a step would lie, under the hash that they have."""
    kept.folder.mkdir(exist_ok=True)
    (kept.folder / f"step-{step:08d}-0000-{checkpoint._short_hash(content)}.pt").write_bytes(content)


def packed(content):
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def test_newest_is_read_and_only_two_are_kept(kept):
    assert kept.latest() is None
    for step in (1, 2, 30):
        kept.save(step, state(step))
    step, found, refused = kept.latest()
    assert (step, found["model"]["w"][0].item(), refused) == (30, 30, [])
    assert len(list(kept.folder.iterdir())) == 2
    kept.prune(1)
    assert kept.latest()[0] == 30
    assert len(list(kept.folder.iterdir())) == 1


def test_the_newest_is_that_of_most_steps(kept):
    for step in (99_999_999, 100_000_000):  # more digits
        kept.save(step, state(step))
    assert kept.latest()[0] == 100_000_000
    for validations in range(1, 10):  # at the same step; often, for in what order a folder lists them is chance
        kept.save(100_000_000, state(validations), validations)
        assert kept.latest()[1]["model"]["w"][0] == validations
        last_two = [f"step-100000000-{count:04d}" for count in (validations - 1, validations)]
        assert sorted(path.name.rpartition("-")[0] for path in kept.folder.iterdir()) == last_two


def test_27_what_was_refused_makes_room_for_what_is_written_after_it(kept):
    """Else it would be the newest for ever, and what `prune` keeps in place of a sound one."""
    for step in (1, 2, 3):
        put(kept, step, packed({**state(step), "format": checkpoint.FORMAT, "run_id": RUN}))
    for damaged in list(kept.folder.glob("step-0000000[23]*")):
        damaged.write_bytes(b"")
    assert kept.latest()[0] == 1
    kept.save(2, state(20))
    assert sorted(path.name[:13] for path in kept.folder.iterdir()) == ["step-00000001", "step-00000002"]
    kept.prune(1)
    assert kept.latest()[1]["model"]["w"][0] == 20


def test_27_damaged_is_passed_over_for_the_one_before(kept):
    kept.save(1, state(1))
    newest = kept.save(2, state(2))
    content = bytearray(newest.read_bytes())
    for damaged in (content[: len(content) // 2], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], b""):
        newest.write_bytes(bytes(damaged))
        step, _, [reason] = kept.latest()
        assert step == 1
        assert f"checkpoint {newest} is refused: it is damaged, for its sha256 is not the one in its name" == reason


class Payload:
    """What would run a command when it is loaded."""

    def __reduce__(self):
        return os.system, ("touch payload-was-run",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed({**state(1), "format": 1, "run_id": "f" * 64}), "it is of the run ffffffffffff, and this is 012345678"),
        (packed({**state(1), "format": 2, "run_id": RUN}), "its format is 2; this topobench reads 1"),
        (packed(state(1)), "its format is None; this topobench reads 1"),
        (packed([1]), "its format is 'list'; this topobench reads 1"),
        (packed(Payload()), "it holds something else than tensors and numbers, which is not loaded"),
        (pickle.dumps(Payload()), "it holds something else than tensors and numbers, which is not loaded"),
        (b"no checkpoint", "it holds something else than tensors and numbers, which is not loaded"),
    ],
    ids=["another run", "newer", "older", "a list", "a payload", "a pickle", "text"],
)  # fmt: skip
def test_27_what_is_not_a_checkpoint_of_the_run_is_refused(kept, content, reason, monkeypatch):
    monkeypatch.chdir(kept.folder.parent)
    put(kept, 5, content)
    with pytest.raises(RunError, match=r"Remove that folder to train from the start\.") as error:
        kept.latest()
    assert reason in str(error.value)
    put(kept, 3, packed({**state(3), "format": checkpoint.FORMAT, "run_id": RUN}))  # fewer steps, but sound
    step, _, [refused] = kept.latest()
    assert step == 3
    assert reason in refused
    assert not (kept.folder.parent / "payload-was-run").exists()


def test_no_sound_checkpoint_is_no_silent_fresh_start(kept):
    kept.save(1, state(1)).write_bytes(b"torn")
    with pytest.raises(RunError, match=r"is refused: it is damaged.*Remove that folder to train from the start"):
        kept.latest()


def test_other_files_are_not_looked_at_and_what_a_kill_left_goes(kept):
    kept.folder.mkdir()
    (kept.folder / "step-00000009.pt").write_bytes(b"x")
    stray = kept.folder / ".step-00000009-0123456789abcdef.pt.1-2.part"
    stray.write_bytes(b"x")
    assert kept.latest() is None
    kept.save(1, state(1))
    assert not stray.exists()
