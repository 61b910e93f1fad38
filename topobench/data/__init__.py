"""Data sets: a card names an adapter, the adapter reads the files of one disk layout into samples."""

from topobench.data.contract import Adapter
from topobench.data.dataset import Dataset, open_dataset

__all__ = ["Adapter", "Dataset", "open_dataset"]
