"""What many tests of figures begin with."""

import numpy as np

from topobench.metrics.case import Case

__all__ = ["case", "lines"]


def case(prediction, truth, **choices):
    """A case of two masks (H, W) with the choices of hu2019, but for those that a test names."""
    defaults = {
        "valid": None, "connectivity": 8, "phase": "regions", "patch_size": 65, "patches": 50, "frame": True,
        "dimensions": (1,), "seed": 0, "image_id": "",
    }  # fmt: skip
    return Case(np.asarray(prediction, bool), np.asarray(truth, bool), **defaults | choices)


def lines(size=65, width=1):
    """A membrane grid: two vertical, one horizontal line; six cells."""
    mask = np.zeros((size, size), bool)
    for middle in (20, 44):
        mask[:, middle - width // 2 : middle + width // 2 + 1] = True
    mask[32 - width // 2 : 32 + width // 2 + 1] = True
    return mask
