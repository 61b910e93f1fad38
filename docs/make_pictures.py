"""Make the README's pictures from the output folder of `topobench run`: python docs/make_pictures.py topobench-out."""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from topobench.cards import load_recipe, load_suite
from topobench.data import open_dataset
from topobench.drawing import draw_mistakes, save_figure
from topobench.metrics import score
from topobench.run.device import choose_device
from topobench.run.maps import read_map
from topobench.run.matrix import expand
from topobench.run.nulls import RawThreshold
from topobench.run.store import Store
from topobench.topology import betti_numbers, label_components

IMAGE = "image-02"
MERGED = "#d7301f"


def cells_of(mask, truth):
    """Give each predicted region the number of the true cell that fills most of it; -1 where it joins several."""
    found, cells = label_components(~mask, 4), label_components(~truth, 4)
    shown = np.zeros(mask.shape, int)
    sizes = np.bincount(cells.ravel())
    for region in range(1, found.max() + 1):
        shares = np.bincount(cells[found == region], minlength=sizes.size)
        shares[0] = 0
        held = np.flatnonzero(shares > 0.3 * sizes)
        shown[found == region] = -1 if len(held) > 1 else shares.argmax()
    return shown


def prediction_of(recipe, image_id, dataset, store):
    """The map of an image that a run of a recipe of the suite `quick` has kept."""
    suite = load_suite("quick").model_copy(update={"recipes": (recipe,), "nulls": ()})
    [run] = expand(suite, [load_recipe(recipe)], [dataset], choose_device("cpu"))
    place = Store(store).place(run.identity())
    if not (record := place.finished()):
        sys.exit(f"{place.record} is no finished record; run `topobench run -o {store}` first.")
    return read_map(place.predictions, image_id, record.predictions[image_id])


def main(store):
    """Draw image, truth, threshold and unet-topo of one image, and the mistakes of base-topo."""
    dataset = open_dataset("synthetic-membranes")
    sample = dataset[IMAGE]
    training = [dataset[image_id] for image_id in dataset.fold(0)[0]]
    maps = {
        "truth": sample.truth,
        "threshold of the image": RawThreshold(training, dataset.card.connectivity)(sample),
        "unet-topo": prediction_of("unet-topo", IMAGE, dataset, store),
    }
    count = label_components(~sample.truth, 4).max()
    hues = plt.get_cmap("viridis")(np.random.default_rng(1).permutation(np.linspace(0.25, 1, count)))
    colours = ListedColormap([MERGED, "#14181d", *hues])
    figure, axes = plt.subplots(1, 4, figsize=(13, 3.7), dpi=110)
    axes[0].imshow(sample.image[0], cmap="gray", vmin=0, vmax=1)
    axes[0].set_title("image", fontsize=11)
    for axis, (name, likelihood) in zip(axes[1:], maps.items(), strict=True):
        mask = np.asarray(likelihood) >= 0.5
        axis.imshow(cells_of(mask, sample.truth), cmap=colours, vmin=-1, vmax=count, interpolation="nearest")
        figures = score(likelihood, sample.truth, image_id=IMAGE)
        cells = betti_numbers(mask, frame=True)[1]
        text = f"{name}: {cells} cells"
        if name != "truth":
            text += f"\npixels right {figures['accuracy']:.1%}, Betti error {figures['betti_error']:.2f}"
        axis.set_title(text, fontsize=11)
    for axis in axes:
        axis.axis("off")
    figure.tight_layout()
    images = Path(__file__).parent / "images"
    figure.savefig(images / "quick.png", bbox_inches="tight")
    likelihood = prediction_of("base-topo", IMAGE, dataset, store)
    title = f"base-topo, synthetic-membranes, {IMAGE}"
    mistakes = draw_mistakes(likelihood, sample.truth, sample.image, frame=True, title=title)
    save_figure(mistakes, images / "mistakes.png", dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "topobench-out"))
