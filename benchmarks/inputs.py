"""Inputs that every commit gets alike: seeded, made without topobench and without files."""

import numpy as np
from scipy.ndimage import gaussian_filter

__all__ = ["likelihoods", "truths"]


def likelihoods(count, size, grain=1.5):
    """Return smooth random maps (count, size, size), float32 in (0, 1), with lines like membranes some grains apart."""
    noise = np.random.default_rng(size).normal(size=(count, size, size))
    smooth = gaussian_filter(noise, (0, grain, grain))
    return (1 / (1 + np.exp(12 * (np.abs(smooth / smooth.std()) - 0.45)))).astype(np.float32)


def truths(count, size, grain=1.5):
    """Return masks (count, size, size) that agree with the maps but for a finer smoothing."""
    maps = likelihoods(count, size, grain).astype(np.float64)
    return gaussian_filter(maps, (0, 0.7, 0.7)) >= 0.5
