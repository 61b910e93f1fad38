"""The picture of a loss: which pixels bear which arrow, what the diagram shows of the matching, what is said."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from topobench.drawing import draw_loss, save_figure
from topobench.drawing.losses import ARROWS, FAINT, MOST
from topobench.errors import ArgumentError
from topobench.topology import persistence_pairs
from topobench.types import DiagramMatching

LIKELIHOOD = np.full((9, 9), 0.1)
LIKELIHOOD[4] = 0.9
LIKELIHOOD[4, 3] = 0.3
TRUTH = np.zeros((9, 9), bool)
TRUTH[4] = True


def gradient_of(**pixels):
    """A gradient (9, 9) with values at pixels, which are named ``r4c3``."""
    gradient = np.zeros((9, 9))
    for name, value in pixels.items():
        gradient[int(name[1]), int(name[3])] = value
    return gradient


def matching_of(likelihood, matched=(), removed=(), missing=0, **options):
    """A matching of the pairs that are listed by their row."""
    pairs = persistence_pairs(likelihood, **options)
    rows = np.arange(len(pairs))
    return DiagramMatching(pairs, np.isin(rows, matched), np.isin(rows, removed), missing)


def arrows(figure, name):
    """The pixels (x, y) of the arrows of one direction, and their sizes, in the order in which they are drawn."""
    [found] = [marks for marks in figure.axes[2].collections if marks.get_gid() == name]
    return found.get_offsets().tolist(), found.get_sizes()


def dots(figure, name):
    [line] = [line for line in figure.axes[3].lines if line.get_gid() == name]
    return line.get_xydata().tolist()


def coloured(figure):
    """The colours of the gradient (H, W, 4)."""
    [image] = [image for image in figure.axes[3].images if image.get_gid() == "gradient"]
    return np.asarray(image.get_array())


def lines_of(figure, fate):
    """From where to where the diagram's arrows of a fate go: rows (x, y, to x, to y)."""
    found = [part for part in figure.axes[3].collections if part.get_gid() == fate]
    return [row.tolist() for part in found for row in np.stack([part.X, part.Y, part.X + part.U, part.Y + part.V], 1)]


def texts(figure, axis, gid):
    return sorted(text.get_text() for text in figure.axes[axis].texts if text.get_gid() == gid)


def legend(figure, axis):
    return [text.get_text() for text in figure.axes[axis].get_legend().get_texts()]


def said(figure):
    return figure.texts[0].get_text(), figure.texts[1].get_text().splitlines()


def test_arrows_point_against_the_gradient_and_grow_with_it():
    figure = draw_loss(LIKELIHOOD, TRUTH, gradient_of(r4c3=-1.4, r0c8=0.2, r8c1=0.7))
    assert arrows(figure, "up")[0] == [[3, 4]]
    assert arrows(figure, "down")[0] == [[8, 0], [1, 8]]  # the larger lies above
    small, middle = arrows(figure, "down")[1]
    assert small < middle < arrows(figure, "up")[1][0]
    assert legend(figure, 2) == [
        "descent raises the likelihood here (1 pixel)", "descent lowers the likelihood here (2 pixels)",
    ]  # fmt: skip
    assert said(figure)[1][0].startswith("3 pixels of 81 with a gradient, the largest 1.4 per unit of likelihood; an")


def test_arrows_differ_by_shape_and_colour():
    (_, _, up_colour, up), (_, _, down_colour, down) = ARROWS
    assert up_colour != down_colour
    assert max(up, key=lambda corner: corner[1]) == (0, 0.5)  # the tip
    assert min(down, key=lambda corner: corner[1]) == (0, -0.5)


def test_of_many_arrows_the_largest_are_drawn_and_the_caption_says_so():
    gradient, flat = np.arange(20.0 * 20).reshape(20, 20), np.full((20, 20), 0.5)
    figure = draw_loss(flat, np.zeros((20, 20), bool), gradient, matching_of(flat))
    drawn = arrows(figure, "down")[0]
    assert {int(y) * 20 + int(x) for x, y in drawn} == set(range(400 - MOST, 400))
    caption = said(figure)[1][0]
    assert (
        f"399 pixels of 400 with a gradient, the largest 399 per unit of likelihood; arrows show the {MOST}" in caption
    )
    assert legend(figure, 2)[1].endswith("(399 pixels)")


def test_without_a_gradient_there_is_no_arrow():
    figure = draw_loss(LIKELIHOOD, TRUTH, np.zeros((9, 9)), value=0.5)
    assert arrows(figure, "up")[0] == arrows(figure, "down")[0] == []
    assert said(figure)[1][0] == "loss 0.5; no pixel has a gradient: descent changes nothing"


