"""Hand-made likelihoods that are wrong in one known way, each with its truth and the pixels that must move."""

from dataclasses import dataclass

import numpy as np

HIGH, LOW = 0.9, 0.1


@dataclass(frozen=True)
class Toy:
    """`up` and `down` are the pixels (row, column) where the first step must raise, or lower, the likelihood."""

    name: str
    likelihood: np.ndarray
    truth: np.ndarray
    frame: bool
    dimensions: tuple[int, ...]
    up: tuple[tuple[int, int], ...] = ()
    down: tuple[tuple[int, int], ...] = ()

    @property
    def options(self):
        return {"patch_size": None, "frame": self.frame, "dimensions": self.dimensions, "min_persistence": 0.0}


def _paint(mask):
    return np.where(mask, HIGH, LOW)


def gap(height=11, width=11):
    """A membrane across the patch with a gap of one pixel: two cells are merged. The gap must be closed."""
    truth = np.zeros((height, width), bool)
    truth[height // 2] = True
    likelihood = _paint(truth)
    likelihood[height // 2, 4] = 0.3
    return Toy(f"gap {height}x{width}", likelihood, truth, True, (1,), up=((height // 2, 4),))


def bridge(height=13, width=11):
    """Two membranes across, and a false one between them, weakest at one pixel, which must be cut."""
    truth = np.zeros((height, width), bool)
    truth[3] = truth[9] = True
    wrong = truth.copy()
    wrong[3:10, 5] = True
    likelihood = _paint(wrong)
    likelihood[6, 5] = 0.6
    return Toy(f"bridge {height}x{width}", likelihood, truth, True, (1,), down=((6, 5),))


def false_hole(height=9, width=13):
    """A block of structure with a hole that is not in the truth, and must be filled."""
    truth = np.zeros((height, width), bool)
    truth[2:7, 2:9] = True
    likelihood = _paint(truth)
    likelihood[4, 5] = 0.2
    return Toy(f"false hole {height}x{width}", likelihood, truth, False, (1,), up=((4, 5),))


def missing_hole(height=9, width=13):
    """A ring whose hole has filled up: the least likely pixel inside must go."""
    truth = np.zeros((height, width), bool)
    truth[2:7, 2:9] = True
    truth[4, 5] = False
    likelihood = np.where(truth, HIGH, LOW)
    likelihood[4, 5] = 0.7
    return Toy(f"missing hole {height}x{width}", likelihood, truth, False, (1,), down=((4, 5),))


def island(height=9, width=15):
    """A line, and an island beside it that is not in the truth; dimension 0. The island must go."""
    truth = np.zeros((height, width), bool)
    truth[2] = True
    likelihood = _paint(truth)
    likelihood[6, 7], likelihood[6, 8] = 0.8, 0.7
    return Toy(f"island {height}x{width}", likelihood, truth, False, (0,), down=((6, 7),))


TOYS = [
    make(*shape)
    for make in (gap, bridge, false_hole, missing_hole, island)
    for shape in ((), (17, 12))
]  # fmt: skip
