"""`topobench explain`: the picture of what a loss does, to a toy and to somebody's prediction."""

import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from tests.cli.here import topobench_here
from topobench.cli.explain import _Case, _cropped, _seen
from topobench.losses.toys import TOYS


@pytest.fixture
def folders(tmp_path):
    """A truth of a line, and a prediction with a gap in it."""
    likelihood = np.full((40, 50), 0.1)
    likelihood[20] = 0.9
    for name, pixels in (("mine", likelihood), ("truth", likelihood > 0.5)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "a.npy", pixels)
    likelihood[20, 10] = 0.2
    np.save(tmp_path / "mine" / "a.npy", likelihood)
    return tmp_path


def explain(folder, *arguments):
    return topobench_here("explain", *arguments, cwd=folder)


def comments(path):
    """The texts of an SVG."""
    return re.findall("<!-- (.*?) -->", path.read_text())


def test_draws_a_toy(tmp_path):
    result = explain(tmp_path, "topological", "--toy", "gap")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Picture: topological-gap.png\n"
    with Image.open(tmp_path / "topological-gap.png") as picture:
        assert picture.size[0] > 1500
        assert picture.size[1] > 900


def test_svg_holds_what_was_asked_for_and_is_the_same_each_time(tmp_path):
    for name in ("a", "b"):
        result = explain(
            tmp_path, "topological", "--toy", "gap", "--option", "dimensions=[0,1]", "--option", "matching=wasserstein",
            "--option", "min_persistence=0", "-o", f"new/{name}.svg",
        )  # fmt: skip
        assert result.returncode == 0, result.stderr
    assert (tmp_path / "new" / "a.svg").read_bytes() == (tmp_path / "new" / "b.svg").read_bytes()
    found = comments(tmp_path / "new" / "a.svg")
    assert "topological on the toy gap" in found
    caption = " ".join(found)
    for part in ("dimensions=(0, 1)", "matching='wasserstein'", "min_persistence=0", "taken as one patch"):
        assert part in caption


def test_a_loss_of_pixels_has_no_matching_and_is_drawn_in_colours(tmp_path):
    assert explain(tmp_path, "cross-entropy", "--toy", "island", "-o", "a.svg").returncode == 0
    found = comments(tmp_path / "a.svg")
    assert "descent raises the likelihood here (13 pixels)" in found
    assert "descent lowers the likelihood here (156 pixels)" in found
    assert "gradient of the loss: the stronger the colour, the greater" in found


def test_draws_a_prediction_from_folders_and_a_part_of_it(folders):
    given = ["--predictions", "mine", "--truth", "truth", "--image", "a"]
    result = explain(folders, "topological", *given)
    assert result.stdout == "Picture: topological-a.png\n", result.stderr
    assert explain(folders, "topological", *given, "--crop", "10,5,21", "-o", "part.svg").returncode == 0
    found = comments(folders / "part.svg")
    assert "topological on mine against truth, a, rows 10 to 30, columns 5 to 25" in found
    assert any(line.startswith("loss 0.66; 3 pixels of 441 with a gradient") for line in found)
    assert "descent raises the likelihood here (1 pixel)" in found


def test_patches_that_were_asked_for_are_drawn_and_said(folders):
    given = ["--predictions", "mine", "--truth", "truth", "--image", "a", "--option", "patch_size=33", "-o", "a.svg"]
    assert explain(folders, "topological", *given).returncode == 0
    assert "patch_size=33" in (folders / "a.svg").read_text()
    assert "the arrows are of the patches that the loss draws" in " ".join(comments(folders / "a.svg"))


