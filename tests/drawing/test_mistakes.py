"""The picture of mistakes: which pixels it marks, what it says, and that the same figure gives the same file."""

import numpy as np
import pytest

from topobench.drawing import draw_mistakes, save_figure
from topobench.drawing.mistakes import KINDS
from topobench.drawing.shapes import edges_of, pixels_of, small_centres
from topobench.errors import ArgumentError


@pytest.fixture
def pair():
    """A truth of a line and a ring; the prediction lacks the line, fills the ring, adds a ring and a speck."""
    truth = np.zeros((60, 90), bool)
    truth[50, 10:40] = True  # missed component
    truth[10:21, 10:21] = True
    truth[12:19, 12:19] = False  # missed hole
    prediction = truth.copy()
    prediction[50] = False
    prediction[10:21, 10:21] = True
    prediction[30:41, 60:71] = True  # false component
    prediction[33:38, 63:68] = False  # and false hole
    prediction[5, 80] = True  # a false component of one pixel
    return prediction, truth


WRONG = {
    "false_components": [(30, 60, 41, 71, True), (33, 63, 38, 68, False), (5, 80, 6, 81, True)],
    "missed_components": [(50, 10, 51, 40, True)],
    "false_holes": [(33, 63, 38, 68, True)],
    "missed_holes": [(12, 12, 19, 19, True)],
}  # what is painted, one rectangle after the other


def expected(name):
    mask = np.zeros((60, 90), bool)
    for top, left, bottom, right, value in WRONG[name]:
        mask[top:bottom, left:right] = value
    return mask


def layer(figure, name):
    """The pixels that the figure colours for one kind of mistake, and their colour."""
    [found] = [image for image in figure.axes[-1].images if image.get_gid() == name]
    pixels = np.asarray(found.get_array())
    return pixels[..., 3] > 0, {tuple(pixel) for pixel in pixels[pixels[..., 3] > 0]}


def markers(figure, name):
    [line] = [line for line in figure.axes[-1].lines if line.get_gid() == name]
    return line.get_marker(), line.get_xydata().tolist()


def texts(figure):
    [legend] = figure.legends
    return [text.get_text() for text in figure.texts], [text.get_text() for text in legend.get_texts()]


def titles(figure):
    return [axis.get_title(loc="left") for axis in figure.axes]


@pytest.mark.parametrize("name", WRONG)
def test_the_right_pixels_are_marked(pair, name):
    marked, colours = layer(draw_mistakes(*pair), name)
    assert np.array_equal(marked, expected(name))
    assert len(colours) == 1


def test_kinds_differ_in_colour_hatch_and_marker():
    for attribute in ("name", "colour", "hatch", "marker"):
        assert len({getattr(kind, attribute) for kind in KINDS}) == 4
    assert {kind.name for kind in KINDS} == set(WRONG)


def test_hatches_lie_on_the_marked_pixels(pair):
    figure = draw_mistakes(*pair)
    hatched = {patch.get_hatch(): patch.get_path() for patch in figure.axes[-1].patches if patch.get_hatch()}
    assert set(hatched) == {kind.hatch for kind in KINDS}
    for kind in KINDS:
        inside = hatched[kind.hatch].contains_points(np.indices((60, 90))[::-1].reshape(2, -1).T)
        assert np.array_equal(inside.reshape(60, 90), expected(kind.name))


def test_one_pixel_gets_a_symbol_and_what_is_large_none(pair):
    figure = draw_mistakes(*pair)
    assert markers(figure, "false_components") == ("o", [[80, 5]])
    for name in ("missed_components", "false_holes", "missed_holes"):
        assert markers(figure, name)[1] == []
    pinhole = np.ones((100, 100), bool)
    pinhole[42, 77] = False
    assert markers(draw_mistakes(pinhole, np.ones_like(pinhole)), "false_holes") == ("^", [[77, 42]])


