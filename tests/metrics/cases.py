"""A case with the choices of hu2019, but for those that a test names."""

import numpy as np

from topobench.metrics.case import Case

__all__ = ["case"]


def case(prediction, truth, **choices):
    """Return a case of two masks (H, W), in any form that numpy takes for bool."""
    defaults = {
        "valid": None, "connectivity": 8, "phase": "regions", "patch_size": 65, "patches": 50, "frame": True,
        "dimensions": (1,), "seed": 0, "image_id": "",
    }  # fmt: skip
    return Case(np.asarray(prediction, bool), np.asarray(truth, bool), **defaults | choices)
