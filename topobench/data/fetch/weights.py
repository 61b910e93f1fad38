"""Weights trained on ImageNet: a file of one's own, the cache, or the official address; known by their sha256.

A file of one's own is an argument, or what the environment variable TOPOBENCH_WEIGHTS names, which comes before caches.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from topobench.data.fetch.alone import alone
from topobench.data.fetch.download import download
from topobench.data.fetch.watcher import SILENT, Watcher
from topobench.data.hints import weights_command
from topobench.data.locate import data_root
from topobench.errors import ArgumentError, DataError
from topobench.files import check_writable, file_sha256

__all__ = ["WEIGHTS", "WEIGHTS_VARIABLE", "Weights", "check_weights", "find_weights", "weights_file"]

WEIGHTS_VARIABLE = "TOPOBENCH_WEIGHTS"


@dataclass(frozen=True)
class Weights:
    """A file of weights: what it is, on what terms, its address, sha256 and size."""

    name: str
    title: str
    terms: str
    url: str
    sha256: str
    bytes: int

    @property
    def file(self) -> str:
        """The name of the file."""
        return self.url.rpartition("/")[2]


WEIGHTS = {
    weights.name: weights
    for weights in [
        # torchvision's IMAGENET1K_V1, https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.vgg19.html
        Weights(
            "vgg19-imagenet", "VGG-19 trained on ImageNet-1k (torchvision, IMAGENET1K_V1)",
            "torchvision says that terms may derive from what a model was trained on: ImageNet is for non-commercial "
            "research. Cite: Simonyan, Zisserman 2015, arXiv:1409.1556",
            "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
            "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44", 574_673_361,
        ),
    ]
}  # fmt: skip


def weights_file(
    name: str, file: Path | None = None, data_dir: str | Path | None = None, watcher: Watcher = SILENT
) -> Path:
    """Return the path of a file of weights: `file`, else what TOPOBENCH_WEIGHTS names, else that in the cache.

    Where there is none it is downloaded into the cache. DataError where a file is not the official one, or where it is
    neither there nor can be had; ArgumentError where a file that is named is none.
    """
    weights = WEIGHTS[name]
    if file is not None:
        return _checked(weights, file, f"Get it from {weights.url}.")
    if found := check_weights(name, data_dir):
        return found
    path = _cache(data_dir) / weights.file
    check_writable(path.parent)
    room = path.parent / ".fetch" / weights.name
    with alone(room, watcher):
        if not path.is_file():
            watcher.begins(weights.file, 1, 1)
            try:
                download(weights.url, room / weights.file, weights.sha256, weights.bytes, watcher)
            except DataError as error:
                raise DataError(
                    f"{error} Where there is a network, get {weights.url} (sha256 {weights.sha256}), and put it into "
                    f"{path.parent.resolve()}, or name it by --weights or {WEIGHTS_VARIABLE}."
                ) from error
            (room / weights.file).replace(path)
    return path


def check_weights(name: str, data_dir: str | Path | None = None) -> Path | None:
    """Return where the official file of weights lies, None where none does; DataError where another is in its place."""
    weights, path = WEIGHTS[name], _cache(data_dir) / WEIGHTS[name].file
    if own := _own():
        return _checked(weights, own, f"Get it from {weights.url}, or unset {WEIGHTS_VARIABLE}.")
    found = find_weights(name, data_dir) or (path if path.exists() else None)
    return found and _checked(weights, found, f"Remove it, then: {weights_command('fetch', name, data_dir)}")


def find_weights(name: str, data_dir: str | Path | None = None) -> Path | None:
    """Return where a file of weights of the right size lies, or None.

    TOPOBENCH_WEIGHTS names it; else it is in topobench's cache, or in torch.hub's.
    """
    own = _own()
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 (no error without a home)
    hub = Path(os.environ.get("TORCH_HOME") or Path(caches) / "torch") / "hub" / "checkpoints"
    paths = [own] if own else [folder / WEIGHTS[name].file for folder in (_cache(data_dir), hub)]
    return next((path for path in paths if path.is_file() and path.stat().st_size == WEIGHTS[name].bytes), None)


def _own() -> Path | None:
    """Return the file that the environment names, if it names one."""
    return Path(named) if (named := os.environ.get(WEIGHTS_VARIABLE)) else None


def _cache(data_dir: str | Path | None) -> Path:
    return data_root(data_dir) / "weights"


def _checked(weights: Weights, path: Path, advice: str) -> Path:
    """Return the path of a file that is the official one; DataError where it is another, or none."""
    if not path.is_file():
        raise ArgumentError(f"{path} is no file; wanted are the weights {weights.file}, from {weights.url}.")
    if (found := file_sha256(path)) != weights.sha256:
        raise DataError(
            f"{path} has {path.stat().st_size} bytes and the sha256 {found}; the weights {weights.name!r} have "
            f"{weights.bytes} and {weights.sha256}. {advice}"
        )
    return path
