"""Scoring finished runs anew from the maps that they kept (maps.py): a later metric needs no model and no training.

The figures are those that the run itself would have got, for what protocols score is the segmentation at 0.5, and that
is the same of a kept map. So what could make them others is refused: a protocol with another threshold, maps that were
edited, data that are not those of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from topobench.cards import Card, Protocol
from topobench.data import Dataset
from topobench.errors import ArgumentError, RecordError, TopobenchError, in_words
from topobench.metrics import load_protocol
from topobench.run.maps import read_map
from topobench.run.provenance import plugins_of_scoring
from topobench.run.store import Place
from topobench.scores import Predictor, protocol_settings, score_samples
from topobench.types import Row, RunRecord, Sample

__all__ = ["check_exact", "kept_maps", "outdated", "rescore"]

EXACT = 0.5  # the threshold that rounding to levels of 255 never crosses


def rescore(record: RunRecord, place: Place, dataset: Dataset, protocols: Sequence[str | Protocol]) -> RunRecord:
    """Return the record of a finished run with rows by these protocols, of the maps that it kept.

    Rows that it had by them are replaced; those by other protocols stay, and so does all that is not a figure. Nothing
    is written.

    Parameters
    ----------
    record : finished, of the kind ``trained`` or ``null``
    place : where its files lie
    dataset : that which the run was scored on
    protocols : names, files ``*.toml``, or what `load_protocol` returned

    Raises
    ------
    RecordError
        Names the record: no maps were kept, one is missing or was edited, the data are others than those of the run,
        a metric raised something.
    ArgumentError
        For a protocol that takes another threshold than 0.5.
    """
    chosen = [load_protocol(protocol) if isinstance(protocol, str) else protocol for protocol in protocols]
    check_exact(chosen)
    card = dataset.card
    with _of(place):
        _check_kept(record, place)
        _check_data(record, dataset)
        settings = protocol_settings(chosen, card.phase, card.connectivity)
        kept = [row for row in record.rows if row.protocol not in settings]
        new = _rows(record, place, dataset, chosen)
        used = plugins_of_scoring(None, chosen)
    return replace(
        record,
        protocols={**record.protocols, **settings},
        rows=(*kept, *new),
        plugins={**record.plugins, **used},
    )


def kept_maps(record: RunRecord, place: Place, dataset: Dataset, protocols: Sequence[Protocol]) -> Predictor | None:
    """Return what reads the maps that a run kept; None where these protocols cannot be scored by them.

    Every map is read once before, so that one which is missing or was edited is known in time.
    """
    predict = _reading(record, place)
    try:
        check_exact(protocols)
        _check_kept(record, place)
        _check_data(record, dataset)
        for image_id, sha256 in record.predictions.items():
            read_map(place.predictions, image_id, sha256)
    except TopobenchError:
        return None
    return predict


def outdated(record: RunRecord, card: Card, protocols: Sequence[Protocol]) -> list[Protocol]:
    """Return those of the protocols by which a record is not scored, or was when they, or its card, chose otherwise."""
    settings = protocol_settings(protocols, card.phase, card.connectivity)
    return [protocol for protocol in protocols if record.protocols.get(protocol.name) != settings[protocol.name]]


def check_exact(protocols: Sequence[Protocol]) -> None:
    """Raise ArgumentError for a protocol whose figures a kept map does not give exactly."""
    for protocol in protocols:
        if protocol.threshold != EXACT:
            raise ArgumentError(
                f"protocol {protocol.name!r} takes structure from a likelihood of {protocol.threshold} on; kept maps "
                f"have 8 bits, which are exact at {EXACT} alone. Name it in a suite: topobench run then scores what is "
                "trained without training again."
            )


@contextmanager
def _of(place: Place) -> Iterator[None]:
    """Give what is raised within the path of the record; a plugin's metric may raise anything."""
    try:
        yield
    except TopobenchError as error:
        raise RecordError(f"record {place.record}: {error}") from error
    except (Exception, SystemExit) as error:
        raise RecordError(f"record {place.record} cannot be scored: {in_words(error)}") from error


def _check_kept(record: RunRecord, place: Place) -> None:
    """Raise RecordError where there is nothing to score."""
    again = "remove the record and give the command of the run again; where its checkpoint is, nothing is trained anew."
    if record.kind == "scored":
        raise RecordError("it is of somebody's predictions, of which no copy was kept; give topobench score again.")
    if not record.finished:
        raise RecordError(f"its run is not finished ({record.status}); give the command of the run again.")
    if not record.predictions:
        raise RecordError(f"no maps of its run were kept. To keep them, {again}")
    if not place.predictions.is_dir():
        raise RecordError(f"the folder of its maps, {place.predictions}, is missing. Copy it there; or {again}")


def _check_data(record: RunRecord, dataset: Dataset) -> None:
    """Raise RecordError where the run was scored on other data than these."""
    name, now = dataset.card.name, dataset.identity()
    if differing := [key for key in {**record.card, **now} if record.card.get(key) != now.get(key)]:
        kept, found = ({key: card.get(key) for key in differing} for card in (record.card, now))
        raise RecordError(
            f"the card of {name!r} is not that of the run: {', '.join(differing)} was {_short(kept)} and is "
            f"{_short(found)}. Score with the card, and as many of its images, as the run had; or run again."
        )
    if record.data_hash != dataset.data_hash:
        raise RecordError(
            f"the data of {name!r} are not those of the run: their data_hash was {record.data_hash[:12]} and is "
            f"{dataset.data_hash[:12]}. Score with the files that the run had; or run again."
        )
    wanted = dataset.fold(record.fold or 0)[1]
    if set(wanted) != set(record.predictions):
        raise RecordError(
            f"fold {record.fold} of {name!r} scores {_short(wanted)}, and the run kept maps of "
            f"{_short(list(record.predictions))}. Run again."
        )


def _rows(record: RunRecord, place: Place, dataset: Dataset, protocols: Sequence[Protocol]) -> list[Row]:
    """Return the rows of the kept maps, image by image in the order of the run."""
    samples = dataset.select(dataset.fold(record.fold or 0)[1])
    scored = score_samples(samples, _reading(record, place), protocols, dataset.card.phase, dataset.card.connectivity)
    return [row for found in scored for row in found]


def _reading(record: RunRecord, place: Place) -> Predictor:
    """Return what reads the map of a sample."""

    def predict(sample: Sample) -> NDArray[np.float32]:
        return read_map(place.predictions, sample.image_id, record.predictions[sample.image_id])

    return predict


def _short(value: object) -> str:
    """Return a value as text that does not fill the screen."""
    text = str(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
