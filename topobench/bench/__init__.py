"""How fast the kernel is on this machine, in ratios to peers that run at the same moment."""

from topobench.bench.contest import Contest, compare, first_call, speed_up
from topobench.bench.patches import Source, patches, source

__all__ = ["Contest", "Source", "compare", "first_call", "patches", "source", "speed_up"]
