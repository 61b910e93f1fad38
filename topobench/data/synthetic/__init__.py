"""Images made by code, whose Betti numbers are counted while they are made: membranes, roads, vessels, cracks."""

from topobench.data.synthetic.adapter import FAMILIES, Synthetic
from topobench.data.synthetic.family import Family, Made, make
from topobench.data.synthetic.looks import Look, render

__all__ = ["FAMILIES", "Family", "Look", "Made", "Synthetic", "make", "render"]
