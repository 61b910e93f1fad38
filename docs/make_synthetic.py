"""Draw docs/images/synthetic.png: image and truth of two samples of each synthetic family, side by side.

python docs/make_synthetic.py
"""

from pathlib import Path

import numpy as np
from PIL import Image

from topobench import load_dataset

FAMILIES = "membranes", "roads", "vessels", "cracks"
SIDE, GAP = 160, 4


def row(dataset, image_ids):
    """Return images and truths of some samples, side by side on white, as levels of 255."""
    panels = []
    for image_id in image_ids:
        sample = dataset[image_id]
        panels += [255 * sample.image[0, :SIDE, :SIDE], 255 * ~sample.truth[:SIDE, :SIDE]]
    return np.hstack([np.pad(panel, GAP, constant_values=160) for panel in panels])


def main():
    """Draw it: two families a row."""
    rows = [row(load_dataset(f"synthetic-{name}"), ("image-00", "image-02")) for name in FAMILIES]
    sheet = np.vstack([np.hstack(rows[:2]), np.hstack(rows[2:])])
    Image.fromarray(sheet.astype(np.uint8)).save(Path(__file__).parent / "images" / "synthetic.png", optimize=True)


if __name__ == "__main__":
    main()
