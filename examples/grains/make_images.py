"""Draw six micrographs of grains, and where their boundaries are: a user's own data, in two folders of PNG files."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import cKDTree

SHAPE, COUNT, GRAINS = (128, 160), 6, 40


def micrograph(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image (H, W) and the mask (H, W) of the boundaries, three pixels wide, half-way between grains."""
    draw = np.random.default_rng(seed)
    seeds = draw.uniform((0, 0), SHAPE, (GRAINS, 2))
    pixels = np.stack(np.indices(SHAPE), axis=-1).reshape(-1, 2)
    distance, nearest = cKDTree(seeds).query(pixels, k=2)
    apart = np.linalg.norm(seeds[nearest[:, 0]] - seeds[nearest[:, 1]], axis=1)
    away = (distance[:, 1] ** 2 - distance[:, 0] ** 2) / (2 * apart)  # from the line half-way between two seeds
    boundary = (away < 1.5).reshape(SHAPE)
    grey = draw.uniform(130, 200, GRAINS)[nearest[:, 0]].reshape(SHAPE)
    etched = ndimage.gaussian_filter(draw.standard_normal(SHAPE), 12)
    grey = np.where(boundary, grey - 75 - 300 * etched, grey)
    return (ndimage.gaussian_filter(grey, 0.7) + draw.normal(0, 12, SHAPE)).clip(0, 255), boundary


def main(folder: Path) -> None:
    """Write the images and masks into two folders within a folder."""
    for number in range(COUNT):
        image, boundary = micrograph(number)
        for kind, pixels in (("images", image), ("boundaries", 255 * boundary)):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.astype(np.uint8)).save(folder / kind / f"grains-{number}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
