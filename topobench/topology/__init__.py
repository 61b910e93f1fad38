"""Persistence pairs, Betti numbers and components of 2-D images: numpy in, numpy out, no torch."""

from topobench.topology.components import betti_numbers, label_components
from topobench.topology.cubical import persistence_pairs

__all__ = ["betti_numbers", "label_components", "persistence_pairs"]
