"""Getting data: downloads that are picked up again, archives that are unpacked whole, folders that are complete."""

from topobench.data.fetch.datasets import by_hand, fetch
from topobench.data.fetch.watcher import SILENT, Watcher
from topobench.data.fetch.weights import WEIGHTS, WEIGHTS_VARIABLE, Weights, check_weights, find_weights, weights_file

__all__ = [
    "SILENT",
    "WEIGHTS",
    "WEIGHTS_VARIABLE",
    "Watcher",
    "Weights",
    "by_hand",
    "check_weights",
    "fetch",
    "find_weights",
    "weights_file",
]
