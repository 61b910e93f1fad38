"""`topobench draw`: the picture of one prediction, from a folder or a data set."""

import numpy as np
import pytest
from PIL import Image

from tests.cli.here import topobench_here


@pytest.fixture
def folders(tmp_path):
    """Truth and predictions of two images; the prediction of b has a gap."""
    for name in ("truth", "mine"):
        (tmp_path / name).mkdir()
        for image in "ab":
            mask = np.zeros((40, 50), np.uint8)
            mask[20] = 255
            if (name, image) == ("mine", "b"):
                mask[20, 10] = 0
            Image.fromarray(mask).save(tmp_path / name / f"{image}.png")
    return tmp_path


def draw(folders, *arguments):
    given = ["--predictions", folders / "mine", "--truth", folders / "truth", *arguments]
    return topobench_here("draw", *given, cwd=folders)


def test_draws_one_image_of_a_folder(folders):
    (folders / "mine" / "a.png").unlink()  # the other images need not be there
    result = draw(folders, "--image", "b")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "Picture: b.png\n"
    with Image.open(folders / "b.png") as picture:
        assert picture.size[0] > 1000
        red = np.asarray(picture.convert("RGB")).astype(int)
    assert np.count_nonzero((red[..., 0] > 180) & (red[..., 2] < 120)) > 100  # the piece that the gap cuts off


def test_svg_holds_what_was_asked_for(folders):
    result = draw(folders, "--image", "b", "--connectivity", 4, "--threshold", 0.25, "-o", "new/b.svg")
    assert result.returncode == 0, result.stderr
    text = (folders / "new" / "b.svg").read_text()
    for part in (
        "mine against truth, b", "prediction (likelihood ≥ 0.25)", "connectivity 4, without a frame of structure",
        "components (b0): prediction 2, truth 1; Betti matching error 1 = 1 false + 0 missed",
    ):  # fmt: skip
        assert f"<!-- {part} -->" in text
    again = draw(folders, "--image", "b", "--connectivity", 4, "--threshold", 0.25, "-o", "again.svg")
    assert again.returncode == 0
    assert (folders / "again.svg").read_text() == text


def test_draws_a_section_of_isbi_from_a_stack(real_data, tmp_path):
    import tifffile

    volume = tifffile.imread(real_data / "isbi2012" / "train-volume.tif")
    (tmp_path / "raw").mkdir()
    tifffile.imwrite(tmp_path / "raw" / "maps.tif", 255 - volume[20:30])
    result = topobench_here(
        "draw", "--predictions", "raw", "--dataset", "isbi2012", "--data-dir", real_data, "--fold", 2,
        "--image", "section-21", "--frame", "-o", "picture.svg", cwd=tmp_path,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "picture.svg").read_text()
    assert "<!-- raw against isbi2012, section-21 -->" in text
    assert "<!-- image -->" in text  # of the data set, in place of the likelihood
    assert "connectivity 8, with a frame of structure" in text
    assert ", truth 98; Betti matching error" in text  # cells of section 21


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["--image", "c"], 2, "no image is named 'c'"),
        (["--image", "a", "-o", "a.pdf"], 2, "a.pdf ends in '.pdf'; a picture is written as .png or .svg."),
        (["--image", "a", "--threshold", "2"], 2, "2.0 is not in the range 0<=x<=1"),
        (["--image", "a", "--dataset", "isbi2012"], 2, "Give either --truth DIR or --dataset NAME."),
        (["--image", "a", "--fold", "0"], 2, "--fold belongs to --dataset."),
        ([], 2, "Missing option '--image'"),
        (["--image", "a", "--connectivity", "6"], 2, "'6' is not one of '4', '8'"),
        (["--image", "a", "--predictions", "nowhere"], 1, "nowhere is not a folder"),
        (["--image", "a", "--predictions", "other"], 1, "other does not fit the truth: a, b lacking"),
    ],
)
def test_wrong_arguments_get_a_sentence(folders, arguments, code, part):
    (folders / "other").mkdir()
    np.save(folders / "other" / "z.npy", np.zeros((40, 50)))
    result = draw(folders, *arguments)
    assert result.returncode == code
    assert part in result.stderr
    assert not list(folders.glob("*.p*"))
    dataset = [
        "--predictions",
        "mine",
        "--dataset",
        "synthetic-membranes",
        "--connectivity",
        "8",
        "--image",
        "image-00",
    ]
    assert "belong to --truth" in topobench_here("draw", *dataset, cwd=folders).stderr
