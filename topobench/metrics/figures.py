"""What each figure is, in words: the texts and arrows that tables, pages and docs show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["FIGURES", "Figure"]


@dataclass(frozen=True)
class Figure:
    """One figure: which way is better, and what it measures."""

    name: str
    better: Literal["low", "high"]
    meaning: str

    @property
    def arrow(self) -> str:
        """An arrow towards the better values."""
        return "↓" if self.better == "low" else "↑"


_PATCHES = "between prediction and truth, mean over random patches of an image, summed over the protocol's dimensions"
_FILLED = (
    "after every predicted pixel without a label has taken that of its nearest component; width alone costs little"
)

_ALL = (
    Figure("accuracy", "high", "share of valid pixels whose thresholded likelihood is right"),
    Figure("dice", "high", "2 |P and T| / (|P| + |T|) of the structure"),
    Figure("betti_error", "low", f"absolute difference of the Betti numbers {_PATCHES}"),
    Figure("betti0_error", "low", "betti_error of b0 (components) alone"),
    Figure("betti1_error", "low", "betti_error of b1 (holes; in a framed membrane patch the cells) alone"),
    Figure(
        "arand_f",
        "high",
        "adapted Rand F, 2 sum p^2 / (sum t^2 + sum s^2), of the components; truth label 0 ignored",
    ),
    Figure("arand_error", "low", "1 - arand_f"),
    Figure("voi_split", "low", "H(prediction given truth) of the components, bits; truth label 0 ignored"),
    Figure("voi_merge", "low", "H(truth given prediction) of the components, bits; truth label 0 ignored"),
    Figure("voi", "low", "voi_split + voi_merge, bits"),
    Figure("arand_f_filled", "high", f"arand_f {_FILLED}"),
    Figure("arand_error_filled", "low", "1 - arand_f_filled"),
    Figure("voi_split_filled", "low", f"voi_split {_FILLED}"),
    Figure("voi_merge_filled", "low", f"voi_merge {_FILLED}"),
    Figure("voi_filled", "low", f"voi {_FILLED}"),
)

FIGURES: dict[str, Figure] = {figure.name: figure for figure in _ALL}
