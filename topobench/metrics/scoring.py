"""`score`: one image under one protocol. Validate, count, compute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from topobench.cards import Protocol, load_protocol
from topobench.errors import ArgumentError, in_words
from topobench.metrics.case import Case, Found, Undefined, score_of
from topobench.metrics.clustering import IGNORED, LOG_BASE
from topobench.metrics.contract import plugin_figures
from topobench.metrics.figures import FIGURES, described
from topobench.registry import BUILTINS, load
from topobench.topology.images import as_likelihood, as_mask
from topobench.types import BoolArray, Score

__all__ = ["score", "settings_of"]


def score(
    prediction: ArrayLike,
    truth: ArrayLike,
    protocol: str | Path | Protocol = "hu2019",
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
        One of ``topobench list protocols``, a variant of one (``hu2019:129-c4``: docs/protocols.md), a file ``*.toml``,
        or what `load_protocol` returned.
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
    _check_key(seed, image_id)
    chosen = protocol if isinstance(protocol, Protocol) else load_protocol(str(protocol))
    settings = settings_of(chosen, phase, connectivity, seed)
    case = _case(as_likelihood(prediction), as_mask(truth, "truth"), valid, chosen, settings, image_id)
    counted = case.truth.size if case.valid is None else int(np.count_nonzero(case.valid))
    return score_of(_compute(case, chosen.figures), {**settings, "image_id": image_id, "valid_pixels": counted})


def settings_of(protocol: Protocol, phase: str | None, connectivity: int | None, seed: int) -> dict[str, Any]:
    """Return every choice that the figures depend on, as a record keeps it: the protocol's, completed.

    Where the protocol has figures of plugins these are loaded, and ``plugin_figures`` keeps what each of them is, and
    of which plugin and version. ArgumentError where one does not load, or the figure that ranks says not which of its
    values are better.
    """
    if phase not in (None, "regions", "structure"):
        raise ArgumentError(f"phase is {phase!r}; it must be 'regions' or 'structure'.")
    if connectivity not in (None, 4, 8):
        raise ArgumentError(f"connectivity is {connectivity!r}; it must be 8 or 4.")
    plugins = plugin_figures(protocol.figures)
    ranks, _ = plugins.get(protocol.ranked_by) or (FIGURES[protocol.ranked_by], "")
    if ranks.better == "neither":
        raise ArgumentError(
            f"protocol {protocol.name!r} is ranked by {protocol.ranked_by!r}, of which neither low nor high values are "
            "better; rank by another figure"
            + (
                ", or let its plugin say what it is (topobench.metrics.defines)." * (protocol.ranked_by in plugins)
                or "."
            )
        )
    choices = protocol.model_dump(
        mode="json", exclude={"schema_", "title", "description", "source", "measures", "open"}
    )
    return {
        **choices,
        "phase": protocol.phase or phase or "regions",
        "connectivity": protocol.connectivity or connectivity or 8,
        "seed": int(seed),
        "log_base": LOG_BASE,
        "ignored_labels": IGNORED,
        **({"plugin_figures": {name: described(*said) for name, said in plugins.items()}} if plugins else {}),
    }


def _check_key(seed: int, image_id: str) -> None:
    """Raise ArgumentError where the key of the patches' places is none."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise ArgumentError(f"seed is {seed!r}; it must be a whole number from 0 on.")
    if not isinstance(image_id, str):
        raise ArgumentError(f"image_id is {image_id!r}; it must be a text, such as 'section-07'.")


def _compute(case: Case, wanted: tuple[str, ...]) -> dict[str, float | Undefined]:
    """Return the wanted figures; a family that gives several of them is computed once."""
    families = {name: load("metrics", name) for name in wanted}
    found: dict[int, Found] = {}  # by identity: an object of a plugin need not be hashable
    for name, family in families.items():
        if id(family) not in found:
            found[id(family)] = _found(name, family, case)
    return {name: _checked(name, found[id(family)]) for name, family in families.items()}


def _found(name: str, family: Callable[[Case], Found], case: Case) -> Found:
    """Return what a family finds; whatever a plugin raises becomes a sentence that names it."""
    try:
        return family(case)
    except (Exception, SystemExit) as error:
        if name in BUILTINS["metrics"]:
            raise
        raise ArgumentError(f"the metric {name!r} of a plugin raised {in_words(error)}.") from error


def _checked(name: str, found: Found) -> float | Undefined:
    """Return a figure of what a family found; ArgumentError where a plugin returned something else."""
    if not isinstance(found, Mapping) or name not in found:
        raise ArgumentError(f"the metric {name!r} returned {found!r}; it must be a mapping that holds {name!r}.")
    value = found[name]
    if isinstance(value, Undefined):
        return value
    if not isinstance(value, (int, float, np.integer, np.floating)) or math.isinf(value):
        raise ArgumentError(f"the metric {name!r} gave {value!r}; a figure is a finite number, or Undefined(reason).")
    return Undefined(f"the metric {name!r} gave NaN and no reason") if math.isnan(value) else float(value)


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
        domain = as_mask(valid, "validity mask")
        if domain.shape != truth.shape:
            raise ArgumentError(
                f"the validity mask has shape {domain.shape}, the truth {truth.shape}; they must agree."
            )
        prediction, truth = (np.where(domain, mask, protocol.frame) for mask in (prediction, truth))
    return Case(
        prediction, truth, domain, settings["connectivity"], settings["phase"], protocol.patch_size,
        protocol.patches, protocol.frame, protocol.dimensions, settings["seed"], image_id, protocol.sampling,
    )  # fmt: skip
