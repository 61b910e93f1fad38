"""Checkpoints: the newest sound one is taken, damaged ones are passed over."""

import pytest
import torch

from topobench.errors import RunError
from topobench.run import checkpoint


def state(value):
    return {"model": {"w": torch.full((3,), float(value))}}


def test_newest_is_read_and_only_two_are_kept(tmp_path):
    assert checkpoint.latest(tmp_path / "none") is None
    for step in (1, 2, 30):
        checkpoint.save(tmp_path, step, state(step))
    step, found = checkpoint.latest(tmp_path)
    assert (step, found["model"]["w"][0].item()) == (30, 30)
    assert len(list(tmp_path.iterdir())) == 2


def test_damaged_is_passed_over_for_the_one_before(tmp_path):
    checkpoint.save(tmp_path, 1, state(1))
    newest = checkpoint.save(tmp_path, 2, state(2))
    content = bytearray(newest.read_bytes())
    for damaged in (content[: len(content) // 2], content[:-9] + bytes([content[-9] ^ 1]) + content[-8:], b""):
        newest.write_bytes(bytes(damaged))
        assert checkpoint.latest(tmp_path)[0] == 1


def test_no_sound_checkpoint_is_no_silent_fresh_start(tmp_path):
    checkpoint.save(tmp_path, 1, state(1)).write_bytes(b"torn")
    with pytest.raises(RunError, match=r"all checkpoints in .* are damaged; remove that folder"):
        checkpoint.latest(tmp_path)


def test_other_files_are_not_looked_at(tmp_path):
    (tmp_path / "step-00000009.pt").write_bytes(b"x")
    (tmp_path / ".step-00000009-0123456789abcdef.pt.1-2.part").write_bytes(b"x")
    assert checkpoint.latest(tmp_path) is None