def test_what_is_vast_is_tinted_little_and_hides_nothing():
    truth = np.zeros((60, 60), bool)
    prediction = truth.copy()
    prediction[5:45, 5:45], prediction[50:53, 50:53] = True, True
    _, colours = layer(draw_mistakes(prediction, truth), "false_components")
    assert sorted(round(colour[3], 2) for colour in colours) == [0.1, 0.6]


def test_captions_and_legend_count(pair):
    said, legend = texts(draw_mistakes(*pair, title="by hand"))
    assert said[0] == "by hand"
    assert said[1].splitlines()[:3] == [
        "components (b0): prediction 3, truth 2; Betti matching error 3 = 2 false + 1 missed",
        "holes (b1): prediction 1, truth 1; Betti matching error 2 = 1 false + 1 missed",
        "connectivity 8, without a frame of structure",
    ]
    counts = [text.split(" (")[0] for text in legend]
    assert counts == ["false components: 2", "missed components: 1", "false holes: 1", "missed holes: 1"]


def test_a_right_prediction_has_no_mark():
    truth = np.eye(30, dtype=bool)
    figure = draw_mistakes(truth * 0.9 + 0.05, truth)
    for kind in KINDS:
        assert not layer(figure, kind.name)[0].any()
        assert markers(figure, kind.name)[1] == []
    assert "Betti matching error 0 = 0 false + 0 missed" in texts(figure)[0][1]


def test_threshold_connectivity_and_frame_count():
    truth = np.zeros((20, 20), bool)
    likelihood = np.zeros((20, 20))
    likelihood[3, 3], likelihood[4, 4], likelihood[:, 10] = 0.6, 0.6, 0.4
    assert layer(draw_mistakes(likelihood, truth, threshold=0.61), "false_components")[0].sum() == 0
    assert layer(draw_mistakes(likelihood, truth, threshold=0.4), "false_components")[0].sum() == 22
    for connectivity, pieces in ((8, 1), (4, 2)):
        legend = texts(draw_mistakes(likelihood, truth, connectivity=connectivity))[1]
        assert legend[0].startswith(f"false components: {pieces} ")
    framed = draw_mistakes(likelihood, truth, frame=True, threshold=0.4)
    assert layer(framed, "false_components")[0].sum() == 2  # the line belongs to the frame, and makes two cells of one
    assert texts(framed)[1][2].startswith("false holes: 1 ")


def test_panels():
    truth, random = np.eye(16, dtype=bool), np.random.default_rng(0)
    mask, last = ["truth (structure is black)", "prediction (likelihood ≥ 0.5)"], ["where the topology is wrong"]
    assert titles(draw_mistakes(truth, truth)) == mask + last
    likelihood = random.random((16, 16))
    figure = draw_mistakes(likelihood, truth)
    assert titles(figure) == ["predicted likelihood (white is 1)", *mask, *last]
    assert np.array_equal(figure.axes[0].images[0].get_array(), likelihood)
    assert np.array_equal(figure.axes[2].images[0].get_array(), likelihood >= 0.5)
    colours = random.random((3, 16, 16))
    for image, shown in (
        (colours, np.moveaxis(colours, 0, -1)), (colours[0], colours[0]), (colours[:1], colours[0]),
        (colours[:2], colours[:2].mean(axis=0)),
    ):  # fmt: skip
        figure = draw_mistakes(likelihood, truth, image)
        assert titles(figure) == ["image", *mask, *last]
        assert np.array_equal(figure.axes[0].images[0].get_array(), shown)


@pytest.mark.parametrize("frame", [False, True])
def test_nothing_is_wrong_where_nothing_is_known(pair, frame):
    prediction, truth = pair
    figure = draw_mistakes(prediction, truth, frame=frame, valid=prediction == truth)
    for name in WRONG:
        assert not layer(figure, name)[0][prediction != truth].any()
    known = draw_mistakes(prediction, truth, valid=np.ones_like(truth))
    assert np.array_equal(layer(known, "missed_holes")[0], expected("missed_holes"))


