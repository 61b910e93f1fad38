"""`score`: one image under one protocol. Validate, count, compute."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.cards import Protocol, load_protocol
from topobench.errors import ArgumentError
from topobench.metrics.case import Case, Undefined, score_of
from topobench.metrics.clustering import IGNORED, LOG_BASE
from topobench.registry import load
from topobench.topology.images import as_bool
from topobench.types import BoolArray, Score

__all__ = ["score", "settings_of"]


def score(
    prediction: ArrayLike,
    truth: ArrayLike,
    protocol: str | Protocol = "hu2019",
    phase: str | None = None,
    connectivity: int | None = None,
    valid: ArrayLike | None = None,
    seed: int = 0,
    image_id: str = "",
) -> Score:
    """Score a predicted likelihood against the truth.

    Parameters
    ----------
    prediction : (H, W), real, in [0, 1]
        Likelihood of structure; a bool mask is one too. It is thresholded as the protocol says (>= 0.5).
    truth : (H, W), bool or values 0 and 1
        True where there is structure.
    protocol : str or Protocol
        One of ``topobench list protocols``, a file ``*.toml``, or what `load_protocol` returned.
    phase, connectivity
        ``regions`` or ``structure``; 8 or 4. The protocol's where it fixes them, else the argument, else
        ``regions`` and 8.
    valid : bool (H, W) or None
        Pixels outside become structure where the protocol frames, background where it does not, in both maps;
        they count in no figure, and patches less than half valid are not drawn.
    seed, image_id
        The key of the patches' places: the same places for every method.

    Returns
    -------
    Score
        Name -> float. NaN is undefined, and ``.reasons[name]`` says why; ``.settings`` holds every choice.

    Raises
    ------
    ArgumentError
        For shapes that differ or values out of range; it names both.

    Examples
    --------
    >>> import numpy as np
    >>> truth = np.zeros((100, 100), bool); truth[:, 50] = True
    >>> score(truth, truth)["betti_error"]
    0.0
    """
    chosen = load_protocol(protocol) if isinstance(protocol, str) else protocol
    settings = settings_of(chosen, phase, connectivity, seed)
    case = _case(_likelihood(prediction), _mask(truth, "truth"), valid, chosen, settings, image_id)
    counted = case.truth.size if case.valid is None else int(np.count_nonzero(case.valid))
    return score_of(_compute(case, chosen.figures), {**settings, "image_id": image_id, "valid_pixels": counted})


def settings_of(protocol: Protocol, phase: str | None, connectivity: int | None, seed: int) -> dict[str, Any]:
    """Return every choice that the figures depend on, as a record keeps it: the protocol's, completed."""
    if phase not in (None, "regions", "structure"):
        raise ArgumentError(f"phase is {phase!r}; it must be 'regions' or 'structure'.")
    if connectivity not in (None, 4, 8):
        raise ArgumentError(f"connectivity is {connectivity!r}; it must be 8 or 4.")
    choices = protocol.model_dump(
        mode="json", exclude={"schema_", "title", "description", "source", "measures", "open"}
    )
    return {
        **choices,
        "phase": protocol.phase or phase or "regions",
        "connectivity": protocol.connectivity or connectivity or 8,
        "seed": seed,
        "log_base": LOG_BASE,
        "ignored_labels": IGNORED,
    }


def _compute(case: Case, wanted: tuple[str, ...]) -> dict[str, float | Undefined]:
    """Return the wanted figures; a family that gives several of them is computed once."""
    families = dict.fromkeys(load("metrics", name) for name in wanted)
    found = {name: value for family in families for name, value in family(case).items()}
    return {name: found[name] for name in wanted}


def _case(
    likelihood: NDArray[Any],
    truth: BoolArray,
    valid: ArrayLike | None,
    protocol: Protocol,
    settings: dict[str, Any],
    image_id: str,
) -> Case:
    if likelihood.shape != truth.shape:
        raise ArgumentError(f"the prediction has shape {likelihood.shape}, the truth {truth.shape}; they must agree.")
    prediction, domain = likelihood >= protocol.threshold, None
    if valid is not None:
        domain = _mask(valid, "validity mask")
        if domain.shape != truth.shape:
            raise ArgumentError(
                f"the validity mask has shape {domain.shape}, the truth {truth.shape}; they must agree."
            )
        prediction, truth = (np.where(domain, mask, protocol.frame) for mask in (prediction, truth))
    return Case(
        prediction, truth, domain, settings["connectivity"], settings["phase"], protocol.patch_size,
        protocol.patches, protocol.frame, protocol.dimensions, settings["seed"], image_id, protocol.sampling,
    )  # fmt: skip


def _likelihood(prediction: ArrayLike) -> NDArray[Any]:
    array = np.asarray(prediction)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "buif":
        raise ArgumentError(f"the prediction is {array.dtype} of shape {array.shape}; it must be a real image (H, W).")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 1):  # also where there is NaN
        raise ArgumentError(
            f"the prediction has values in [{low}, {high}]; a likelihood lies in [0, 1]. "
            "Divide 8-bit maps by 255; put logits through a sigmoid."
        )
    return array


def _mask(mask: ArrayLike, word: str) -> BoolArray:
    array = as_bool(mask, word)
    if array.ndim != 2 or 0 in array.shape:
        raise ArgumentError(f"the {word} has shape {array.shape}; it must be (H, W).")
    return array
