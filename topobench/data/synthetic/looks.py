"""How a truth is shown: what makes the task hard (blur, noise, gaps, distractors) happens here, never to the truth."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from topobench.types import BoolArray

__all__ = ["Look", "render"]

WINDOW = 26**2  # pixels: gaps and granules are counted for each so many
SHADE_SCALE = 0.25  # sigma of the illumination, as a part of the image's longer side


@dataclass(frozen=True)
class Look:
    """How an image shows its truth: all lengths in pixels, all intensities as parts of the range [0, 1].

    Attributes
    ----------
    contrast : intensity of the ground less that of the structure, or the reverse if `bright`
    blur : sigma of the Gaussian
    noise : standard deviation of the noise
    gaps : faint stretches of structure for each 26x26 pixels, on average
    granules : spots that look like structure and are none, for each 26x26 pixels, on average
    bright : whether structure is brighter than the ground
    ground : intensity of the ground
    texture, texture_scale : standard deviation of the ground, and sigma of its grains
    shade : standard deviation of an illumination that varies slowly over the whole image
    gap_radius, granule_radius : sigma of one gap, of one granule
    """

    contrast: float
    blur: float
    noise: float
    gaps: float
    granules: float
    bright: bool = False
    ground: float = 0.72
    texture: float = 0.05
    texture_scale: float = 6.0
    shade: float = 0.0
    gap_radius: float = 2.5
    granule_radius: float = 1.6

    def identity(self) -> dict[str, Any]:
        """Return the fields without which the look would be another; a field added later changes no old hash."""
        return {key.name: asdict(self)[key.name] for key in fields(self) if getattr(self, key.name) != key.default}


def render(truth: BoolArray, look: Look, random: np.random.Generator) -> NDArray[np.float32]:
    """Return an image (H, W) of a truth: float32 in [0, 1], in steps of 1/255."""
    strength = np.clip(1.0 - _spots(truth, look.gaps, look.gap_radius, random), 0.0, 1.0)
    granules = np.clip(_spots(~truth, look.granules, look.granule_radius, random), 0.0, 1.0)
    shown = np.maximum(truth * strength, 0.8 * granules * ~truth)
    contrast = -look.contrast if look.bright else look.contrast
    image = look.ground + _waves(truth.shape, look.texture, look.texture_scale, random)
    image -= contrast * ndimage.gaussian_filter(shown, look.blur)
    image += look.noise * random.normal(size=truth.shape)
    if look.shade:
        image += _waves(truth.shape, look.shade, SHADE_SCALE * max(truth.shape), random)
    return np.asarray(np.rint(np.clip(image, 0.0, 1.0) * 255) / 255, dtype=np.float32)


def _waves(shape: tuple[int, ...], height: float, scale: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return smooth noise with the standard deviation `height` over the image (0 in an image of one pixel)."""
    waves: NDArray[np.float64] = ndimage.gaussian_filter(random.normal(size=shape), scale)
    return height * waves / (waves.std() or 1.0)


def _spots(where: BoolArray, density: float, radius: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Return Gaussian spots of height 1 or so, centred on random pixels of a mask, `density` for each 26x26 pixels."""
    count = random.poisson(density * where.size / WINDOW)
    places = np.flatnonzero(where)
    spots = np.zeros(where.size)
    if places.size:
        spots[random.choice(places, size=count)] = 1.0
    blurred: NDArray[np.float64] = ndimage.gaussian_filter(spots.reshape(where.shape), radius)
    return 1.3 * 2 * np.pi * radius**2 * blurred  # the peak of the Gaussian is 1 / (2 pi radius^2)
