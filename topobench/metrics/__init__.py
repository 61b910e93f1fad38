"""Figures that say what they are: one call scores a likelihood against its truth under a named protocol."""

from topobench.cards import Protocol, load_protocol
from topobench.metrics.accumulator import Accumulator
from topobench.metrics.clustering import score_labels
from topobench.metrics.figures import FIGURES, Figure
from topobench.metrics.postprocess import remove_small
from topobench.metrics.scoring import score
from topobench.metrics.summary import Mean, average

__all__ = [
    "FIGURES", "Accumulator", "Figure", "Mean", "Protocol", "average", "load_protocol", "remove_small", "score",
    "score_labels",
]  # fmt: skip
