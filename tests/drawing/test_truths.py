"""The picture of a truth: what it marks, and what its plots show."""

import numpy as np
import pytest

from topobench.drawing import draw_truth, save_figure
from topobench.errors import ArgumentError
from topobench.metrics.truth import inspect_truth, local_widths


@pytest.fixture
def truth():
    """A speck, a pinhole, two diagonal contacts in the lower right, and a line of three pixels."""
    mask = np.zeros((100, 120), bool)
    mask[20:23] = True
    mask[21, 40] = False  # pinhole
    mask[90, 100] = mask[91, 101] = mask[92, 102] = True
    mask[80, 100] = True  # speck
    return mask


def figure_of(truth, **options):
    return draw_truth(truth, None, local_widths(truth), [inspect_truth(truth)], **options)


def marks(axis):
    return {line.get_gid(): line.get_xydata().tolist() for line in axis.lines if line.get_gid()}


def test_specks_are_marked_in_place_and_enlarged(truth):
    whole, close, *_ = figure_of(truth).axes
    contacts = [[100.5, 90.5], [101.5, 91.5]]
    assert marks(whole) == {"isolated pixel": [[100, 80]], "pinhole": [[40, 21]], "diagonal contact": contacts}
    [box] = [patch for patch in whole.patches if hasattr(patch, "get_width")]
    left, top = box.get_x() + 0.5, box.get_y() + 0.5
    assert (box.get_width(), box.get_height()) == (48, 48)
    shown = np.asarray(close.images[0].get_array())
    assert shown.shape == (48, 48)
    assert np.array_equal(shown < 1, truth[int(top) : int(top) + 48, int(left) : int(left) + 48])
    inside = marks(close)
    assert inside["isolated pixel"] == [[100 - left, 80 - top]]
    assert inside["diagonal contact"] == [[x - left, y - top] for x, y in contacts]
    assert inside["pinhole"] == []  # it lies elsewhere


def test_legend_and_texts_count(truth):
    figure = figure_of(truth, title="mine", caption="below", name="a")
    [legend] = figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert said == ["1 isolated pixel", "1 pinhole", "2 diagonal contacts"]
    assert [text.get_text() for text in figure.texts] == ["mine", "below"]
    assert figure.axes[0].get_title(loc="left") == "a: truth outlined"


def test_histogram_and_betti_numbers(truth):
    widths = np.array([1.0, 1.0, 3.0, 30.0])
    reports = [inspect_truth(truth), inspect_truth(np.eye(9, dtype=bool))]
    *_, histogram, counts = draw_truth(truth, None, widths, reports).axes
    assert "median 2.0, maximum 30.0 pixels" in histogram.get_title()
    heights = {round(bar.get_x() + bar.get_width() / 2): bar.get_height() for bar in histogram.patches}
    assert (heights[1], heights[3], sum(heights.values())) == (0.5, 0.25, 1)  # 30 is in the last one
    points = {line.get_label(): line.get_xydata().tolist() for line in counts.lines}
    assert points["components (b0)"] == [[3, 5], [1, 9]]
    assert points["holes (b1)"] == [[1, 1], [0, 0]]
    assert points["cells (b1, framed)"] == [[3, 3], [2, 1]]


def test_nothing_to_measure_and_odd_shapes(tmp_path):
    for shape in ((1, 1), (3, 200), (200, 3)):
        empty = np.zeros(shape, bool)
        figure = draw_truth(empty, np.zeros((3, *shape)), np.empty(0), [inspect_truth(empty)])
        save_figure(figure, tmp_path / "a.png")
        assert "no width is defined" in [text.get_text() for text in figure.axes[2].texts]
    with pytest.raises(ArgumentError, match=r"the image has shape \(3, 3, 2\); it must be \(3, 3\)"):
        draw_truth(np.zeros((3, 3), bool), np.zeros((3, 3, 2)), np.empty(0), [])


def test_a_speck_that_is_not_valid_is_not_marked(truth):
    valid = np.ones_like(truth)
    valid[80, 100] = False
    assert marks(figure_of(truth, valid=valid).axes[0])["isolated pixel"] == []