def test_what_is_not_valid_parts_cells_where_there_is_a_frame_as_in_scoring():
    empty, valid = np.zeros((9, 9), bool), np.ones((9, 9), bool)
    valid[4] = False
    for frame, said in ((True, "b1): prediction 2, truth 2;"), (False, "b1): prediction 0, truth 0;")):
        assert said in texts(draw_mistakes(empty, empty, frame=frame, valid=valid))[0][1]


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_same_picture_has_the_same_bytes(pair, tmp_path, suffix, start):
    paths = [tmp_path / "new" / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        save_figure(draw_mistakes(*pair), path)
    first, second = (path.read_bytes() for path in paths)
    assert first == second
    assert first.startswith(start)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [f"a{suffix}", f"b{suffix}"]
    save_figure(draw_mistakes(pair[1], pair[1]), paths[1])  # another picture has other ones
    assert paths[1].read_bytes() != first


def test_other_formats_are_refused(pair, tmp_path):
    for name, found in (("a.pdf", "'.pdf'"), ("a", "'nothing'")):
        with pytest.raises(ArgumentError, match=f"{name} ends in {found}; a picture is written as .png or .svg"):
            save_figure(draw_mistakes(*pair), tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (7, 200), (200, 7)])
def test_any_shape_can_be_drawn(shape, tmp_path):
    random = np.random.default_rng(3)
    figure = draw_mistakes(random.random(shape), random.random(shape) < 0.5, random.random(shape))
    save_figure(figure, tmp_path / "a.png")
    wide, high = figure.get_size_inches()
    assert 5 < wide < 15
    assert 3 < high < 12
    large = figure.axes[-1].get_position()
    assert large.x1 <= 1
    assert large.y1 <= 1


def test_wrong_input():
    truth = np.zeros((4, 5), bool)
    with pytest.raises(ArgumentError, match=r"the prediction has shape \(5, 4\), the truth \(4, 5\)"):
        draw_mistakes(np.zeros((5, 4)), truth)
    with pytest.raises(ArgumentError, match=r"the image has shape \(4, 5, 3\); it must be \(4, 5\) or \(C, 4, 5\)"):
        draw_mistakes(truth, truth, np.zeros((4, 5, 3)))
    with pytest.raises(ArgumentError, match=r"values in \[0, 255\]"):
        draw_mistakes(np.array([[0, 255]]), np.zeros((1, 2), bool))
    with pytest.raises(ArgumentError, match="nan"):
        draw_mistakes(np.full((4, 5), np.nan), truth)


def test_edges_lie_between_labels():
    labels = np.array([[1, 1, 0], [0, 2, 0]])
    segments = {tuple(map(tuple, pair)) for pair in edges_of(labels).vertices.reshape(-1, 2, 2).tolist()}
    assert segments == {
        ((-0.5, -0.5), (1.5, -0.5)), ((-0.5, 0.5), (1.5, 0.5)), ((0.5, 1.5), (1.5, 1.5)),  # across
        ((-0.5, -0.5), (-0.5, 0.5)), ((0.5, 0.5), (0.5, 1.5)), ((1.5, -0.5), (1.5, 1.5)),  # down
    }  # fmt: skip


def test_pixels_and_centres():
    mask = np.array([[0, 1, 1, 0], [1, 0, 0, 1]], bool)
    assert pixels_of(mask).get_extents().extents.tolist() == [-0.5, -0.5, 3.5, 1.5]
    assert len(pixels_of(mask).vertices) == 3 * 5  # three runs
    labels = np.array([[1, 1, 0, 2], [1, 1, 0, 2], [0, 0, 0, 2]], np.int32)
    assert small_centres(labels, 2).tolist() == [[0.5, 0.5]]
    assert small_centres(labels, 3).tolist() == [[0.5, 0.5], [3, 1]]
    assert small_centres(np.zeros((2, 2), np.int32), 5).shape == (0, 2)


def test_dollars_and_backslashes_are_text(tmp_path):
    truth = np.eye(9, dtype=bool)
    save_figure(draw_mistakes(truth, truth, title="tru$x_{$ \\frac{"), tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_size > 1000
