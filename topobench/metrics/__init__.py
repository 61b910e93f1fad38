"""Figures that say what they are: one call scores a likelihood against its truth under a named protocol."""

from topobench.cards import Protocol, load_protocol
from topobench.metrics.accumulator import Accumulator
from topobench.metrics.case import Case, Undefined
from topobench.metrics.clustering import score_labels
from topobench.metrics.contract import Metric, defines
from topobench.metrics.figures import FIGURES, Figure, figure_of
from topobench.metrics.postprocess import remove_small
from topobench.metrics.scoring import score
from topobench.metrics.summary import Mean, average

__all__ = [
    "FIGURES", "Accumulator", "Case", "Figure", "Mean", "Metric", "Protocol", "Undefined", "average", "defines",
    "figure_of", "load_protocol", "remove_small", "score", "score_labels",
]  # fmt: skip
