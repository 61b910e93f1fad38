"""Variants of protocols by name: what their figures are, worked by hand, and which names there are not."""

import numpy as np
import pytest

from topobench import cards, list_names
from topobench.cards import load_protocol, shipped_protocol
from topobench.errors import CardError, UnknownNameError
from topobench.metrics import score

FREE = ("name", "title")  # what a variant and a file that says the same may call themselves


def tiled():
    """Prediction and truth of 64 x 64 pixels: in three quarters one thing each that the other does not have."""
    prediction, truth = np.zeros((2, 64, 64), bool)
    prediction[5:10, 5:10] = True
    prediction[6:9, 6:9] = False  # a ring: a component and a hole
    diagonal = np.arange(40, 50)
    prediction[diagonal, diagonal] = True  # one component, or ten
    truth[5, 40] = True
    return prediction, truth


@pytest.mark.parametrize(
    ("protocol", "error"),
    [
        ("dconn65", 1 + 1),  # one tile: two components where there should be one, a hole
        ("dconn65:whole", 1 + 1),
        ("dconn65:100", 1 + 1),  # a tile larger than the image
        ("dconn65:99999", 1 + 1),
        ("dconn65:32", (2 + 1 + 1 + 0) / 4),  # the component missed no longer makes up for one too many
        ("dconn65:c4", 10 + 1),
        ("dconn65:whole-c4", 10 + 1),
        ("dconn65:32-c4", (2 + 10 + 1 + 0) / 4),
    ],
)
def test_a_grid_of_other_tiles_and_the_other_connectivity(protocol, error):
    assert score(*tiled(), protocol)["betti_error"] == error


@pytest.mark.parametrize(
    ("protocol", "error"),
    [("hu2019:2-c8", 1), ("hu2019:4-c8", 7), ("hu2019:2-c4", 0), ("hu2019:4-c4", 0), ("hu2019:whole-c8", 49),
     ("hu2019:10-c8", 49), ("hu2019:10-c4", 0), ("hu2019", 49), ("hu2019:c4", 0), ("hu2019:5000", 49)],
)  # fmt: skip
def test_random_patches_of_a_chessboard(protocol, error):
    """Half of the pixels of a patch are cells where structure is 8-connected, else one cell; in truth all are one."""
    rows, columns = np.indices((10, 10))
    assert score((rows + columns) % 2 == 0, np.zeros((10, 10), bool), protocol)["betti_error"] == error


@pytest.mark.parametrize("base", list_names("protocols"))
def test_a_variant_is_its_base_but_for_what_its_name_says(base):
    protocol, kept = load_protocol(base), "c4" if load_protocol(base).connectivity != 4 else "c8"
    variant = load_protocol(f"{base}:{kept}")
    assert variant == protocol.changed(name=variant.name, title=variant.title, connectivity=int(kept[1]))
    assert (variant.name, variant.version) == (f"{base}:{kept}", protocol.version)
    if protocol.sampling != "whole":
        variant = load_protocol(f"{base}:33-{kept}")
        assert variant.title == f"{base} with patch_size = 33, connectivity = {kept[1]}"
        differing = {key for key, choice in variant if choice != getattr(protocol, key)}
        assert differing == {"patch_size", "connectivity", *FREE}


def test_a_file_that_says_the_same_gives_the_same(tmp_path):
    text = (cards.folder("protocols") / "hu2019.toml").read_text(encoding="utf-8").replace('"hu2019"', '"mine"')
    text = text.replace("patch_size = 65", "patch_size = 33\nconnectivity = 4")
    (tmp_path / "mine.toml").write_text(text, encoding="utf-8")
    random = np.random.default_rng(0)
    prediction, truth, valid = random.random((3, 80, 70)) < [[[0.4]], [[0.5]], [[0.9]]]
    mine, named = (
        score(prediction, truth, protocol, valid=valid, image_id="7")
        for protocol in (tmp_path / "mine.toml", "hu2019:33-c4")
    )
    assert dict(mine) == dict(named)
    assert {**mine.settings, "name": ""} == {**named.settings, "name": ""}
    assert named["betti_error"] != score(prediction, truth, "hu2019:33", valid=valid, image_id="7")["betti_error"] > 0


