"""What each figure is, in words: the texts and arrows that tables, pages and docs show."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from topobench.registry import PARTITION

__all__ = ["FIGURES", "Figure"]


@dataclass(frozen=True)
class Figure:
    """One figure: which way is better, what it measures, in what unit, its best value, and who defined it."""

    name: str
    better: Literal["low", "high", "neither"]
    meaning: str
    unit: str = ""
    source: str = ""

    @property
    def arrow(self) -> str:
        """An arrow towards the better values."""
        return {"low": "↓", "high": "↑", "neither": ""}[self.better]

    @property
    def best(self) -> float | None:
        """The value of a perfect prediction; None where there is no better or worse."""
        return {"low": 0.0, "high": 1.0, "neither": None}[self.better]

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value that there can be; any of what a plugin computes."""
        if self.better == "neither" and not self.unit:
            return -math.inf, math.inf
        if self.unit:  # a count, bits, pixels
            return 0.0, math.inf
        chance = self.name.startswith("ari")  # is less than 0 where things are worse than by chance
        return -1.0 if chance else 0.0, 1.0


HU = "Hu et al. 2019, arXiv:1906.05404"
STUCKI = "Stucki et al. 2023, arXiv:2211.15272"
LUX = "Lux et al. 2025, arXiv:2411.03228"
RAND = "Arganda-Carreras et al. 2015, doi:10.3389/fnana.2015.00142"
MEILA = "Meila 2007, doi:10.1016/j.jmva.2006.11.013"
COUNT = "classes"

# Of the six figures of two partitions: better, meaning ({} is the form's suffix), unit, source.
PARTITIONS: dict[str, tuple[Literal["low", "high"], str, str, str]] = {
    "arand_f": ("high", "adapted Rand F, 2 sum p^2 / (sum t^2 + sum s^2)", "", RAND),
    "arand_error": ("low", "1 - arand_f{}", "", RAND),
    "ari": (
        "high",
        "adjusted Rand index, corrected for chance (another number than arand_f)",
        "",
        "Hubert and Arabie 1985, doi:10.1007/BF01908075",
    ),
    "voi_split": ("low", "H(prediction given truth): regions cut in two", "bits", MEILA),
    "voi_merge": ("low", "H(truth given prediction): regions that became one", "bits", MEILA),
    "voi": ("low", "variation of information, voi_split{} + voi_merge{}", "bits", MEILA),
}

FORMS = {
    "": "of the components of the phase; truth label 0 ignored",
    "_filled": (
        "of the components of the phase, after every predicted pixel without a label has taken that of its nearest "
        "component: width alone costs little; truth label 0 ignored"
    ),
    "_all": "of the components of the phase, label 0 being one more; nothing ignored",
    "_regions": "of the components of the background, whatever the phase; truth label 0 ignored",
    "_structure": "of the components of the structure, whatever the phase; truth label 0 ignored",
    "_raw_mask": "of the masks themselves as labels 0 and 1: nearly blind to topology, kept to compare with such code; "
    "truth label 0 ignored by arand, nothing by voi",
}


def _dimensions(name: str, meaning: str, source: str) -> Iterator[Figure]:
    """Yield a figure that sums over dimensions, and that of each dimension; `name` has a place for the dimension."""
    yield Figure(name.format(""), "low", f"{meaning}, summed over the protocol's dimensions", COUNT, source)
    yield Figure(name.format(0), "low", f"{meaning}: components (b0) alone", COUNT, source)
    yield Figure(name.format(1), "low", f"{meaning}: holes (b1; in a framed image the cells) alone", COUNT, source)


def _all() -> Iterator[Figure]:
    yield Figure("accuracy", "high", "share of valid pixels whose thresholded likelihood is right")
    yield Figure("dice", "high", "2 |P and T| / (|P| + |T|) of the structure", "", "Dice 1945, doi:10.2307/1932409")
    difference = "absolute difference of the Betti numbers of prediction and truth"
    yield from _dimensions("betti{}_error", f"{difference}, mean over the protocol's patches", HU)
    yield from _dimensions("betti{}_error_whole", f"{difference} on the whole image", HU)
    yield Figure(
        "euler_error", "low", "absolute difference of b0 - b1 (the Euler characteristic) on the whole image", COUNT
    )
    yield from _dimensions(
        "betti{}_matching_error", "classes of prediction and truth without a partner in the other, in its place", STUCKI
    )
    yield from _dimensions("diu{}_error", "dim ker + dim coker of the map on homology from intersection to union", LUX)
    yield Figure(
        "cldice", "high", "centreline Dice: harmonic mean of the shares of each skeleton that lie in the other mask",
        "", "Shit et al. 2021, arXiv:2003.07311",
    )  # fmt: skip
    yield Figure(
        "hd95", "low", "the greater 95th percentile of the distances from the border of one mask to that of the other",
        "pixels", "Maier-Hein et al. 2024, doi:10.1038/s41592-023-02151-z",
    )  # fmt: skip
    for suffix, form in FORMS.items():
        for name in PARTITION:
            if name + suffix != "ari_raw_mask":
                better, meaning, unit, source = PARTITIONS[name]
                yield Figure(name + suffix, better, f"{meaning.replace('{}', suffix)}; {form}", unit, source)
    yield Figure(
        "arand_error_cremi", "low", "adapted Rand error as the CREMI and SNEMI3D challenges compute it: predicted "
        "pixels without a label stand alone; of the components of the phase, truth label 0 ignored", "",
        "cremi.org/metrics",
    )  # fmt: skip
    yield Figure("truth_isolated_pixels", "neither", "components of the truth of a single pixel", "components")
    yield Figure("truth_pinholes", "neither", "holes of the truth of a single pixel", "holes")


class Figures(dict[str, Figure]):
    """The figures by name; of what a plugin computes no more is known than the name."""

    def __missing__(self, name: str) -> Figure:
        return Figure(name, "neither", "of a plugin, which says what it is")


FIGURES = Figures({figure.name: figure for figure in _all()})
