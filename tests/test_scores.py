"""Records: written whole, read back equal, refused when torn, edited or contradictory."""

import json
from dataclasses import fields, replace

import pytest

from topobench.errors import RecordError
from topobench.scores import IDENTITY as IDENTITY_FIELDS
from topobench.scores import make_record, read_record, read_records, run_id_of, stored, write_record
from topobench.types import Row, RunRecord

IDENTITY = {
    "kind": "trained", "recipe": {"name": "unet-ce", "version": 1}, "card": {"name": "toy", "version": 1},
    "data_hash": "0" * 64, "fold": 0, "seed": 0, "budget": {"steps": 3}, "device": "cpu", "precision": "float32",
    "threads": 2, "training_version": 1,
}  # fmt: skip


def record(status="finished", betti=1.5, **changes):
    protocols = {
        "hu2019": {
            "name": "hu2019", "version": 1, "figures": ["betti_error", "voi"], "patches": 500, "patch_size": 65,
            "frame": True, "dimensions": [1], "connectivity": 8, "phase": "regions", "threshold": 0.5,
        }
    }  # fmt: skip
    rows = [Row(f"image-{k}", "u", "hu2019", {"betti_error": betti + k, "voi": None}, {"voi": "why"}) for k in (0, 1)]
    environment = {"topobench": "0", "commit": "", "torch": "2"}
    return make_record(
        {**IDENTITY, **changes}, status, protocols, rows if status == "finished" else [],
        {"train_seconds": 2.0, "peak_memory_mib": 9.0}, environment,
    )  # fmt: skip


def test_round_trip(tmp_path):
    path = write_record(record(), tmp_path)
    assert path.name == f"unet-ce_toy_fold0_seed0_{record().run_id[:12]}.json"
    assert read_record(path) == record()
    assert set(json.loads(path.read_text())) >= {"run_id", "rows", "cost", "environment", "status", "recipe", "card"}


@pytest.mark.parametrize("key", IDENTITY)
def test_every_part_of_the_identity_changes_the_id(key):
    assert run_id_of({**IDENTITY, key: "other"}) != run_id_of(IDENTITY)


def test_identity_is_the_first_fields_of_a_record():
    assert tuple(field.name for field in fields(RunRecord))[: len(IDENTITY_FIELDS)] == IDENTITY_FIELDS
    assert len(IDENTITY_FIELDS) == 11


def test_versions_and_figures_do_not_change_the_id():
    assert record().run_id == record(betti=9.0).run_id == run_id_of(IDENTITY)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda text: text[: len(text) // 2], "is torn or not JSON"),
        (lambda text: "", "is torn or not JSON"),
        (lambda text: text.replace('"betti_error": 1.5', '"betti_error": NaN'), "NaN is not a value that JSON knows"),
        (lambda text: text.replace('"name": "toy"', r'"name": "\ud800"'), "is torn or not JSON"),
        (lambda text: "[1]", "has the schema 'list'"),
        (lambda text: text.replace('"schema": 1', '"schema": 9'), "has the schema 9; this topobench reads 1"),
        (lambda text: text.replace('"betti_error": 1.5', '"betti_error": 0.5'), "was edited"),
        (lambda text: text.replace('"seed": 0', '"seed": 1'), "was edited"),
        (lambda text: text.replace('"threads": 2', '"threads": "two"'), "is not a record: 'threads'"),
    ],
)
def test_damaged_records_are_named_and_skipped(tmp_path, change, wanted):
    path = write_record(record(), tmp_path)
    path.write_text(change(path.read_text()))
    with pytest.raises(RecordError, match=wanted):
        read_record(path)
    found, skipped = read_records([tmp_path])
    assert found == []
    assert wanted in skipped[0]
    assert str(path) in skipped[0]


