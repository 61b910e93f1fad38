"""Each metric on one image of 512 x 512; figures that are computed together are timed together, by the first's name."""

from benchmarks.inputs import likelihoods, truths
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
        self.prediction, self.truth = likelihoods(1, 512)[0], truths(1, 512)[0]
        self.case = Case(
            self.prediction >= 0.5, self.truth, None, connectivity=8, phase="regions", patch_size=65, patches=500,
            frame=True, dimensions=(1,), seed=0, image_id="asv",
        )  # fmt: skip
        self.compute = load("metrics", metric)
        self.compute(self.case)

    def time_metric(self, metric):
        """Time the metric."""
        self.compute(self.case)


class Protocol:
    """All figures of hu2019."""

    def setup(self):
        """Make prediction and truth."""
        self.prediction, self.truth = likelihoods(1, 512)[0], truths(1, 512)[0]

    def time_hu2019(self):
        """Time the score of one image."""
        score(self.prediction, self.truth, protocol="hu2019")
