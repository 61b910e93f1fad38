"""What is said of records that may not be published: each rule with a record made by hand that breaks it."""

import json
from dataclasses import replace

import pytest

from topobench.cards import load_card, load_recipe, shipped_protocol
from topobench.errors import RecordError
from topobench.files import digest
from topobench.leaderboard.audit import audit
from topobench.scores import make_record, protocol_settings, run_id_of, write_record
from topobench.types import Row

BUDGET = {"steps": 3, "batch": 2, "crop": 72}
ENVIRONMENT = {"topobench": "0.1.0", "commit": "d1315c5a838c", "python": "3.11.7", "numpy": "2.4.6", "torch": "2.13.0"}
SHA256 = "ab" * 32
VALUES = {"betti_error": 1.5, "voi": 0.25, "ari": -0.1}


def rows_of(images=("image-00", "image-01"), **values):
    figures = protocol_settings(["hu2019"], "regions", 8)["hu2019"]["figures"]
    return tuple(
        Row(image, f"unit of {image}", "hu2019", dict.fromkeys(figures, 0.5) | VALUES | values, {}, 9)
        for image in images
    )


def record(recipe="unet-ce", seed=0, status="finished", environment=ENVIRONMENT, **changes):
    """A record as `topobench run` writes it, of made-up figures; `changes` of its identity."""
    identity = {
        "kind": "trained", "recipe": load_recipe(recipe).identity() if isinstance(recipe, str) else recipe,
        "card": load_card("synthetic-membranes").identity(), "data_hash": SHA256, "fold": 0, "seed": seed,
        "budget": BUDGET, "device": "cpu", "precision": "float32", "threads": 2, "training_version": 4,
    } | changes  # fmt: skip
    finished = status == "finished"
    return make_record(
        identity, status, protocol_settings(["hu2019"], "regions", 8), rows_of() if finished else (),
        {"train_seconds": 2.0}, environment, {"steps": 3, "scored": "last"} if finished else {},
        {"image-00": SHA256, "image-01": SHA256} if finished else {},
    )  # fmt: skip


def sound():
    """Two methods of three seeds, a null row and predictions of somebody."""
    null = {"kind": "null", "recipe": {"name": "null-threshold", "version": 1}, "budget": {}, "seed": None}
    scored = {**null, "kind": "scored", "recipe": {"name": "mine", "version": 1, "predictions": SHA256}}
    return [
        *(record(recipe, seed) for recipe in ("unet-ce", "unet-topo") for seed in range(3)), record(**null),
        replace(record(**scored, training_version=0, device="", threads=0), predictions={}),
    ]  # fmt: skip


def audited(folder, *records):
    for one in records:
        write_record(one, folder / "records")
    return audit([folder])


def faults(folder, *records):
    return [finding.what for finding in audited(folder, *records).faults]


def edited(folder, change, one=None):
    """Write a record that somebody changed, and whose hashes were made right again; return the faults."""
    path = write_record(one or record(), folder / "records")
    content = json.loads(path.read_text())
    content.pop("sha256")
    change(content)
    content["run_id"] = run_id_of(content)
    path.write_text(json.dumps({**content, "sha256": digest(content)}))
    return [finding.what for finding in audit([folder]).faults]


def test_a_sound_folder_has_no_faults(tmp_path):
    found = audited(tmp_path, *sound())
    assert (found.records, found.findings) == (8, ())
    assert audit([tmp_path / "records", tmp_path, *(tmp_path / "records").iterdir()]).records == 8  # each once
    with pytest.raises(RecordError, match="none does not exist"):
        audit([tmp_path / "none"])


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda text: text[:200], "it is torn or not JSON"),
        (lambda text: text.replace('"seed": 0', '"seed": 1'), "it was edited"),
        (lambda text: text.replace('"schema": 1', '"schema": 9'), "it has the schema 9"),
        (lambda text: text.replace('"betti_error": 1.5', '"betti_error": 1e999'), "it is torn or not JSON: Out"),
        (lambda text: "[" * 100_000, "it is nested too deep"),
    ],
)  # fmt: skip
def test_files_that_are_no_records(tmp_path, change, wanted):
    path = write_record(record(), tmp_path / "records")
    path.write_text(change(path.read_text()))
    [finding] = audit([tmp_path]).findings
    assert str(finding).startswith(f"fault: record {path}: {wanted}")


