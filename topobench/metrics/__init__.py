"""Figures that say what they are: one call scores a likelihood against its truth under a named protocol."""

from topobench.metrics.figures import FIGURES, Figure
from topobench.metrics.protocols import Protocol, load_protocol
from topobench.metrics.scoring import score

__all__ = ["FIGURES", "Figure", "Protocol", "load_protocol", "score"]
