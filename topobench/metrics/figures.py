"""What each figure is, in words: the texts and arrows that tables, pages and docs show."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from topobench.errors import ArgumentError, RecordError
from topobench.registry import PARTITION

__all__ = ["FIGURES", "Figure", "described", "figure_of"]

BETTER = ("low", "high", "neither")
KEPT = ("better", "meaning", "unit", "source", "range", "origin")  # by a record, of a figure of a plugin


@dataclass(frozen=True)
class Figure:
    """One figure: which way is better, what it measures, in what unit, its best value, and who defined it.

    Attributes
    ----------
    name : str
        As protocols and tables call it.
    better : ``low``, ``high`` or ``neither``
        Which values are better. What is neither, such as what a truth is like, can stand in a table and rank nothing.
    meaning, unit, source : str
        What it measures, in a few words; ``pixels``, ``bits``, ``gaps`` ..., empty for a share; a paper, its DOI.
    limits : (lowest, highest) or None
        The values that there can be, `math.inf` where there is no end; None: from 0 up with a unit, else from 0 to 1.

    Raises
    ------
    ArgumentError
        For another `better`, a name that is no text, and limits that are not two numbers, the lower one first.
    """

    name: str
    better: Literal["low", "high", "neither"]
    meaning: str
    unit: str = ""
    source: str = ""
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Check what an author may get wrong."""
        if not (isinstance(self.name, str) and self.name):
            raise ArgumentError(f"the name of a figure is {self.name!r}; it must be a text, such as 'gap_count'.")
        if self.better not in BETTER:
            raise ArgumentError(
                f"better of the figure {self.name!r} is {self.better!r}; it must be 'low', 'high' or 'neither'."
            )
        if self.limits is not None and not _ordered(self.limits):
            raise ArgumentError(
                f"the limits of the figure {self.name!r} are {self.limits!r}; they must be (lowest, highest), "
                "math.inf where there is no end."
            )

    @property
    def arrow(self) -> str:
        """An arrow towards the better values."""
        return {"low": "↓", "high": "↑", "neither": ""}[self.better]

    @property
    def best(self) -> float | None:
        """The value of a perfect prediction; None where nothing is better or worse, or what is best has no end."""
        end = {"low": self.range[0], "high": self.range[1], "neither": math.inf}[self.better]
        return end if math.isfinite(end) else None

    @property
    def range(self) -> tuple[float, float]:
        """The lowest and the highest value that there can be; any of what says neither limits nor a unit nor a way."""
        if self.limits is not None:
            return self.limits
        if self.unit:  # a count, bits, pixels
            return 0.0, math.inf
        return (-math.inf, math.inf) if self.better == "neither" else (0.0, 1.0)


def _ordered(limits: Any) -> bool:
    """Return whether limits are two numbers, the lower one first."""
    two = isinstance(limits, tuple) and len(limits) == 2 and all(isinstance(end, (int, float)) for end in limits)
    return two and limits[0] < limits[1]


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
                chance = (-1.0, 1.0) if name == "ari" else None  # less than 0 where things are worse than by chance
                yield Figure(name + suffix, better, f"{meaning.replace('{}', suffix)}; {form}", unit, source, chance)
    yield Figure(
        "arand_error_cremi", "low", "adapted Rand error as the CREMI and SNEMI3D challenges compute it: predicted "
        "pixels without a label stand alone; of the components of the phase, truth label 0 ignored", "",
        "cremi.org/metrics",
    )  # fmt: skip
    yield Figure("truth_isolated_pixels", "neither", "components of the truth of a single pixel", "components")
    yield Figure("truth_pinholes", "neither", "holes of the truth of a single pixel", "holes")


class Figures(dict[str, Figure]):
    """The figures of topobench by name; of any other no more is known than the name (see `figure_of`)."""

    def __missing__(self, name: str) -> Figure:
        return Figure(name, "neither", "of a plugin, of which nothing else is known")


FIGURES = Figures({figure.name: figure for figure in _all()})


def figure_of(name: str, settings: Mapping[str, Any]) -> Figure:
    """Return what a figure is, by the settings of a protocol as a record keeps them (`settings_of`).

    One of ours is what `FIGURES` says; one of a plugin is what the plugin said of it when it was scored, which the
    record keeps under ``plugin_figures``, so that it need not be installed. Of older records only the name is known.
    RecordError where a record keeps something else there.
    """
    kept = settings.get("plugin_figures", {})
    if name in FIGURES or (isinstance(kept, Mapping) and name not in kept):
        return FIGURES[name]
    try:
        better, meaning, unit, source, (low, high), _ = (kept[name][key] for key in KEPT)
        limits = -math.inf if low is None else low, math.inf if high is None else high
        return Figure(name, better, str(meaning), str(unit), str(source), limits)
    except (ArgumentError, KeyError, TypeError, ValueError) as error:
        raise RecordError(
            f"what a record keeps of the figure {name!r} of a plugin is none: {error}. Score again."
        ) from error


def described(figure: Figure, origin: str) -> dict[str, Any]:
    """Return what a record keeps of a figure of a plugin, and `figure_of` reads; an end that is infinite is None."""
    ends = [float(end) if math.isfinite(end) else None for end in figure.range]
    values = figure.better, figure.meaning, figure.unit, figure.source, ends, origin
    return dict(zip(KEPT, values, strict=True))
