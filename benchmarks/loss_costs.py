"""What losses cost: forward and backward on 8 maps of 128x128, against a training step of the 16-channel U-Net.

    python benchmarks/loss_costs.py [--rounds 15] [--device cpu]

Every loss with its default options (but with features of VGG-19 that nobody trained, which need no download),
interleaved in one process with the training step (cross entropy, Adam) on the same batch, and against the topological
loss; and that one (4 patches of 65x65 a map) against the same loss through gudhi, a patch at a time, after both were
seen to agree; and the costliest, `mosinska`, against matrix products that multiply as often as its convolutions do, on
the CPU. Medians of the ratios of each round.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":  # asv looks into every file here, for commits too that lack some of this
    sys.path.insert(0, str(Path(__file__).parents[1]))

    import gudhi
    import numpy as np
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from benchmarks.inputs import likelihoods, truths
    from topobench import list_names, load_loss, load_model
    from topobench.bench.contest import interleaved
    from topobench.patches import cut
    from topobench.registry import load

MAPS, SIZE, PATCH = 8, 128, 65


def batch(device):
    """Return logits that want a gradient, and their target."""
    maps = torch.from_numpy(likelihoods(MAPS, SIZE))[:, None]
    target = torch.from_numpy(truths(MAPS, SIZE))[:, None].float()
    return torch.logit(maps).to(device).requires_grad_(), target.to(device)


def training_step(target):
    """Return a function that does one step of the U-Net on a batch of that target, channels last as in training."""
    torch.manual_seed(0)
    last = {"memory_format": torch.channels_last}
    images = torch.rand_like(target).contiguous(**last)
    model = load_model("unet", in_channels=1, width=16, depth=4).to(target.device, **last)
    optimiser, entropy = torch.optim.Adam(model.parameters()), load_loss("cross-entropy")

    def step():
        optimiser.zero_grad(set_to_none=True)
        entropy(model(images), target).backward()
        optimiser.step()

    return step


def forward_and_backward(loss, logits, target):
    """Return a function that computes a loss and its gradient."""

    def run():
        logits.grad = None
        loss(logits, target).backward()
        if logits.is_cuda:
            torch.cuda.synchronize()

    return run


def through_gudhi(places):
    """Return the topological loss with persistence by gudhi, in the patches at rows (map, y, x) of `places`."""

    def loss(logits, target):
        likelihood = torch.sigmoid(logits)[:, 0]
        total = likelihood.sum() * 0
        masks = cut((target[:, 0] > 0.5).numpy(), places, PATCH)
        for (index, top, left), mask in zip(places, masks, strict=True):
            patch = likelihood[index, top : top + PATCH, left : left + PATCH]
            birth, death = holes_with_values(patch)
            persistence = (birth - death).detach()
            order = torch.argsort(persistence, descending=True)
            wanted = len(holes(mask.astype(np.float64))[0])
            fixed, removed = order[:wanted], order[wanted:]
            removed = removed[persistence[removed] > 0.03]
            total = total + ((1 - birth[fixed]) ** 2 + death[fixed] ** 2).sum() + (wanted - len(fixed)) / 2
            total = total + ((birth[removed] - death[removed]) ** 2 / 2).sum()
        return total / len(places)

    return loss


def holes(patch):
    """Return birth and death of a framed patch's holes as flat indices of the padded patch, row-major."""
    complex_ = gudhi.CubicalComplex(top_dimensional_cells=-np.pad(patch, 1, constant_values=2.0))
    complex_.compute_persistence()
    regular = complex_.cofaces_of_persistence_pairs()[0]
    side = len(patch) + 2
    return (regular[1] % side * side + regular[1] // side).T if len(regular) > 1 else np.empty((2, 0), np.int64)


def holes_with_values(patch):
    """Return births and deaths of a patch's holes, with gradients."""
    framed = torch.nn.functional.pad(patch, (1, 1, 1, 1), value=1.0).reshape(-1)
    birth, death = holes(patch.detach().double().numpy())
    return framed[torch.from_numpy(birth)], framed[torch.from_numpy(death)]


def costs(device, rounds):
    """Print each loss's share of a training step."""
    logits, target = batch(device)
    step = training_step(target)
    runs = {"training step of the U-Net": step}
    for name in list_names("losses"):
        untrained = {"pretrained": False} if hasattr(load("losses", name), "pretrained_weights") else {}
        runs[name] = forward_and_backward(load_loss(name, **untrained).to(device), logits, target)
    title = f"forward and backward, {MAPS} maps of {SIZE}x{SIZE}, {device}"
    report(title, interleaved(runs, rounds), "training step of the U-Net", "topological")


def against_gudhi(rounds):
    """Print how much longer the topological loss takes through gudhi."""
    logits, target = batch("cpu")
    ours = load_loss("topological")
    places = ours._places((MAPS, SIZE, SIZE))
    ours.reseed(0)
    wanted, found = through_gudhi(places)(logits, target).item(), ours(logits, target).item()
    assert abs(wanted - found) < 1e-4 * wanted, (wanted, found)
    runs = {
        "topological": forward_and_backward(ours, logits, target),
        "the same through gudhi": forward_and_backward(through_gudhi(places), logits, target),
    }
    report(f"topological loss, 4 patches of {PATCH}x{PATCH} a map", interleaved(runs, rounds), "topological")


def against_products(rounds):
    """Print how long three matrix products with the work of `mosinska` take."""
    logits, target = batch("cpu")
    run = forward_and_backward(load_loss("mosinska", pretrained=False), logits, target)
    with FlopCounterMode(display=False) as counter:
        run()
    work = counter.get_total_flops()  # a multiplication and its addition are two
    factor = torch.rand(2 * [round((work / 6) ** (1 / 3))])
    runs = {"mosinska": run, "as much in matrix products": lambda: [factor @ factor for _ in range(3)]}
    report(f"loss mosinska, {work / 1e9:.1f} GFLOP in convolutions", interleaved(runs, rounds), "mosinska")


def report(title, seconds, *others):
    """Print the time of each run, and how many times that of each of the others it is."""
    print(f"\n{title} ({torch.get_num_threads()} threads)")
    print(f"  {'':28} {'time':>12}" + "".join(f"  / {other}" for other in others))
    for name, times in seconds.items():
        ratios = (f"{np.median(times / seconds[other]):{4 + len(other)}.4g}" for other in others)
        print(f"  {name:28} {1e3 * np.median(times):9.2f} ms" + "".join(ratios))


def main():
    """Run the comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    costs(options.device, options.rounds)
    against_gudhi(options.rounds)
    against_products(options.rounds)


if __name__ == "__main__":
    main()
