"""Pictures for people: where a prediction is wrong, what a truth is like, what a loss does. Matplotlib, no pyplot."""

from topobench.drawing.losses import draw_loss
from topobench.drawing.mistakes import draw_mistakes, draw_mistakes_alone
from topobench.drawing.save import check_suffix, save_figure
from topobench.drawing.truths import draw_truth

__all__ = ["check_suffix", "draw_loss", "draw_mistakes", "draw_mistakes_alone", "draw_truth", "save_figure"]
