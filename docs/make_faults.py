"""Draw docs/images/faults.png, one fault of each family on synthetic membranes: python docs/make_faults.py."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from topobench import load_dataset
from topobench.data.faults import make_fault

CHOSEN = {"gaps": 6, "bridges": 6, "islands": 6, "false-holes": 6, "shifted": 3, "thinned": 2, "thickened": 2}
RIGHT, LOST, ADDED = (0.35, 0.35, 0.35), (0.84, 0.37, 0.0), (0.0, 0.45, 0.70)  # the last two of Okabe and Ito


def picture(mask, truth):
    """Return an image (H, W, 3): structure that is right, lost or added, on white."""
    image = np.ones((*truth.shape, 3))
    image[mask & truth], image[truth & ~mask], image[mask & ~truth] = RIGHT, LOST, ADDED
    return image


def main():
    """Draw and save."""
    dataset = load_dataset("synthetic-membranes")
    truth = dataset[dataset.image_ids[0]].truth[:96, :96]
    figure = Figure(figsize=(10, 5.4), layout="constrained")
    axes = figure.subplots(2, 4).ravel()
    shown = {"truth": truth} | {f"{kind}, {k}": make_fault(truth, kind, k, seed=1).mask for kind, k in CHOSEN.items()}
    for axis, (title, mask) in zip(axes, shown.items(), strict=True):
        axis.imshow(picture(mask, truth), interpolation="nearest")
        axis.set_title(title, fontsize=11)
        axis.set_axis_off()
    figure.savefig(Path(__file__).parent / "images" / "faults.png", dpi=90)


if __name__ == "__main__":
    main()
