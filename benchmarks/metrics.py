"""Each metric on one image of 512 x 512; figures that are computed together are timed together, by the first's name."""

from benchmarks.inputs import likelihoods, truths
from topobench import list_names
from topobench.metrics import score
from topobench.metrics.case import Case
from topobench.registry import BUILTINS, load

FIRST_OF_FAMILY = {target: name for name, target in reversed(BUILTINS["metrics"].items())}


class Metrics:
    """Time of a metric, and of all figures of a protocol."""

    params = (sorted(FIRST_OF_FAMILY.values()),)
    param_names = ("metric",)

    def setup(self, metric):
        """Make prediction and truth, and compile what there is to compile."""
        self.masks = likelihoods(1, 512)[0] >= 0.5, truths(1, 512)[0]
        self.compute = load("metrics", metric)
        self.compute(self.case())

    def case(self):
        """Return a new case: one keeps its labels and its contingency table."""
        return Case(
            *self.masks, None, connectivity=8, phase="regions", patch_size=65, patches=500, frame=True,
            dimensions=(1,), seed=0, image_id="asv",
        )  # fmt: skip

    def time_metric(self, metric):
        """Time the metric."""
        self.compute(self.case())


class Protocol:
    """All figures of a protocol."""

    params = (list_names("protocols"),)
    param_names = ("protocol",)

    def setup(self, protocol):
        """Make prediction and truth, and compile what there is to compile."""
        self.prediction, self.truth = likelihoods(1, 512)[0], truths(1, 512)[0]
        score(self.prediction, self.truth, protocol=protocol)

    def time_protocol(self, protocol):
        """Time the score of one image."""
        score(self.prediction, self.truth, protocol=protocol)


class Matching:
    """Betti matching of a batch of patches, on one thread."""

    params = ((64, 256),)
    param_names = ("size",)

    def setup(self, size):
        """Make 64 pairs of masks, and compile what there is to compile."""
        from topobench.topology import betti_matching  # not there in commits of before

        self.match = betti_matching
        self.masks = likelihoods(64, size) >= 0.5, truths(64, size)
        self.match(*self.masks, threads=1)

    def time_betti_matching(self, size):
        """Time the matching of 64 pairs."""
        self.match(*self.masks, threads=1)
