"""Runs as bytes, for other processes and machines: each data set is packed once, with the hash of its data."""

from __future__ import annotations

import pickle
from collections.abc import Iterable
from functools import lru_cache

from topobench.data import Dataset
from topobench.errors import RunError, in_words
from topobench.run.matrix import Run
from topobench.run.orders import Packed

__all__ = ["Packing", "unpacked"]


class Packing:
    """Packs runs; RunError where the adapter of one cannot be handed over."""

    def __init__(self, runs: Iterable[Run]) -> None:
        datasets = {id(run.dataset): run.dataset for run in runs}
        self._datasets = {key: _packed(dataset) for key, dataset in datasets.items()}

    def pack(self, run: Run) -> Packed:
        """Return one of the runs as bytes."""
        return Packed(pickle.dumps({**vars(run), "dataset": None}), self._datasets[id(run.dataset)])


def unpacked(packed: Packed) -> Run:
    """Return the run; those of one data set share it, with what of it was read before."""
    return Run(**{**pickle.loads(packed.run), "dataset": _unpacked(packed.dataset)})


def _packed(dataset: Dataset) -> bytes:
    dataset.data_hash  # so that each process need not read all files again to hash them  # noqa: B018
    try:
        return pickle.dumps(dataset)
    except Exception as error:  # whatever the adapter of a plugin raises
        raise RunError(
            f"these runs cannot be handed to other processes ({in_words(error)}); an adapter that holds "
            "open files must leave them out (__getstate__). Run one at a time: leave out --jobs."
        ) from error


@lru_cache(maxsize=4)
def _unpacked(content: bytes) -> Dataset:
    dataset: Dataset = pickle.loads(content)
    return dataset
