"""What training costs: ms a step by what they are spent on, and peak memory, of each recipe.

    python benchmarks/training.py [RECIPE ...] [--device auto] [--precision auto] [--steps 6] [--batch 8] [--crop 128]
    python benchmarks/training.py --layouts [RECIPE ...]

Steps are those of `topobench run`, at the end of the schedule, where all terms count; the first, in which things are
compiled, is left out, and of the others the median is taken. Each recipe has a process of its own, for the sake of its
peak. Recipes with pretrained weights begin with random ones, which cost the same. `--layouts` compares, interleaved in
one process, the step with images channels last (as training has them) and channels first.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":  # asv looks into every file here, for commits too that lack some of this
    sys.path.insert(0, str(Path(__file__).parents[1]))

    import numpy as np
    import torch

    from benchmarks.inputs import likelihoods, truths
    from topobench import list_names
    from topobench.bench.contest import interleaved
    from topobench.cards import Budget, load_recipe
    from topobench.environment import peak_memory_mib, reset_peak_memory
    from topobench.registry import load
    from topobench.run.batches import TrainingSet
    from topobench.run.checkpoint import Checkpoints
    from topobench.run.device import Device, choose_device
    from topobench.run.train import Trainer
    from topobench.types import Sample


def untrained(recipe):
    """Return a recipe that wants no pretrained weights."""

    def plain(kind, choice):
        wants = hasattr(load(kind, choice.name), "pretrained_weights")
        return type(choice).model_validate({**choice.model_dump(), "pretrained": False}) if wants else choice

    loss = tuple(plain("losses", term) for term in recipe.loss)
    return recipe.model_copy(update={"model": plain("models", recipe.model), "loss": loss})


def trainer(name, device, options, folder):
    """Return a training of a recipe on membranes, at its last steps."""
    images, masks = likelihoods(4, 2 * options.crop), truths(4, 2 * options.crop)
    samples = [Sample(str(k), images[k][None].astype(np.float32), masks[k]) for k in range(len(images))]
    steps = 10**6
    budget = Budget(steps=steps, batch=options.batch, crop=options.crop)
    found = Trainer(
        untrained(load_recipe(name)), budget, 0, device, TrainingSet.of(samples), Checkpoints(Path(folder), "0" * 64)
    )
    found.step = steps - 10**4
    return found


def one(name, options):
    """Print a recipe's line of the table."""
    device = choose_device(options.device, options.precision)
    with tempfile.TemporaryDirectory() as folder:
        found = trainer(name, device, options, folder)
        found._take_step()
        reset_peak_memory()
        if device.kind == "cuda":
            torch.cuda.reset_peak_memory_stats()
        steps = [found._take_step().seconds for _ in range(options.steps)]
    median = {part: 1000 * statistics.median(step[part] for step in steps) for part in steps[0]}
    peak = torch.cuda.max_memory_allocated() / 2**20 if device.kind == "cuda" else peak_memory_mib()
    parameters = sum(weights.numel() for weights in found.model.parameters()) / 1e6
    cells = [f"{sum(median.values()):.0f}", *(f"{value:.1f}" for value in median.values())]
    print(f"| {name} | {parameters:.2f} | {' | '.join(cells)} | {peak:.0f} |", flush=True)


def layouts(name, options):
    """Print how long a step takes channels last, against channels first."""

    class First(Device):
        memory_format = torch.contiguous_format

    device = choose_device(options.device, options.precision)
    first = First(device.kind, device.precision, device.threads)
    with tempfile.TemporaryDirectory() as folder:
        both = {word: trainer(name, found, options, folder) for word, found in (("first", first), ("last", device))}
        for found in both.values():
            found._take_step()
        seconds = interleaved({word: found._take_step for word, found in both.items()}, options.steps)
    ratio = np.median(seconds["last"] / seconds["first"])
    print(
        f"{name}: channels last {1000 * np.median(seconds['last']):.0f} ms, {ratio:.2f} of channels first", flush=True
    )


def main():
    """Print a line for each recipe."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipes", nargs="*")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--precision", default="auto")
    for option, value in (("--steps", 6), ("--batch", 8), ("--crop", 128)):
        parser.add_argument(option, type=int, default=value)
    parser.add_argument("--layouts", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options)
    elif options.layouts:
        for name in options.recipes or list_names("recipes"):
            layouts(name, options)
    else:
        table(options)


def table(options):
    """Print the table, a process a line."""
    device = choose_device(options.device, options.precision)
    where = torch.cuda.get_device_name() if device.kind == "cuda" else f"{device.threads} threads"
    print(f"{device.kind}, {device.precision}, {where}; batch {options.batch} of {options.crop}x{options.crop}\n")
    print("| recipe | million weights | ms a step | data | network | loss | peak MiB |\n|---|---|---|---|---|---|---|")
    sys.stdout.flush()
    for name in options.recipes or list_names("recipes"):
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--one", name], check=True)


if __name__ == "__main__":
    main()
