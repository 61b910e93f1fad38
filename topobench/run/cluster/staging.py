"""The data sets of a matrix on workers: as they are there, or sent: their samples, as they are read, one file each."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from topobench.data import Dataset
from topobench.errors import DataError
from topobench.files import digest, write_atomic
from topobench.run.cluster.folders import staged
from topobench.run.matrix import Run
from topobench.run.packing import Packing
from topobench.types import Member, Sample

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Datasets"]


class Datasets:
    """The data sets of runs, by a key that says what their samples are.

    Attributes
    ----------
    named : dict of str
        The name of each.
    packed : dict of bytes
        Each as a worker gets it that has its files.
    """

    def __init__(self, runs: Iterable[Run], packing: Packing) -> None:
        self._keys: dict[int, str] = {}
        self._datasets: dict[str, Dataset] = {}
        self.packed: dict[str, bytes] = {}
        for run in runs:
            if id(run.dataset) not in self._keys:
                key = self._keys[id(run.dataset)] = digest([run.dataset.identity(), run.dataset.data_hash])
                self._datasets[key] = run.dataset
                self.packed[key] = packing.pack(run).dataset
        self.named = {key: dataset.card.name for key, dataset in self._datasets.items()}
        self._as_sent = {key: _packed_as_sent(key, dataset) for key, dataset in self._datasets.items()}

    def key(self, run: Run) -> str:
        """Return the key of a run's data set."""
        return self._keys[id(run.dataset)]

    def as_sent(self, key: str) -> bytes:
        """Return a data set as a worker gets it to which its samples were sent."""
        return self._as_sent[key]

    def send(self, client: Client, address: str, key: str) -> None:
        """Send a worker what it lacks of a data set's samples."""
        dataset = self._datasets[key]
        there: Mapping[str, set[str]] = client.run(list_staged, key, workers=[address])
        for index, image_id in enumerate(dataset.image_ids):
            if _name(index) not in there[address]:
                client.run(keep_staged, key, _name(index), _as_file(dataset[image_id]), workers=[address])


class Staged:
    """The adapter of a data set whose samples were sent to this machine."""

    def __init__(self, key: str, members: tuple[Member, ...], data_hash: str) -> None:
        self.key, self.members, self._hash = key, members, data_hash

    def missing(self) -> list[str]:
        """Return nothing: all of it was sent before the first run."""
        return []

    def faults(self) -> list[str]:
        """Return nothing: the client has looked."""
        return []

    def read(self, image_id: str) -> Sample:
        """Return a sample, equal to the client's."""
        index, member = next(found for found in enumerate(self.members) if found[1].image_id == image_id)
        path = staged(self.key) / _name(index)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return Sample(image_id, arrays["image"], arrays["truth"], arrays.get("valid"), member.unit)
        except (OSError, ValueError, KeyError) as error:
            raise DataError(f"{path}, which was staged here, cannot be read ({error}); remove its folder.") from error

    def data_hash(self) -> str:
        """Return that of the data set as the client has it."""
        return self._hash


def _packed_as_sent(key: str, dataset: Dataset) -> bytes:
    copy = Dataset(dataset.card, Staged(key, dataset.members, dataset.data_hash))
    copy.data_hash  # noqa: B018 (it is kept once asked for)
    return pickle.dumps(copy)


def list_staged(key: str) -> set[str]:
    """Return the names of the samples that a worker has already."""
    folder = staged(key)
    return {path.name for path in folder.glob("[0-9]*.npz")} if folder.is_dir() else set()


def keep_staged(key: str, name: str, content: bytes) -> None:
    """Keep a sample on a worker."""
    write_atomic(staged(key) / name, content)


def _as_file(sample: Sample) -> bytes:
    arrays: dict[str, Any] = {"image": sample.image, "truth": sample.truth}
    if sample.valid is not None:
        arrays["valid"] = sample.valid
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _name(index: int) -> str:
    return f"{index:06d}.npz"