def of_plugin(value, **changes):
    """Return a change that makes `cells_kept` of a plugin, from 0 to 1, one of the figures, with a value."""
    about = {
        "better": "high",
        "meaning": "cells",
        "unit": "",
        "source": "",
        "range": [0.0, 1.0],
        "origin": "my-cells 1",
    }

    def change(content):
        protocol = content["protocols"]["hu2019"]
        protocol["figures"].append("cells_kept")
        protocol["plugin_figures"] = {"cells_kept": {**about, **changes}}
        for row in content["rows"]:
            row["figures"]["cells_kept"] = value

    return change


def figures(**values):
    return lambda content: content["rows"][0]["figures"].update(values)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (figures(betti_error="NaN"), "keys or values that no record has: ['figures']"),
        (figures(betti_error="1.5"), "keys or values that no record has: ['figures']"),
        (lambda content: content["rows"][0].update(note="x"), "keys or values that no record has: ['note']"),
        (lambda content: content.update(seed="0"), "its 'seed' is not as topobench writes it"),
        (figures(betti_error=-1.0), "betti_error is -1.0, beyond its range of (0.0, inf), in image-00."),
        (figures(accuracy=1.1), "accuracy is 1.1, beyond its range of (0.0, 1.0), in image-00."),
        (figures(arand_error=1.1), "arand_error is 1.1, beyond its range"),
        (figures(dice=-0.1), "dice is -0.1, beyond its range"),
        (figures(voi=None), "voi is undefined without a reason, in image-00."),
        (lambda content: content["rows"][0]["reasons"].update(voi="why"), "voi is 0.25 and has a reason"),
        (lambda content: content["rows"][0]["reasons"].update(vio="why"), "vio has a reason and is no figure"),
        (lambda content: content["rows"][1]["figures"].pop("voi"), "by 'hu2019' voi is lacking, in image-01."),
        (figures(extra=1.0), "extra is not among the figures of the protocol"),
        (lambda content: content["rows"].append(content["rows"][0]), "it has more than one row of image-00"),
        (lambda content: content["rows"].pop(), "rows are not of the same images: image-01"),
        (lambda content: content["rows"].clear(), "by 'hu2019' it has no rows"),
        (lambda content: content["rows"][0].update(protocol="hu2018"), "by 'hu2019' it has no row of image-00"),
        (lambda content: content["rows"][0].update(protocol="hu2018"), "rows by 'hu2018', which is not among its"),
        (lambda content: content["rows"][0].update(unit=""), "the resampling unit of image-00 is empty"),
        (lambda content: content["predictions"].update({"image-00": "x"}), "the maps of image-00 is no sha256"),
        (lambda content: content.update(data_hash="x"), "its data_hash is 'x'; it must be a sha256"),
        (lambda content: content.update(training_version=0), "its training_version is 0"),
        (lambda content: content["environment"].update(commit="d1315c5a838c+"), "d1315c5a838c with changes (+)"),
        (lambda content: content["environment"].update(commit=""), "its commit is '', so nobody knows"),
        (lambda content: content["environment"].pop("torch"), "does not say the version of torch"),
        (lambda content: content["budget"].update(steps=0), "its budget is none: 'steps' is 0"),
        (lambda content: content["budget"].update(stepps=1), "its budget is none: unknown key 'stepps'"),
        (lambda content: content["training"].update(steps=2), "its budget is 3 steps, and it took 2"),
        (lambda content: content["cost"].clear(), "its cost has no train_seconds"),
        (lambda content: content.update(kind="guessed"), "its kind is 'guessed'"),
        (lambda content: content.update(status="done"), "its status is 'done'"),
        (lambda content: content.update(status="failed: oh"), "it failed, and has 2 rows"),
        (lambda content: content["recipe"].pop("name"), "its recipe has no name or no version"),
        (lambda content: content["card"].update(version="1"), "its card has no name or no version"),
        (lambda content: content.update(seed=None), "it was trained and has no seed"),
        (lambda content: content["protocols"]["hu2019"].pop("figures"), "the protocol 'hu2019' has another name, no"),
        (of_plugin(1.5), "cells_kept is 1.5, beyond its range of (0.0, 1.0), in image-00, image-01."),
        (of_plugin(0.5, better="up"), "a record keeps of the figure 'cells_kept' of a plugin is none: better of the"),
        (of_plugin(0.5, range=None), "a record keeps of the figure 'cells_kept' of a plugin is none: cannot unpack"),
        (lambda content: content["card"].update(images="30 of 24 "), "its card says images '30 of 24 '"),
    ],
)  # fmt: skip
def test_a_record_that_breaks_a_rule(tmp_path, change, wanted):
    assert wanted in "\n".join(edited(tmp_path, change))