def test_diagram_shows_each_pair_where_it_lies_and_where_it_goes():
    # framed: the two cells are one until 0.3, so their holes are (1, 0.1), that of the frame, and (0.3, 0.1)
    framed = matching_of(LIKELIHOOD, frame=True, dimensions=(1,))
    births = framed.pairs.birth.tolist()
    inner, outer = births.index(0.3), births.index(np.inf)
    figure = draw_loss(
        LIKELIHOOD, TRUTH, gradient_of(), replace(framed, matched=np.arange(2) == outer, removed=np.arange(2) == inner)
    )
    assert dots(figure, "matched-1") == [[1, 0.1]]  # +inf is drawn at 1
    assert dots(figure, "removed-1") == [[0.3, 0.1]]
    assert lines_of(figure, "matched") == [pytest.approx([1, 0.1, 1, 0])]
    assert lines_of(figure, "removed") == [pytest.approx([0.3, 0.1, 0.2, 0.2])]
    assert dots(figure, "truth") == [[1, 0]]
    for name in ("matched-0", "removed-0", "left-0", "left-1"):
        assert dots(figure, name) == []


def test_dimensions_have_markers_and_essential_deaths_lie_at_0():
    figure = draw_loss(LIKELIHOOD, TRUTH, gradient_of(), matching_of(LIKELIHOOD, matched=[0], missing=1))
    assert sorted(dots(figure, "matched-0") + dots(figure, "left-0")) == [[0.9, 0], [0.9, 0.3]]
    markers = {line.get_gid(): line.get_marker() for line in figure.axes[3].lines}
    assert markers["matched-0"] != markers["matched-1"]
    assert lines_of(figure, "left") == []
    assert legend(figure, 3) == [
        "component of the likelihood (2)", "1 to be kept: drawn to the place of the truth",
        "0 to be removed: drawn to the diagonal", "1 left alone", "place of the truth's classes (2)",
    ]  # fmt: skip
    assert said(figure)[1][2].startswith("classes of the truth: 2, of which 1 have no partner in the likelihood")


def test_few_moved_pairs_are_numbered_in_the_image_and_in_the_diagram():
    matching = matching_of(LIKELIHOOD, matched=[0, 1], frame=True, dimensions=(1,))
    pixels = [*matching.pairs.birth_pixel, *matching.pairs.death_pixel]
    critical = {int(pixel): -1.0 for pixel in pixels if pixel >= 0}
    gradient = np.zeros(81)
    gradient[list(critical)] = list(critical.values())
    figure = draw_loss(LIKELIHOOD, TRUTH, gradient.reshape(9, 9), matching)
    inner = matching.pairs.birth.tolist().index(0.3) + 1
    assert texts(figure, 2, "critical") == sorted([f"birth {inner}", "death 1", "death 2"])
    [birth] = [text for text in figure.axes[2].texts if text.get_text().startswith("birth")]
    assert birth.xy == (3, 4)
    assert texts(figure, 3, "count") == ["1", "2"]
    assert "numbers name classes" in said(figure)[1][2]
    elsewhere = gradient.reshape(9, 9).copy()
    elsewhere[0, 5] = 1  # which these pairs do not explain: then the numbers would mislead
    figure = draw_loss(LIKELIHOOD, TRUTH, elsewhere, matching)
    assert texts(figure, 2, "critical") == texts(figure, 3, "count") == []
    assert "numbers" not in said(figure)[1][2]


def test_many_at_one_point_are_counted():
    likelihood = np.full((25, 25), 0.1)
    likelihood[2::4, 2::4] = 0.8  # 36 specks, one of them essential
    figure = draw_loss(likelihood, np.zeros((25, 25), bool), np.zeros((25, 25)), matching_of(likelihood, range(36)))
    assert texts(figure, 3, "count") == ["35 here"]
    assert len(dots(figure, "matched-0")) == len(lines_of(figure, "matched")) == 36


def test_without_a_matching_many_pixels_get_colours_and_no_arrows():
    """Of equal gradients some would have an arrow and others none."""
    gradient = np.ones((20, 20))
    gradient[:, :3], gradient[0, 5] = -0.5, 0
    figure = draw_loss(np.full((20, 20), 0.5), np.zeros((20, 20), bool), gradient)
    assert arrows(figure, "up")[0] == arrows(figure, "down")[0] == []
    assert said(figure)[1][0].endswith("399 pixels of 400 with a gradient, the largest 1 per unit of likelihood; "
                                       "too many for arrows, see the colours")  # fmt: skip
    colours = coloured(figure)
    assert colours[0, 5, 3] == 0
    for pixel, colour, opacity in ((colours[4, 9], "#0072B2", 1), (colours[4, 1], "#D55E00", FAINT + (1 - FAINT) / 2)):
        assert to_hex(pixel[:3]).upper() == colour
        assert pixel[3] == opacity


