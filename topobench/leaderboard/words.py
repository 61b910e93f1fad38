"""What a leaderboard says beside its numbers."""

from __future__ import annotations

from topobench.leaderboard.entries import ALPHA, ENOUGH_SEEDS, Entry
from topobench.leaderboard.resampling import REPLICATES
from topobench.leaderboard.tables import Table

__all__ = ["ABOUT", "digits", "format_figure", "notes", "number", "p_value", "provisional", "units"]

FEW_UNITS = 6  # of which intervals are wide, and hardly anything can be told apart

ABOUT = (
    "A card is the file that says what a data set holds and what its labels mean; a protocol, the one that fixes how "
    "figures are measured. Structure is what is segmented (membranes, roads, vessels, cracks); regions are what it "
    "parts. b0 counts the connected components of the structure, b1 its holes; framed says that a ring of structure "
    "was laid around each patch or image, so that what its border cuts is closed.",
    "A figure is the mean over images, each first averaged over seeds. Its 95 % interval is a hierarchical "
    f"bootstrap of {REPLICATES} replicates: the images are drawn anew in whole resampling units (neighbouring "
    "sections of a stack are not independent of each other; the data set's card says what is), and in each fold "
    "the seeds, for another seed is another training; few of either widen it by Student's quantile.",
    "Two methods are compared image by image. The test is two-sided; its standard error is made of the variance "
    "of their difference between resampling units and of both methods' variance between seeds; p values are "
    f"corrected for all pairs of a table (Holm). Methods that differ at p < {ALPHA} share no letter, those that "
    "cannot be told apart share one: a rank among these is not a result.",
    f"A rank is provisional (†) where a method has fewer than {ENOUGH_SEEDS} seeds in some fold, or was handed in "
    "as predictions of unknown seeds: of one seed, nothing is known of what another would give, and neither "
    "interval nor test can hold it.",
    "Null rows need no training, and every method must beat them. Rows of another protocol, card, budget or "
    "device never share a table. [letters] behind a name are the beginning of its recipe's hash, where two "
    "recipes share the name. Training time is the mean over runs; peak memory is the highest of the process, "
    "during a run. Held out: of the figure by which the scored state was chosen, the mean over the images held "
    "out of the training, and over runs.",
)


def format_figure(entry: Entry, name: str) -> str:
    """Return a figure as a table shows it: three digits after the point; undefined ones counted behind it."""
    value = entry.means.get(name)
    if value is None:
        return "undefined"
    without = entry.undefined.get(name, 0)
    return f"{value:.3f}" + (f" ({without} of {entry.images} undefined)" if without else "")


def number(value: float | None, digits: int) -> str:
    """Return a number with so many digits after the point; a dash where there is none."""
    return "\N{EN DASH}" if value is None else f"{value:.{digits}f}"


def digits(value: float | None) -> str:
    """Return a number to sort by, to 10 digits, for later ones differ between processors; empty where there is none."""
    return "" if value is None else f"{value:.10g}"


def p_value(value: float) -> str:
    """Return a p value as it is read."""
    return "unknown" if value != value else "< 0.001" if value < 0.001 else f"{value:.3f}"


def provisional(entry: Entry) -> str:
    """Return why a rank is provisional."""
    if entry.kind == "scored":
        return "predictions, of which other seeds are not known"
    return f"{entry.seeds} seed{'s' * (entry.seeds != 1)}, of {ENOUGH_SEEDS} that are wanted"


def units(table: Table) -> str:
    """Return how many images and resampling units a table has, in a sentence."""
    count, images = table.units, len(table.images)
    text = f"{images} image{'s' * (images != 1)} in {count} resampling unit{'s' * (count != 1)}."
    if count < 2:
        return f"{text} Of one unit no interval can be given."
    return f"{text} So few tell little apart." if count < FEW_UNITS else text


def notes(table: Table) -> list[str]:
    """Return what must be said below a table."""
    few = [f"{entry.label} ({provisional(entry)})" for entry in table.entries if entry.rank and entry.provisional]
    found = [f"† Provisional: {'; '.join(few)}."] if few else []
    if any(entry.rank is None for entry in table.entries):
        found.append(
            "A method without a rank was not scored on every image of the table, or the figure that ranks is undefined "
            "for images for which it is defined with others."
        )
    return found