def test_draws_an_image_of_a_data_set(tmp_path):
    from topobench import load_dataset

    sample = load_dataset("synthetic-membranes")["image-00"]
    (tmp_path / "mine").mkdir()
    np.save(tmp_path / "mine" / "image-00.npy", np.where(sample.truth, 0.8, 0.2))
    result = explain(
        tmp_path, "dice", "--predictions", "mine", "--dataset", "synthetic-membranes", "--image", "image-00",
        "--crop", "0,0,64", "-o", "a.svg",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "dice on mine against synthetic-membranes, image-00, rows 0 to 63, columns 0 to 63" in comments(
        tmp_path / "a.svg"
    )


OWN = ["--predictions", "mine", "--truth", "truth"]


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["topological"], "Give either --toy NAME or --predictions DIR."),
        (["topological", "--toy", "gap", *OWN], "Give either --toy NAME or --predictions DIR."),
        (["topological", "--toy", "gap", "--image", "a"], "--image belongs to --predictions"),
        (["topological", "--toy", "gap", "--fold", "0"], "--fold belongs to --predictions"),
        (["topological", "--predictions", "mine", "--image", "a"], "Give either --truth DIR or --dataset NAME."),
        (["topological", *OWN], "Missing option '--image'"),
        (["topological", *OWN, "--image", "b"], "no image is named 'b'"),
        (["nothing", "--toy", "gap"], "no loss is named 'nothing'"),
        (["topological", "--toy", "gaap"], f"no toy is named 'gaap' (did you mean 'gap'?). Known: {sorted(TOYS)[0]}"),
        (["topological", "--toy", "gap", "--option", "size=3"], "has no option 'size'"),
        (["topological", "--toy", "gap", "--option", "size"], "'size' is no option; write KEY=VALUE"),
        (["topological", "--toy", "gap", "--option", "frame="], "'frame=' is no option; write KEY=VALUE"),
        (["topological", "--toy", "gap", "--option", "dimensions=[0,"], "'[0,' is no value; write a number"),
        (["topological", "--toy", "gap", "--option", "patches=1\nseed=2"], "is no value; write a number"),
        (["topological", "--toy", "gap", "--option", "seed=1", "--option", "seed=2"], "'seed' is given twice"),
        (["topological", "--toy", "gap", "--option", "matching=best"], "matching is 'best'; it must be 'persistence'"),
        (["topological", "--toy", "gap", "--option", "min_persistence=low"], "'topological' cannot be made"),
        (["topological", "--toy", "gap", "--crop", "3,0,11"], "which has 13 rows and 13 columns"),
        (["topological", "--toy", "gap", "--crop", "3,0"], "'3,0' is no part of an image"),
        (["topological", "--toy", "gap", "--crop", "3,0,0"], "'3,0,0' is no part of an image"),
        (["topological", "--toy", "gap", "-o", "a.pdf"], "a.pdf ends in '.pdf'; a picture is written as .png or .svg"),
        ([], "Missing argument 'LOSS'"),
    ],
)
def test_wrong_arguments_get_a_sentence(folders, arguments, part):
    result = explain(folders, *arguments)
    assert result.returncode == 2
    assert part in " ".join(result.stderr.split())
    assert not list(folders.glob("*.*"))


def test_predictions_that_are_not_there_fail(folders):
    given = ["--truth", "truth", "--image", "a"]
    result = explain(folders, "topological", "--predictions", "nowhere", *given)
    assert (result.returncode, "nowhere is not a folder" in result.stderr) == (1, True)


@pytest.mark.parametrize(("frame", "fill"), [(True, 1), (False, 0)])
def test_what_is_not_valid_is_seen_as_in_training(frame, fill):
    valid = np.ones((4, 5), bool)
    valid[:, :2] = False
    case = _Case(np.full((4, 5), 0.3), np.zeros((4, 5), bool), "here", 8, valid)
    seen = _seen(_cropped(case, (0, 1, 4)), SimpleNamespace(frame=frame))
    assert seen.likelihood[0].tolist() == [fill, 0.3, 0.3, 0.3]
    assert seen.truth[0].tolist() == [bool(fill), False, False, False]
    assert seen.note == f"pixels that are not valid are {'structure' if fill else 'background'}, as in training"
    assert _seen(_cropped(case, (0, 2, 3)), SimpleNamespace(frame=frame)).note == ""