def test_groups_of_patches_and_places_drawn_twice_change_nothing(monkeypatch):
    """Each patch alone, as it was drawn, gives the mean that few groups of different places give."""
    from topobench.metrics import betti
    from topobench.patches import cut, random_places
    from topobench.seeds import generator
    from topobench.topology import betti_numbers

    prediction, truth = np.random.default_rng(1).random((2, 40, 36)) < 0.4
    places = random_places(truth.shape, 33, 500, generator("patches", 0, ""))
    assert len(np.unique(places, axis=0)) < 500
    (_, ours), (_, theirs) = (betti_numbers(cut(mask, places, 33), 8, True) for mask in (prediction, truth))
    assert score(prediction, truth, "hu2019:33")["betti_error"] == np.abs(ours - theirs).mean()
    monkeypatch.setattr(betti, "GROUP", 5 * 33 * 33 + 1)
    assert score(prediction, truth, "hu2019:33")["betti_error"] == np.abs(ours - theirs).mean()


@pytest.mark.parametrize("protocol", ["hu2019:129", "dconn65:129"])
def test_a_patch_larger_than_what_is_valid(protocol):
    truth = np.zeros((40, 40), bool)
    valid = np.zeros_like(truth)
    valid[:, :5] = True
    assert score(truth, truth, protocol, valid=valid).reasons["betti_error"] == "no 129x129 patch is half valid"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("hu2019:x", r"protocol 'hu2019' has no variant 'x'. It has a patch size .* \(other than 65, .*hu2019:129-c4"),
        ("hu2019:", "no variant ''. It has"),
        ("hu2019:0", "no variant '0'. It has"),
        ("hu2019:0129", "no variant '0129'. It has"),
        ("hu2019:-129", "no variant '-129'. It has"),
        ("hu2019:" + "9" * 5000, "no variant '9+'. It has .*of five digits at most"),
        ("hu2019:1²", "no variant"),
        ("hu2019:c6", "no variant 'c6'. It has .*; c4 or c8; or both"),
        ("hu2019:c8-129", "no variant 'c8-129'. It has .* or both in this order"),
        ("hu2019:129c8", "no variant '129c8'"),
        ("hu2019:-c8", "no variant '-c8'"),
        ("hu2019:129-", "no variant '129-'"),
        ("hu2019:129-whole", "no variant '129-whole'"),
        ("hu2019:129:c4", "no variant '129:c4'"),
        ("hu2019:65", "no variant '65', for its patch_size is 65 anyway"),
        ("hu2019:65-c4", "no variant '65-c4', for its patch_size is 65 anyway"),
        ("dconn65:33-c8", "no variant '33-c8', for its connectivity is 8 anyway. It has .*; c4; .*: dconn65:129-c4"),
        ("pitfalls:129", r"no variant '129', for it counts on whole images, in no patches. It has c4 or c8\.$"),
        ("pitfalls:whole", "no variant 'whole', for its sampling is 'whole' anyway"),
        ("stucki2023:c4", r"no variant 'c4', for its connectivity is 4 anyway. It has c8\.$"),
        ("nosuch:129", "no protocol is named 'nosuch'. Known: cldice64, "),
        ("hu2091:129", r"no protocol is named 'hu2091' \(did you mean 'hu2019'\?\)"),
        ("../protocols/hu2019:129", "no protocol is named '../protocols/hu2019'"),
        ("my.toml:129", "'my.toml:129' is no protocol: a file has no variants. Write another file"),
    ],
)
def test_names_that_are_none_say_what_there_is(name, message):
    with pytest.raises(UnknownNameError, match=message):
        load_protocol(name)
    assert shipped_protocol(name) is None


def test_a_file_may_not_take_the_name_of_a_variant(tmp_path):
    path = tmp_path / "hu2019:129.toml"
    text = (cards.folder("protocols") / "hu2019.toml").read_text(encoding="utf-8")
    path.write_text(text.replace('"hu2019"', '"hu2019:129"'), encoding="utf-8")
    with pytest.raises(CardError, match="names itself 'hu2019:129'; names with a colon are those of variants"):
        load_protocol(str(path))
    assert shipped_protocol(str(path)) is None


def test_suites_and_their_validation_may_name_variants(suite_file):
    path = suite_file(protocols=["hu2019:129", "hu2019:whole-c4"])
    path.write_text(path.read_text() + 'validation = { protocol = "hu2019:33", times = 1 }\n')
    suite = cards.load_suite(str(path))
    assert (suite.protocols, suite.budget.validation.protocol) == (("hu2019:129", "hu2019:whole-c4"), "hu2019:33")


def test_all_protocols_are_those_that_are_shipped_as_files():
    assert not [name for name in list_names("protocols") if ":" in name]
