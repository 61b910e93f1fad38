"""Charts as numbers: where ticks, marks and lines lie, each from 0 to 1; `chart.svg.j2` draws them.

They are drawn by the page itself, and not as pictures, so that they follow its colours, light and dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from topobench.leaderboard.across import Views
from topobench.leaderboard.curves import Curve
from topobench.leaderboard.tables import Table

__all__ = ["Axis", "Chart", "Mark", "Series", "cost_chart", "curve_chart", "views_chart"]

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """An axis: what it shows, and its ticks as (place, text)."""

    title: str
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Mark:
    """A mark at (x, y), with a bar from `low` to `high` where there is an interval; `text` says its values."""

    x: float
    y: float
    text: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Series:
    """Marks of one colour and shape, which the name alone decides on a page, joined by a line or not."""

    name: str
    marks: tuple[Mark, ...]
    joined: bool = True


@dataclass(frozen=True)
class Chart:
    """A chart; `front` is a further line of steps (x, y), without marks."""

    title: str
    meaning: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    front: tuple[Point, ...] = ()


@dataclass(frozen=True)
class _Scale:
    """From values to places in [0, 1]."""

    low: float
    high: float
    log: bool = False
    turned: bool = False  # the low end is above

    @classmethod
    def over(cls, values: Iterable[float], log: bool = False, zero: bool = False) -> _Scale:
        """Return a scale that holds all values, and 0 if asked, with a margin."""
        found = [math.log10(value) if log else value for value in values] + [0.0] * zero
        low, high = min(found), max(found)
        margin = 0.06 * (high - low) or max(abs(high), 1.0) * 0.1
        return cls(low if zero and low == 0 else low - margin, high + margin, log)

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        place = ((math.log10(value) if self.log else value) - self.low) / (self.high - self.low)
        return round(1 - place if self.turned else place, 4)

    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Return places and texts of round values, about five."""
        found = _log_ticks(self.low, self.high) if self.log else _ticks(self.low, self.high)
        return tuple((self(value), f"{value:,.6g}") for value in found)


def cost_chart(table: Table) -> Chart | None:
    """Return training time against the figure that ranks, with the Pareto front; None for fewer than two methods."""
    name = table.ranked_by
    found = [entry for entry in table.entries if entry.rank and entry.train_seconds]
    if len(found) < 2:
        return None
    costs = {entry.label: float(entry.train_seconds or 0) for entry in found}
    ends = [end for entry in found for end in entry.intervals.get(name, ())]
    x = _Scale.over(costs.values(), log=True)
    y = _Scale.over([entry.means[name] for entry in found] + ends)
    series = []
    for entry in found:
        mean, (low, high) = entry.means[name], entry.intervals.get(name, (None, None))
        text = f"{entry.label}: {costs[entry.label]:.0f} s, {name} {mean:.3f}"
        mark = Mark(
            x(costs[entry.label]), y(mean), text, None if low is None else y(low), None if high is None else y(high)
        )
        series.append(Series(entry.label, (mark,)))
    sign = -1 if table.figure(name).better == "high" else 1
    best = _front([(costs[entry.label], sign * entry.means[name]) for entry in found])
    arrow = table.figure(name).arrow
    return Chart(
        f"Cost and quality: {name} {arrow} against training time",
        "A method on the line is not beaten by any that is trained in less time. Bars are 95 % intervals.",
        Axis("training time of a run, s ↓", x.ticks()), Axis(f"{name} {arrow}", y.ticks()), tuple(series),
        tuple((x(seconds), y(sign * value)) for seconds, value in best),
    )  # fmt: skip


def views_chart(views: Views) -> Chart:
    """Return each method's rank in each protocol, from small patches to whole images."""
    last = max(rank or 1 for ranks in views.ranks.values() for rank, _ in ranks)
    count = len(views.tables)
    x, y = _Scale(-0.4, count - 0.6), _Scale(0.5, last + 0.5, turned=True)
    ticks = tuple((x(place), f"{_view(table)}") for place, table in enumerate(views.tables))
    series = [
        Series(
            label,
            tuple(
                Mark(x(place), y(rank), f"{label}: rank {rank} by {views.protocols[place]}")
                for place, (rank, _) in enumerate(ranks)
                if rank is not None
            ),
        )
        for label, ranks in views.ranks.items()
    ]
    return Chart(
        "Rank against patch size and connectivity",
        "The same predictions, ranked by each protocol: a line that crosses others says that the choice decides.",
        Axis("protocol, patch size, connectivity of the structure", ticks),
        Axis("rank, 1 is the best", tuple((y(rank), str(rank)) for rank in range(1, last + 1))), tuple(series),
    )  # fmt: skip


def curve_chart(curve: Curve) -> Chart:
    """Return a quantity over the steps of training, on a logarithmic axis where all of it is positive."""
    points = [point for found in curve.methods.values() for point in found]
    x = _Scale.over([step for step, _ in points], zero=True)
    y = _Scale.over([value for _, value in points], log=all(value > 0 for _, value in points))
    series = [
        Series(name, tuple(Mark(x(step), y(value), f"{name}, step {step:g}: {value:.4g}") for step, value in found))
        for name, found in curve.methods.items()
    ]
    return Chart(
        curve.title, curve.meaning, Axis("training step", x.ticks()), Axis(curve.quantity, y.ticks()), tuple(series)
    )


def _view(table: Table) -> str:
    protocol = table.protocol
    size = f"{protocol['patch_size']} px" if protocol.get("patch_size") else "whole"
    return f"{protocol['name']}|{size}, {protocol['connectivity']}"


def _front(points: Iterable[Point]) -> list[Point]:
    """Return the points (cost, value) that no other beats in both, the cheapest first; low values are better."""
    front: list[Point] = []
    for cost, value in sorted(points):
        if not front or value < front[-1][1]:
            front.append((cost, value))
    return front


def _ticks(low: float, high: float) -> list[float]:
    """Return round values from low to high, about five: multiples of 1, 2 or 5 of a power of ten."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    return [round(k * step, 12) for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Return round values between two powers of ten: 1, 2, 5 of each; of wide ranges the powers alone."""
    factors = (1, 2, 5) if high - low < 3 else (1,)
    found = [f * 10.0**k for k in range(math.floor(low), math.ceil(high) + 1) for f in factors]
    inside = [value for value in found if low <= math.log10(value) <= high]
    return inside if len(inside) > 2 else _ticks(10.0**low, 10.0**high)
