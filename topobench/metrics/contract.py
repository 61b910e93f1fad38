"""What a metric is: the protocol that a plugin of the group ``topobench.metrics`` keeps, and what it says of itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast

from topobench.errors import ArgumentError
from topobench.metrics.case import Case, Undefined
from topobench.metrics.figures import FIGURES, Figure
from topobench.plugins import provenance
from topobench.registry import BUILTINS, load, plugin_of

__all__ = ["Metric", "defines", "figures_of", "plugin_figures", "said_of"]

Values = Mapping[str, float | Undefined]


class Metric(Protocol):
    """A function of a `Case`: an image to its figures. `topobench.metrics.conformance` asks what stands here.

    Any object that can be called with a `Case` will do; `defines` gives a function its `figures`. A plugin registers
    each of its figures by name; several names may lead to one metric, which is then called once an image.

    Attributes
    ----------
    figures : tuple of topobench.metrics.Figure
        What each of its figures is, which way is better, in what unit and range, and its source. Records keep it, so
        that a table is ranked the right way round where the plugin is not installed.
    api_version : int, optional
        Of this contract: 1, which it also is without.

    Notes
    -----
    Shapes and units: `case.prediction` and `case.truth` are bool (H, W), of any size from 1x1 on, True where there is
    structure; `case.valid` is the same or None, and what lies outside counts in no figure. Connectivity, phase, frame
    and patches are choices of the protocol: a metric that counts components takes them from there, or from
    `case.labels` and `case.table`, of which only counts that the pixels' partition decides may be used, not the numbers
    of labels.

    It is a pure function of the case: no state, no randomness but from `case.seed` and `case.image_id`
    (`topobench.seeds.generator`), and it writes to none of the arrays, which other metrics are given, too.
    """

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What each of its figures is."""

    def __call__(self, case: Case, /) -> Values:
        """Return for each name a finite number in the unit of its `Figure`, or ``Undefined(reason)``.

        Undefined is what its definition gives no value for that image, always so where `case.nowhere` (no pixel is
        valid); the reason is shown in records. What it raises ends the scoring, with an error that names the plugin.
        """


def defines(*figures: Figure) -> Callable[[Callable[[Case], Values]], Metric]:
    """Return a decorator that says of a function of a case what its figures are; it returns the function itself.

    Examples
    --------
    >>> import numpy as np
    >>> @defines(Figure("false_share", "low", "share of pixels that are structure in the prediction alone"))
    ... def false_share(case):
    ...     counts = np.ones_like(case.truth) if case.valid is None else case.valid
    ...     if case.nowhere:
    ...         return {"false_share": Undefined("no pixel is valid")}
    ...     return {"false_share": float(np.mean((case.prediction & ~case.truth)[counts]))}
    >>> false_share.figures[0].best
    0.0
    """
    if fault := _fault_in(figures):
        raise ArgumentError(fault)

    def said(function: Callable[[Case], Values]) -> Metric:
        function.figures = figures  # type: ignore[attr-defined]
        return cast(Metric, function)

    return said


def figures_of(metric: object) -> tuple[Figure, ...]:
    """Return what a metric says of its figures, none where it says nothing; ArgumentError where that is no Figure."""
    figures = getattr(metric, "figures", ())
    if figures != () and (fault := _fault_in(figures)):
        raise ArgumentError(fault)
    return tuple(figures)


def said_of(name: str, metric: object) -> Figure | None:
    """Return what a figure of a metric is: ours by `FIGURES`, another by what it says; None if it says nothing."""
    if name in BUILTINS["metrics"] and load("metrics", name) is metric:
        return FIGURES[name]
    return next((figure for figure in figures_of(metric) if figure.name == name), None)


def plugin_figures(names: tuple[str, ...]) -> dict[str, tuple[Figure, str]]:
    """Return those of the names that are a plugin's, what each is, and the plugin's name and version.

    It is loaded for that: ArgumentError where it does not load, or its `figures` are none.
    """
    found = {}
    for name in names:
        if name not in BUILTINS["metrics"]:
            found[name] = said_of(name, load("metrics", name)) or FIGURES[name], _origin(name)
    return found


def _origin(name: str) -> str:
    """Return whose a figure is, so that other code gives another text: ``my-metrics 1.2``, or a file and its code."""
    plugin = plugin_of("metrics", name)
    if plugin is None:
        return ""
    about = provenance(plugin)
    return f"{about['origin']}, code {about['code'][:12]}" if plugin.file else about["origin"]


def _fault_in(figures: Any) -> str | None:
    """Return what is wrong with what a metric says of its figures, as a sentence."""
    if not (isinstance(figures, (tuple, list)) and figures and all(isinstance(one, Figure) for one in figures)):
        return f"the figures of a metric are {figures!r}; give a topobench.metrics.Figure for each name it returns."
    names = [figure.name for figure in figures]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        return f"the figures of a metric name {', '.join(map(repr, twice))} more than once; give each its Figure once."
    return None
