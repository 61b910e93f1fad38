"""Pictures for people: where a prediction's topology is wrong, and what a truth is like. Matplotlib, no pyplot."""

from topobench.drawing.mistakes import draw_mistakes
from topobench.drawing.save import check_suffix, save_figure
from topobench.drawing.truths import draw_truth

__all__ = ["check_suffix", "draw_mistakes", "draw_truth", "save_figure"]
