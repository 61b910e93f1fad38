"""Whether the figures of a record are those of its maps: published results are scored again, not believed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from topobench.cards import Protocol
from topobench.data import Dataset
from topobench.data.folders import FolderOfPredictions
from topobench.errors import RecordError
from topobench.metrics.postprocess import Variant
from topobench.run.rescore import outdated, rescore
from topobench.run.store import Place
from topobench.scores import score_samples
from topobench.types import Row, RunRecord

__all__ = ["Verdict", "verify"]

RELATIVE, ABSOLUTE = 1e-9, 1e-12  # what other processors and versions of NumPy may change in a sum


@dataclass(frozen=True)
class Verdict:
    """How many figures were compared, whether all are the same to the bit, and a sentence for each that differs.

    Figures within 1e-9 of each other (relative) do not differ.
    """

    figures: int
    exact: bool
    differing: tuple[str, ...]


def verify(record: RunRecord, place: Place, dataset: Dataset, protocols: Sequence[Protocol]) -> Verdict:
    """Score the maps of a finished record by protocols that it was scored by, and compare every figure.

    Maps lie in `place.predictions`: those that a run kept, or, of a record of `topobench score`, the predictions as
    they were scored. Nothing is written.

    Raises
    ------
    RecordError
        Names the record: a map is missing or another than that of the record, the data or a protocol are others than
        those of the record.
    """
    if stale := [protocol.name for protocol in outdated(record, dataset.card, protocols)]:
        raise RecordError(
            f"record {place.record}: {', '.join(stale)} is not as it was when the record was made, so its figures "
            "cannot be compared; rescore it, or verify it with the topobench that made it."
        )
    if record.kind == "scored":
        rows = _of_predictions(record, place, dataset, protocols)
    else:
        rows = list(rescore(record, place, dataset, protocols).rows)
    return _compared(record, rows, protocols)


def _of_predictions(record: RunRecord, place: Place, dataset: Dataset, protocols: Sequence[Protocol]) -> list[Row]:
    """Return the rows of predictions that were scored as somebody's own."""
    if not place.predictions.is_dir():
        raise RecordError(
            f"record {place.record}: the predictions that it is of must lie in {place.predictions}, which is missing; "
            "put them there as they were scored."
        )
    others, image_ids = dataset.fold(record.fold)
    predict = FolderOfPredictions(place.predictions, image_ids, others)
    kept = {"card": record.card, "data": record.data_hash, "predictions": record.recipe.get("predictions")}
    there = {"card": dataset.identity(), "data": dataset.data_hash, "predictions": predict.data_hash()}
    if differing := [name for name, value in kept.items() if value != there[name]]:
        raise RecordError(
            f"record {place.record}: its {' and '.join(differing)} are not those that were scored; bring those back, "
            "or score what is there anew, into another record."
        )
    variant, card = Variant.of(record.recipe), dataset.card
    samples = dataset.select(image_ids)
    scored = score_samples(samples, predict, protocols, card.phase, card.connectivity, variant)
    return [row for found in scored for row in found]


def _compared(record: RunRecord, rows: Sequence[Row], protocols: Sequence[Protocol]) -> Verdict:
    """Return what comparing the rows of a record with others by these protocols comes to."""
    names = {protocol.name for protocol in protocols}
    old = [row for row in record.rows if row.protocol in names]
    new = {(row.protocol, row.image): row for row in rows if row.protocol in names}
    pairs = [(row, new[row.protocol, row.image]) for row in old if (row.protocol, row.image) in new]
    differing = [
        f"{row.image} by {row.protocol} is no image of it." for row in old if (row.protocol, row.image) not in new
    ]
    lacking = new.keys() - {(row.protocol, row.image) for row in old}
    differing += [f"{image} by {protocol} is lacking." for protocol, image in sorted(lacking)]
    differing += [sentence for one, other in pairs for sentence in _differing(one, other)]
    exact = not differing and all(one.figures == other.figures for one, other in pairs)
    return Verdict(sum(len(row.figures) for row in old), exact, tuple(differing))


def _differing(kept: Row, found: Row) -> Iterator[str]:
    """Yield a sentence for each figure of a row that is another now."""
    for name in {**kept.figures, **found.figures}:
        before, now = kept.figures.get(name), found.figures.get(name)
        if not _equal(before, now):
            yield f"{kept.image} by {kept.protocol}: {name} is {before} in the record, and its map gives {now}."
    if kept.unit != found.unit:
        yield f"{kept.image} by {kept.protocol}: its unit is {kept.unit!r} in the record, and is {found.unit!r}."


def _equal(before: float | None, now: float | None) -> bool:
    if before is None or now is None:
        return before is now
    return math.isclose(before, now, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
