"""The metrics against their peers, in one process, on one thread: medians of the ratios of interleaved rounds.

    python benchmarks/against_peers.py [--rounds 7] [--betti-matching PATH]

PATH is the compiled module ``betti_matching`` of Stucki et al., which no wheel of its own installs: unpack the wheel
of topolosses (`pip download --no-deps topolosses==0.2.0`) and name its ``betti_matching.cpython-*.so``. Without it that
line is left out. Each contest first checks that the contestants find the same figures.
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

if __name__ == "__main__":  # asv looks into every file here, for commits too that lack some of this
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.path.insert(0, str(Path(__file__).parents[1]))

    import gudhi
    import numpy as np
    from scipy.ndimage import distance_transform_edt
    from skimage.measure import label
    from skimage.metrics import adapted_rand_error, variation_of_information

    from benchmarks.inputs import likelihoods, truths
    from topobench.bench.contest import interleaved
    from topobench.metrics import load_protocol, score
    from topobench.patches import cut, random_places
    from topobench.seeds import generator
    from topobench.topology import betti_matching, betti_numbers

SIZE, PATCHES, GRAIN = 1250, 100, 9.0  # a CREMI section; cells some 60 pixels wide


def plain_way(likelihood, truth, holes, filled):
    """What hu2019 asks for, with scikit-image and SciPy; `holes` counts those of a framed patch."""
    mask = likelihood >= 0.5
    found, wanted = label(~mask, connectivity=1), label(~truth, connectivity=1)
    places = random_places(truth.shape, 65, PATCHES, generator("patches", 0, ""))
    patches = (cut(part, places, 65) for part in (mask, truth))
    betti = np.mean([abs(holes(ours) - holes(theirs)) for ours, theirs in zip(*patches, strict=True)])
    forms = [found]
    if filled:
        nearest = distance_transform_edt(found == 0, return_distances=False, return_indices=True)
        forms.append(found[tuple(nearest)])
    counted = wanted > 0
    clusters = [
        (adapted_rand_error(wanted, labels), variation_of_information(labels[counted], wanted[counted]))
        for labels in forms
    ]
    return betti, clusters, np.mean(mask == truth), 2 * np.sum(mask & truth) / (np.sum(mask) + np.sum(truth))


def holes_by_gudhi(patch):
    """Holes of a framed patch, of its persistence in gudhi's cubical complex."""
    complex_ = gudhi.CubicalComplex(top_dimensional_cells=np.pad(~patch, 1).astype(float))
    complex_.compute_persistence()
    return len(complex_.persistence_intervals_in_dimension(1))


def holes_by_scikit_image(patch):
    """Holes of a framed patch: all components of its background."""
    return label(~patch, connectivity=1).max()


def protocol_contest(rounds):
    """All figures of hu2019 with 100 patches, against the plain way."""
    likelihood, truth = likelihoods(1, SIZE, GRAIN)[0], truths(1, SIZE, GRAIN)[0]
    protocol = load_protocol("hu2019").changed(patches=PATCHES)
    ours = score(likelihood, truth, protocol)
    for holes in (holes_by_gudhi, holes_by_scikit_image):
        betti, [(_, voi), *_], *_ = plain_way(likelihood, truth, holes, True)
        assert np.isclose(betti, ours["betti_error"]), (betti, ours["betti_error"])
        assert np.isclose(sum(voi), ours["voi"]), (voi, ours["voi"])
    runs = {"topobench": lambda: score(likelihood, truth, protocol)}
    for words, filled in (("", True), (", filled forms left out", False)):
        for name, holes in (("gudhi", holes_by_gudhi), ("skimage.measure.label", holes_by_scikit_image)):
            runs[f"plain way, patches by {name}{words}"] = lambda holes=holes, filled=filled: plain_way(
                likelihood, truth, holes, filled
            )
    report(f"all figures of hu2019, {PATCHES} patches, {SIZE}x{SIZE}, {ours.settings['figures']}", runs, rounds)


def betti_contest(rounds):
    """Betti numbers of a mask of 1024x1024."""
    mask = likelihoods(1, 1024)[0] >= 0.5

    def by_labelling():
        outside = label(np.pad(~mask, 1, constant_values=True), connectivity=1)
        return label(mask, connectivity=2).max(), outside.max() - 1

    assert betti_numbers(mask) == by_labelling()
    runs = {
        "topobench": lambda: betti_numbers(mask),
        "skimage.measure.label twice": by_labelling,
    }
    report("betti_numbers, 1024x1024", runs, rounds)


def matching_contest(module, rounds):
    """Betti matching of 64 patches of 64x64, in one call and one by one, connectivity 4."""
    prediction, truth = likelihoods(64, 64) >= 0.5, truths(64, 64)
    inverted = [(1.0 - ours, 1.0 - theirs) for ours, theirs in zip(prediction, truth, strict=True)]
    holes = betti_matching(prediction, truth, 4).error[1]
    runs = {
        "topobench": lambda: betti_matching(prediction, truth, 4, threads=1),
        "topobench, a patch a call": lambda: [betti_matching(*pair, 4) for pair in zip(prediction, truth, strict=True)],
    }
    if module:
        specification = importlib.util.spec_from_file_location("betti_matching", module)
        peer = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(peer)
        found = [peer.compute_matching(*pair) for pair in inverted]
        assert [r.num_unmatched_input1[1] + r.num_unmatched_input2[1] for r in found] == holes.tolist()
        runs["compiled betti_matching"] = lambda: [peer.compute_matching(*pair) for pair in inverted]
    report("Betti matching of 64 pairs of 64x64", runs, rounds)


def report(title, runs, rounds):
    """Print the time of each run, and how many times that of the first it is."""
    seconds = interleaved(runs, rounds)
    first = seconds[next(iter(runs))]
    print(f"\n{title}")
    for name, times in seconds.items():
        print(f"  {name:62} {1e3 * np.median(times):9.2f} ms {np.median(times / first):7.2f}x")


def main():
    """Run all contests."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--betti-matching", type=Path)
    options = parser.parse_args()
    protocol_contest(options.rounds)
    betti_contest(options.rounds)
    matching_contest(options.betti_matching, options.rounds)


if __name__ == "__main__":
    main()