def test_without_a_matching_the_gradient_is_coloured():
    figure = draw_loss(LIKELIHOOD, TRUTH, gradient_of(r4c3=-1), value=0.25, frame=True, title="mine", note="one\ntwo")
    assert arrows(figure, "up")[0] == [[3, 4]]
    assert np.argwhere(coloured(figure)[..., 3]).tolist() == [[4, 3]]
    assert figure.axes[3].get_title(loc="left") == "gradient of the loss: the stronger the colour, the greater"
    assert not figure.axes[3].lines  # no diagram
    title, caption = said(figure)
    assert title == "mine"
    assert caption == [
        "loss 0.25; 1 pixel of 81 with a gradient, the largest 1 per unit of likelihood; an arrow is smaller and paler "
        "where the gradient is smaller",
        "components (b0): prediction 1, truth 1; holes (b1): prediction 1, truth 2; connectivity 8, with a frame of "
        "structure outside, a component that closes what lies at the border",
        "one", "two",
    ]  # fmt: skip


def test_connectivity_counts():
    diagonal = np.eye(5) * 0.9
    for connectivity, pieces in ((8, 1), (4, 5)):
        figure = draw_loss(diagonal, np.eye(5, dtype=bool), np.zeros((5, 5)), connectivity=connectivity)
        assert f"prediction {pieces}, truth {pieces}" in said(figure)[1][1]


def test_panels():
    figure = draw_loss(LIKELIHOOD, TRUTH, gradient_of())
    truth, prediction, likelihood = (np.asarray(axis.images[0].get_array()) for axis in figure.axes[:3])
    assert np.array_equal(truth, TRUTH)
    assert np.array_equal(prediction, LIKELIHOOD >= 0.5)
    assert np.array_equal(likelihood, LIKELIHOOD)
    assert {axis.images[0].get_cmap().name for axis in figure.axes[:3]} == {"gray"}  # white is structure in all


@pytest.mark.parametrize(("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
def test_the_same_picture_has_the_same_bytes(tmp_path, suffix, start):
    matching = matching_of(LIKELIHOOD, matched=[0], removed=[1])
    paths = [tmp_path / f"{name}{suffix}" for name in "abc"]
    for path, value in zip(paths, (-1, -1, 1), strict=True):
        save_figure(draw_loss(LIKELIHOOD, TRUTH, gradient_of(r4c3=value), matching), path)
    first, second, other = (path.read_bytes() for path in paths)
    assert first == second != other
    assert first.startswith(start)


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (7, 200)])
def test_any_shape_can_be_drawn(shape, tmp_path):
    random = np.random.default_rng(3)
    likelihood = random.random(shape)
    matching = matching_of(likelihood, matched=[0], removed=[1, 2])
    figure = draw_loss(likelihood, likelihood < 0.4, random.normal(size=shape), matching)
    save_figure(figure, tmp_path / "a.png", dpi=40)
    for axis in figure.axes:
        box = axis.get_position()
        assert 0 < box.x0 < box.x1 < 1
        assert 0 < box.y0 < box.y1 < 1


def test_wrong_input():
    zero = np.zeros((9, 9))
    with pytest.raises(ArgumentError, match=r"the likelihood has shape \(9, 9\), the truth \(4, 5\); they must agree"):
        draw_loss(LIKELIHOOD, np.zeros((4, 5), bool), zero)
    with pytest.raises(ArgumentError, match=r"the likelihood has shape \(9, 9\), the gradient \(81,\)"):
        draw_loss(LIKELIHOOD, TRUTH, zero.ravel())
    with pytest.raises(ArgumentError, match="the gradient is not finite at 2 of 81 pixels"):
        draw_loss(LIKELIHOOD, TRUTH, gradient_of(r1c1=np.nan, r2c2=np.inf))
    with pytest.raises(ArgumentError, match=r"values in \[0.0, 2.0\]"):
        draw_loss(zero + 2 * np.eye(9), TRUTH, zero)
    with pytest.raises(ArgumentError, match="the matching is of 2 images; one likelihood has one of one image"):
        draw_loss(LIKELIHOOD, TRUTH, zero, matching_of(np.stack([LIKELIHOOD] * 2)))