def test_two_rows_of_one_image_have_one_unit(tmp_path):
    torn = replace(record(), rows=(*rows_of(), *(replace(row, unit="u") for row in rows_of(("image-00",)))))
    assert "image-00 is of several resampling units; an image is of one." in faults(tmp_path, torn)


def test_a_renamed_file_and_two_of_one_run(tmp_path):
    path = write_record(record(), tmp_path / "records")
    write_record(record(), tmp_path / "records" / "again")
    copy = path.with_name("copy.json")
    copy.write_bytes(path.read_bytes())
    found = [str(finding) for finding in audit([tmp_path]).faults]
    assert found[0] == f"fault: record {copy}: its file was renamed; by what it holds it is {path.name}."
    assert [line.partition(", too")[0] for line in found[1:]] == [
        f"fault: record {other}: it is of the run of {tmp_path / 'records' / 'again' / path.name} "
        f"({record().run_id[:12]})" for other in (copy, path)
    ]  # fmt: skip


RECIPE, CARD = load_recipe("unet-ce").identity(), load_card("synthetic-membranes").identity()


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"recipe": {**RECIPE, "learning_rate": 0.1}}, "its recipe 'unet-ce' is not what is shipped of version 1"),
        ({"recipe": {**RECIPE, "version": 9}}, "its recipe 'unet-ce' is of version 9, and this topobench ships 1"),
        ({"card": {**CARD, "connectivity": 4}}, "its card 'synthetic-membranes' is not what is shipped of version 1"),
        ({"card": {**CARD, "version": 9}}, "its card 'synthetic-membranes' is of version 9, and this topobench ships"),
        ({"card": {**CARD, "images": "24 of 24"}}, "its card says images '24 of 24'; it must be how many of 24"),
    ],
)  # fmt: skip
def test_recipes_and_cards_of_a_version_are_what_is_shipped(tmp_path, changes, wanted):
    assert faults(tmp_path, record(**changes))[0].startswith(wanted)


def test_what_is_shipped_in_other_ways_is_known(tmp_path):
    """A part of a data set, a variant of a card, a recipe with a factor; a name must not lead to a file."""
    (tmp_path / "unet-ce.toml").write_text("no TOML")
    scaled = load_recipe("unet-topo").scaled(0.3).identity()
    known = [
        record(card={**CARD, "images": "20 of 24"}),
        record(scaled),
        record(card=load_card("crackforest:all-strands").identity()),
    ]
    assert [one.what for one in audited(tmp_path / "a", *known).findings if "provisional" not in one.what] == []
    own = [
        record({**RECIPE, "name": name}, seed) for name in ("mine", str(tmp_path / "unet-ce.toml")) for seed in (0, 1)
    ]
    found = audited(tmp_path / "b", *own)
    assert found.faults == []
    first, second = (one for one in found.notices if "not shipped" in one.what)
    assert " and 1 more: its recipe 'mine' is not shipped with topobench; whoever wants" in f"{first}{second}"
    old = [record({**RECIPE, "name": "mine", "version": 1, "learning_rate": rate}, 0) for rate in (0.1, 0.2)]
    assert "its recipe 'mine' of version 1 is another than in" in faults(tmp_path / "c", *old)[0]


