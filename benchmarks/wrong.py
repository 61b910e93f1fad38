"""What losses count in segmentations that are wrong: eight pairs of masks, and maps, of 128 x 128, on one thread."""

from functools import partial

from benchmarks.inputs import likelihoods, truths
from topobench import topology  # older commits lack what is timed here

MAPS, SIZE = 8, 128


class Wrong:
    """Critical regions, warping, and pairs of pixels by the weakest of the best path between them."""

    params = ("critical_regions", "warp", "maximin_pairs")
    param_names = ("what",)

    def setup(self, what):
        """Make masks and labels, and compile what there is to compile."""
        maps, truth = likelihoods(MAPS, SIZE), truths(MAPS, SIZE)
        inputs = (maps >= 0.5, truth)
        if what == "maximin_pairs":
            inputs = (1 - maps, topology.label_components(~truth, 4), 4)
        self.run = partial(getattr(topology, what), *inputs, threads=1)
        self.run()

    def time_batch(self, what):
        """Time one call."""
        self.run()
