"""Persistence pairs, Betti numbers, components and matchings of 2-D images: numpy in, numpy out, no torch."""

from topobench.topology.barcodes import match_barcodes
from topobench.topology.components import betti_numbers, label_components
from topobench.topology.critical import critical_regions
from topobench.topology.cubical import persistence_pairs
from topobench.topology.matching import betti_matching, induced_map, unmatched_classes
from topobench.topology.maximin import maximin_pairs
from topobench.topology.simple import simple_points, thicken, thin
from topobench.topology.warping import warp

__all__ = [
    "betti_matching",
    "betti_numbers",
    "critical_regions",
    "induced_map",
    "label_components",
    "match_barcodes",
    "maximin_pairs",
    "persistence_pairs",
    "simple_points",
    "thicken",
    "thin",
    "unmatched_classes",
    "warp",
]
