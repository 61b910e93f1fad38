"""How fast the kernel is on this machine, in ratios to peers that run at the same moment."""

from topobench.bench.contest import Contest, contest, first_call, speed_up
from topobench.bench.patches import Source, patches, source

__all__ = ["Contest", "Source", "contest", "first_call", "patches", "source", "speed_up"]
