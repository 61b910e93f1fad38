"""Figures over the batches of a validation loop, of one process or of several: update, merge, compute, reset.

Means of batch means depend on how images fall into batches, and padded samplers give some images twice. So the rows of
single images are kept, by their ids, and averaged once at the end: the figures are those of `topobench score`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from topobench.cards import Protocol, load_protocol
from topobench.errors import ArgumentError, in_words
from topobench.metrics.rows import SCORING_SEED, row_of
from topobench.metrics.scoring import settings_of
from topobench.metrics.summary import Mean, average
from topobench.topology.images import as_array
from topobench.types import Row

__all__ = ["Accumulator"]


class Accumulator:
    """Scores batches under one protocol, keeps the row of each image, and averages over images.

    An image is known by its id, which also fixes where its random patches lie. One that comes again with the same
    figures counts once, as where a sampler repeats images to fill up its last batch; with other figures it is refused.
    So neither the batches nor the order of images, nor that of what is merged, change a figure.

    Parameters
    ----------
    protocol, phase, connectivity
        As `score` takes them.

    Attributes
    ----------
    protocol : Protocol
    settings : dict
        Every choice that the figures depend on, as a record keeps it.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.zeros((2, 1, 70, 70), bool); truth[:, :, 35] = True
    >>> likelihood = np.where(truth, 0.9, 0.1); likelihood[0, 0, 35, 20] = 0.3  # a gap joins two cells of one image
    >>> figures = Accumulator("hu2019")
    >>> figures.update(likelihood, truth, ["section-07", "section-08"])
    >>> figures.compute()["voi"].defined, [row.figures["betti_error"] > 0 for row in figures.rows]
    (2, [True, False])
    """

    def __init__(
        self, protocol: str | Path | Protocol = "hu2019", phase: str | None = None, connectivity: int | None = None
    ) -> None:
        self.protocol = protocol if isinstance(protocol, Protocol) else load_protocol(str(protocol))
        self.settings = settings_of(self.protocol, phase, connectivity, SCORING_SEED)
        self._rows: dict[str, Row] = {}

    @property
    def rows(self) -> tuple[Row, ...]:
        """The row of each image, in the order of their ids."""
        return tuple(self._rows[image_id] for image_id in sorted(self._rows))

    def update(
        self,
        likelihood: Any,
        truth: Any,
        image_ids: str | Sequence[str],
        valid: Any = None,
        units: str | Sequence[str] | None = None,
    ) -> None:
        """Score a batch; nothing of it is kept where any of its images is refused.

        Parameters
        ----------
        likelihood : (B, 1, H, W), (B, H, W) or (H, W), real, in [0, 1]
            Arrays, or tensors of any device, dtype and subclass. Logits want a sigmoid first.
        truth : the same, bool or values 0 and 1
        image_ids : B texts, or one for one image
        valid : the same shape, bool or values 0 and 1; None = valid everywhere
        units : B texts, or one for one image
            The resampling units that rows keep (`types.Sample`); None = each image is its own.

        Raises
        ------
        ArgumentError
            For shapes, values and numbers of ids that do not fit, and for an image that is there with other figures.
        """
        maps, truths = _batch(likelihood, "likelihood"), _batch(truth, "truth")
        masks = [None] * len(maps) if valid is None else _batch(valid, "validity mask")
        ids = _texts(image_ids, "image_ids", len(maps))
        of_units = ids if units is None else _texts(units, "units", len(maps))
        for word, others in (("truths", truths), ("validity masks", masks)):
            if len(others) != len(maps):
                raise ArgumentError(f"there are {len(maps)} likelihoods and {len(others)} {word}; give one for each.")
        self._keep([self._row(*image) for image in zip(maps, truths, masks, ids, of_units, strict=True)])

    def compute(self) -> dict[str, Mean]:
        """Return for each figure its mean over the images (`average`); ArgumentError where there is none yet."""
        if not self._rows:
            raise ArgumentError("no image was given yet; call update, or merge the state of a process that has some.")
        return average(row.figures for row in self.rows)

    def reset(self) -> None:
        """Forget all images."""
        self._rows.clear()

    def state(self) -> dict[str, Any]:
        """Return the settings and the rows as plain values, which pickle and JSON keep, for `merge` to take."""
        return {"settings": dict(self.settings), "rows": [asdict(row) for row in self.rows]}

    def merge(self, state: Mapping[str, Any]) -> None:
        """Take the images of another accumulator's `state()`, or none of them if any is refused.

        ArgumentError where they were scored by another protocol or with other choices, and for an image that is there
        with other figures.
        """
        try:
            theirs, rows = dict(state["settings"]), [Row(**row) for row in state["rows"]]
        except (TypeError, KeyError, ValueError) as error:
            raise ArgumentError(
                f"a {type(state).__name__} cannot be merged ({in_words(error)}); give what state() of "
                "another accumulator returned."
            ) from error
        for name in {**self.settings, **theirs}:
            ours, given = self.settings.get(name), theirs.get(name)
            if ours != given:
                raise ArgumentError(
                    f"{name} is {given!r} in the state and {ours!r} here; merge only what was scored by one protocol "
                    "with the same choices."
                )
        self._keep(rows)

    def _row(
        self, likelihood: NDArray[Any], truth: NDArray[Any], valid: NDArray[Any] | None, image_id: str, unit: str
    ) -> Row:
        try:
            return row_of(
                likelihood, truth, self.protocol, self.settings["phase"], self.settings["connectivity"], valid,
                image_id, unit,
            )  # fmt: skip
        except ArgumentError as error:
            raise ArgumentError(f"image {image_id!r}: {error}") from error

    def _keep(self, rows: Sequence[Row]) -> None:
        """Add rows, all of them or none."""
        kept = dict(self._rows)
        for row in rows:
            if difference := next(_differences(kept.setdefault(row.image, row), row), None):
                name, before, now = difference
                raise ArgumentError(
                    f"image {row.image!r} came twice, with {name} {before!r} and then {now!r}; give each image its own "
                    "id, call reset() before images are predicted anew, and let no sampler repeat images that come out "
                    "otherwise in another batch."
                )
        self._rows = kept


def _differences(one: Row, other: Row) -> Iterator[tuple[str, Any, Any]]:
    """Yield what two rows differ in, with both values: figures first."""
    for first, second in ((one.figures, other.figures), (asdict(one), asdict(other))):
        for name in {**first, **second}:
            if first.get(name) != second.get(name):
                yield name, first.get(name), second.get(name)


def _batch(given: Any, word: str) -> NDArray[Any]:
    """Return an array or tensor (B, 1, H, W), (B, H, W) or (H, W) as an array (B, H, W)."""
    array = as_array(_numpy(given), word)
    if array.ndim == 4 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim in (2, 3):
        return array.reshape((-1, *array.shape[-2:]))
    raise ArgumentError(
        f"the {word} has shape {array.shape}; it must be (B, 1, H, W), (B, H, W) or (H, W): one map an image."
    )


def _numpy(given: Any) -> Any:
    """Return a tensor as an array, what is none as it is; known by what it can do, for nothing here imports torch."""
    if not hasattr(given, "detach"):
        return given
    tensor = given.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":  # which numpy has not; float32 holds all its values
        tensor = tensor.float()
    return tensor.numpy()


def _texts(given: Any, word: str, number: int) -> list[str]:
    """Return one text for each image; ArgumentError, naming them by `word`, for others."""
    texts = [given] if isinstance(given, str) else list(given) if isinstance(given, (list, tuple)) else None
    if texts is None or not all(isinstance(text, str) for text in texts):
        raise ArgumentError(f"{word} is {given!r}; it must be a list of texts, such as ['section-07'], one an image.")
    if len(texts) != number:
        raise ArgumentError(f"there are {number} likelihoods and {len(texts)} {word}; give one for each.")
    return texts
