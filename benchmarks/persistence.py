"""The persistence kernel: patch size x back end x connectivity, one thread; and what goes with it."""

import numpy as np
from asv_runner.benchmarks.mark import SkipNotImplemented

from benchmarks.inputs import likelihoods
from topobench.errors import TopobenchError
from topobench.topology import betti_numbers, label_components, persistence_pairs

SIZES = (33, 65, 129, 257, 513)
PATCHES = {33: 256, 65: 64, 129: 16, 257: 4, 513: 2}  # about as many pixels for each size


class Persistence:
    """Both dimensions with all pixels; the time is that of all patches of a size."""

    params = (SIZES, ("numba", "gudhi", "cripser"), (8, 4))
    param_names = ("size", "backend", "connectivity")

    def setup(self, size, backend, connectivity):
        """Make the patches, and compile what there is to compile."""
        self.patches = likelihoods(PATCHES[size], size)
        try:
            persistence_pairs(self.patches[:, :9, :9], connectivity, backend=backend)
        except TopobenchError as error:
            raise SkipNotImplemented(str(error)) from error

    def time_pairs(self, size, backend, connectivity):
        """Time all patches in one call."""
        persistence_pairs(self.patches, connectivity, backend=backend, threads=1)


class Kernel:
    """Our own kernel in the ways in which losses and metrics call it: 64 patches of 65."""

    def setup(self):
        """Make the patches, and compile what there is to compile."""
        self.patches = likelihoods(64, 65)
        self.wide = self.patches.astype(np.float64)
        self.masks = self.patches >= 0.5
        for patches in (self.patches, self.wide):
            persistence_pairs(patches[:2])
        betti_numbers(self.masks[:2])
        label_components(self.masks[:2])

    def time_framed_holes(self):
        """Time what the topological loss asks for."""
        persistence_pairs(self.patches, 8, True, (1,), threads=1)

    def time_float64(self):
        """Time both dimensions in float64."""
        persistence_pairs(self.wide, threads=1)

    def time_two_threads(self):
        """Time both dimensions, shared by two threads."""
        persistence_pairs(self.patches, threads=2)

    def time_one_patch(self):
        """Time a single patch, in which the way to the kernel weighs most."""
        persistence_pairs(self.patches[0], threads=1)

    def time_betti_numbers(self):
        """Time components and holes of masks."""
        betti_numbers(self.masks, threads=1)

    def time_label_components(self):
        """Time the labels of components of masks."""
        label_components(self.masks, threads=1)

    def peakmem_image_of_1025(self):
        """Watch the memory that the pairs of one large image of noise take, far more than the image itself."""
        persistence_pairs(np.random.default_rng(0).random((1025, 1025), np.float32))
