"""What a training batch costs: 8 crops of 128 pixels, against a step of the 16-channel U-Net on them.

    python benchmarks/batches.py [--rounds 15] [--data-dir DIR] [--cache-images N]

Of the training images of the first fold of ISBI 2012, or of synthetic membranes where that is not to be found.
Interleaved in one process: a batch; the same of images with a validity mask; a batch and the step (cross entropy,
Adam). Medians of the ratios of each round. With --cache-images fewer are kept in memory than are drawn.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks.inputs import likelihoods, truths
from topobench.cards import Budget
from topobench.run.batches import TrainingSet
from topobench.types import Sample

BUDGET = Budget(steps=1000, batch=8, crop=128)


class Batches:
    """A batch of images of 512 x 512 that look like ISBI 2012, all of them in memory."""

    params = (False, True)
    param_names = ("masked",)

    def setup(self, masked):
        """Make the images, and draw from each once."""
        self.data, self.step = TrainingSet.of(membranes(20, 512, masked)), 0
        for _ in range(20):
            self.time_batch(masked)

    def time_batch(self, masked):
        """Time the batch of the next step."""
        self.data.batch(BUDGET, 0, self.step)
        self.step += 1


def membranes(count, size, masked):
    """Return samples of synthetic membranes, levels of 255, some with a mask that leaves out a third."""
    images, masks = np.rint(likelihoods(count, size) * 255) / 255, truths(count, size)
    valid = np.arange(size) < size * 2 // 3
    valid = np.broadcast_to(valid, (size, size)) if masked else None
    return [Sample(str(k), images[k][None].astype(np.float32), masks[k], valid) for k in range(count)]


def training_samples(data_dir):
    """Return the training samples of ISBI 2012 with their name, or synthetic ones."""
    from topobench import load_dataset
    from topobench.errors import DataError

    try:
        dataset = load_dataset("isbi2012", data_dir)
        return "ISBI 2012", list(dataset.select(dataset.fold(0)[0]))
    except DataError as error:
        print(f"Synthetic membranes, for {error}")
        return "synthetic membranes", membranes(20, 512, False)


def cover_a_third(samples):
    """Return samples of which the right third is not valid."""
    from dataclasses import replace

    width = samples[0].truth.shape[1]
    valid = np.broadcast_to(np.arange(width) < width * 2 // 3, samples[0].truth.shape)
    return [replace(sample, valid=valid) for sample in samples]


def step_of(data):
    """Return a function that takes the next batch and does a step of the U-Net on it."""
    import torch

    from topobench import load_loss, load_model

    torch.manual_seed(0)
    model, entropy = load_model("unet", in_channels=data.channels, width=16, depth=4), load_loss("cross-entropy")
    optimiser, steps = torch.optim.Adam(model.parameters()), iter(range(BUDGET.steps))

    def run():
        images, target, _ = data.batch(BUDGET, 0, next(steps))
        optimiser.zero_grad(set_to_none=True)
        entropy(model(images), target).backward()
        optimiser.step()

    return run


def batch_of(data):
    """Return a function that makes the next batch; where crops may lie in each image is known by then."""
    steps = iter(range(BUDGET.steps))
    for _ in range(20):
        data.batch(BUDGET, 0, next(steps))
    return lambda: data.batch(BUDGET, 0, next(steps))


def main():
    """Print the time of a batch and its share of a step."""
    import torch

    from topobench.bench.contest import interleaved

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--data-dir")
    parser.add_argument("--cache-images", type=int)
    options = parser.parse_args()
    name, samples = training_samples(options.data_dir)
    kept = {"cache_bytes": options.cache_images * 2 * samples[0].truth.size} if options.cache_images else {}
    plain, masked = TrainingSet.of(samples, **kept), TrainingSet.of(cover_a_third(samples))
    runs = {"step with its batch": step_of(plain), "batch": batch_of(plain), "batch, masked": batch_of(masked)}
    seconds = interleaved(runs, options.rounds)
    print(f"{BUDGET.batch} crops of {BUDGET.crop} of {len(samples)} images, {name} ({torch.get_num_threads()} threads)")
    for run, times in seconds.items():
        share = np.median(times / (seconds["step with its batch"] - seconds["batch"]))
        print(f"  {run:20} {1e3 * np.median(times):8.2f} ms {100 * share:7.2f} % of the step")


if __name__ == "__main__":
    main()