def test_protocols_are_scored_as_they_are_now(tmp_path):
    settings = protocol_settings(["hu2019"], "regions", 8)["hu2019"]
    for name, changes, wanted in (
        ("old", {"version": 1}, "its protocol 'hu2019' is of version 1, and now it is 2; rescore"),
        ("new", {"version": 3}, "its protocol 'hu2019' is of version 3, and this topobench ships 2"),
        ("other", {"patches": 10}, "its protocol 'hu2019' is not what is shipped of version 2: patches"),
        ("card", {"connectivity": 4}, "its protocol 'hu2019' is not what is shipped of version 2: connectivity"),
    ):
        [found] = faults(tmp_path / name, replace(record(), protocols={"hu2019": {**settings, **changes}}))
        assert found.startswith(wanted)


def test_an_outdated_recipe_is_said_and_no_fault(tmp_path, monkeypatch):
    newer = load_recipe("unet-ce").model_copy(update={"version": 2, "learning_rate": 0.5})
    monkeypatch.setattr("topobench.leaderboard.audit.versions.load_recipe", lambda _: newer)
    found = audited(tmp_path, *(record(seed=seed) for seed in range(3)))
    assert found.faults == []
    [notice] = found.notices
    assert str(notice).endswith(" and 2 more: its recipe 'unet-ce' is outdated: version 1, and now it is 2.")


def test_lacking_runs_are_named(tmp_path):
    folder = [one for one in sound() if one.kind == "trained"]
    [lacking] = faults(tmp_path / "a", *folder[:-1])
    assert "'unet-topo' on 'synthetic-membranes', with the budget {'steps': 3" in lacking
    assert lacking.endswith("lacks fold 0 seed 2, which other runs of its table have; run them.")
    alone = [record(seed=0), record(seed=1), record(seed=0, fold=1)]  # a method without others lacks it, too
    assert "lacks fold 1 seed 1" in faults(tmp_path / "b", *alone)[0]
    other = [*folder[:3], record("unet-topo", budget={**BUDGET, "steps": 4}), record("unet-topo", device="cuda")]
    assert not any("lacks" in one for one in faults(tmp_path / "c", *other))  # these are other tables


def test_nobody_lacks_a_seed_that_only_a_failed_run_has(tmp_path):
    folder = [one for one in sound() if one.kind == "trained"]
    assert faults(tmp_path, *folder, record(seed=7, status="failed: NaN loss at step 2")) == []


def test_failed_runs_and_few_seeds_are_said_and_no_faults(tmp_path):
    found = audited(tmp_path, record(), record(seed=1), record(seed=2, status="failed: NaN loss at step 2"))
    assert found.faults == []
    failed, few = (one.what for one in found.notices)
    assert failed == "fold 0 seed 2 is shown as failed: NaN loss at step 2"
    assert few.endswith("has 2 seeds, not 3; it is provisional.")


def test_an_older_training_beside_a_newer_is_said(tmp_path):
    found = audited(tmp_path, *(record(seed=seed) for seed in range(3)), *(
        record(seed=seed, training_version=3) for seed in range(3)))  # fmt: skip
    assert [str(one).partition(".json ")[2] for one in found.findings] == [
        "and 2 more: its training_version 3 is outdated; others have 4."
    ]


def test_records_of_a_card_have_the_same_data_and_images(tmp_path):
    other = record(seed=2, data_hash="cd" * 32)
    found = faults(tmp_path / "a", record(), record(seed=1), other)
    assert f"have the hash cdcdcdcdcdcd, and those of {tmp_path}" in found[0]
    fewer = replace(record(seed=2), rows=rows_of(("image-00",)), predictions={"image-00": SHA256})
    [found] = faults(tmp_path / "b", record(), record(seed=1), fewer)
    assert "it is scored on other images of fold 0 than" in found
    assert found.endswith(": image-01; all images of a fold are scored.")


def test_what_is_shipped_is_read_once_an_audit(tmp_path, monkeypatch):
    """So that thousands of records take milliseconds each; the next audit sees what was edited since."""
    read = []
    for name, load in (("load_recipe", load_recipe), ("load_card", load_card), ("shipped_protocol", shipped_protocol)):
        monkeypatch.setattr(
            f"topobench.leaderboard.audit.versions.{name}", lambda of, load=load: read.append(of) or load(of)
        )
    assert audited(tmp_path, *sound()).findings == ()
    assert sorted(read) == ["hu2019", "synthetic-membranes", "unet-ce", "unet-topo"]
    audit([tmp_path])
    assert len(read) == 8
