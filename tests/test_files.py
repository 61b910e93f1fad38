"""Atomic writes and hashes."""

import pytest

from topobench import files
from topobench.errors import CardError


def test_write_atomic_replaces_whole(tmp_path):
    path = tmp_path / "new" / "file"
    files.write_atomic(path, b"old")
    files.write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_failed_write_leaves_the_old_file(tmp_path, monkeypatch, broken):
    path = tmp_path / "file"
    files.write_atomic(path, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(*((files.os, "fsync") if broken == "fsync" else (files.Path, "replace")), fail)
    with pytest.raises(OSError, match="No space left"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_digest_is_of_the_content_not_its_order():
    assert files.digest({"a": 1, "b": [2.5, None]}) == files.digest({"b": [2.5, None], "a": 1})
    assert files.canonical_json({"b": "é", "a": 1}) == '{"a":1,"b":"é"}'.encode()
    with pytest.raises(ValueError, match="not JSON compliant"):
        files.digest(float("nan"))


def test_toml_errors_name_the_file(tmp_path):
    path = tmp_path / "x.toml"
    with pytest.raises(CardError, match=r"x\.toml cannot be read: No such file"):
        files.read_toml(path)
    path.write_bytes(b'a = "\xff"')
    with pytest.raises(CardError, match=r"x\.toml is not UTF-8 \(byte 5\)"):
        files.read_toml(path)
    path.write_text("a = ")
    with pytest.raises(CardError, match=r"x\.toml is not valid TOML"):
        files.read_toml(path)
