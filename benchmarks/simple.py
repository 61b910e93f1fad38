"""Simple points, and layers of pixels taken off or added: one mask of 512 x 512, on one thread."""

from benchmarks.inputs import likelihoods
from topobench import topology  # older commits lack what is timed here


class Simple:
    """Of membranes, so many layers, the last of which make a skeleton."""

    params = (1, 3, 100)
    param_names = ("pixels",)

    def setup(self, pixels):
        """Make the mask, and compile what there is to compile."""
        self.mask = likelihoods(1, 512, 4.0)[0] >= 0.5
        topology.thin(self.mask, pixels, threads=1)
        topology.thicken(self.mask, pixels, threads=1)
        topology.simple_points(self.mask, threads=1)

    def time_thin(self, pixels):
        """Time taking layers off."""
        topology.thin(self.mask, pixels, threads=1)

    def time_thicken(self, pixels):
        """Time adding layers."""
        topology.thicken(self.mask, pixels, threads=1)

    def time_simple_points(self, pixels):
        """Time the question alone, which is the same for all."""
        topology.simple_points(self.mask, threads=1)