def test_copies_count_once_and_contradictions_are_refused(tmp_path):
    write_record(record(), tmp_path / "a")
    write_record(record(), tmp_path / "b")
    assert read_records([tmp_path]) == ([record()], [])
    write_record(record(betti=2.5), tmp_path / "b")
    with pytest.raises(RecordError, match=r"a/unet.*and .*b/unet.* figures differ"):
        read_records([tmp_path])
    write_record(replace(record(betti=2.5), environment={"topobench": "1"}), tmp_path / "b")
    assert len(read_records([tmp_path])[0]) == 1  # another environment may differ


def test_a_finished_record_counts_before_a_failed_one_of_the_same_run(tmp_path):
    for order in ("ab", "ba"):
        finished, failed = (tmp_path / order / name for name in order)
        write_record(record(), finished)
        write_record(record("failed: out of memory"), failed)
        assert read_records([tmp_path / order]) == ([record()], [])


def test_other_choices_are_no_contradiction_and_said(tmp_path):
    write_record(record(), tmp_path / "a")
    protocol = {**record().protocols["hu2019"], "version": 2}
    write_record(replace(record(betti=7.0), protocols={"hu2019": protocol}), tmp_path / "b")
    [found], [sentence] = read_records([tmp_path])
    assert found == record()
    assert "protocol hu2019: scored with other choices than in" in sentence


def by(protocol, value):
    """The record with one row, by another protocol."""
    rows = (Row("image-0", "u", protocol, {"betti_error": value}),)
    return replace(record(), protocols={protocol: {**record().protocols["hu2019"], "name": protocol}}, rows=rows)


def test_records_of_one_run_by_different_protocols_are_one(tmp_path):
    write_record(by("one", 1.0), tmp_path / "a")
    write_record(by("two", 2.0), tmp_path / "b")
    [found], skipped = read_records([tmp_path])
    assert skipped == []
    assert set(found.protocols) == {"one", "two"}
    assert [(row.protocol, row.figures["betti_error"]) for row in found.rows] == [("one", 1.0), ("two", 2.0)]


def test_a_new_scoring_keeps_what_was_scored_by_other_protocols(tmp_path):
    for made in (by("one", 1.0), by("two", 2.0), by("one", 3.0)):
        write_record(stored(made, tmp_path), tmp_path)
    [path] = tmp_path.iterdir()
    assert {row.protocol: row.figures["betti_error"] for row in read_record(path).rows} == {"one": 3.0, "two": 2.0}
    path.write_text("torn")
    assert stored(by("two", 4.0), tmp_path) == by("two", 4.0)


def test_the_origins_of_metrics_come_with_their_rows(tmp_path):
    def of(version):
        return {"origin": f"theirs {version}", "object": "theirs:voi", "code": "0" * 64}

    one = replace(by("one", 1.0), plugins={"model net": of(1)})
    two = replace(by("two", 2.0), plugins={"model net": of(2), "metric voi": of(2), "metric other": of(2)})
    write_record(one, tmp_path / "a")
    write_record(two, tmp_path / "b")
    [found], _ = read_records([tmp_path])
    assert found.plugins == {"model net": of(1), "metric voi": of(2)}


def test_a_record_that_does_not_say_whose_a_plugin_is_is_none(tmp_path):
    about = {"object": "theirs:Net", "code": ""}
    write_record(replace(record(), plugins={"model net": about}), tmp_path)
    _, [sentence] = read_records([tmp_path])
    assert "is not a record: it does not say the origin of its model net" in sentence


def test_missing_path_is_named(tmp_path):
    with pytest.raises(RecordError, match="none does not exist"):
        read_records([tmp_path / "none"])


def test_two_records_of_a_run_with_a_budget_of_seconds_are_no_contradiction(tmp_path):
    """No two runs spend it alike; the first counts, and its rows are not mixed with the other's."""
    timed = {"seconds": 9.0, "batch": 1, "crop": 8}
    for folder, betti in (("a", 1.0), ("b", 2.0)):
        write_record(record(betti=betti, budget=timed), tmp_path / folder)
    found, [sentence] = read_records([tmp_path])
    assert [row.figures["betti_error"] for one in found for row in one.rows] == [1.0, 2.0]
    assert "its budget is of seconds, which no two runs spend alike" in sentence
    assert str(tmp_path / "a") in sentence
