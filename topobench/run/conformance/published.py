"""The rule of published figures: of names, data sets and protocols that there are, within their range."""

from __future__ import annotations

from collections.abc import Iterator

from topobench.cards import Published, names, shipped_protocol
from topobench.conformance import Outcome, Rule, ask, not_claimed
from topobench.metrics import FIGURES
from topobench.registry import names as registered
from topobench.registry import nearest
from topobench.run.conformance.subject import Subject

__all__ = ["RULES"]

NOT_STATED = "not stated"  # the data set of figures whose source does not name it


def _published(subject: Subject) -> Iterator[Outcome]:
    if not subject.recipe.published:
        yield not_claimed("figures", "the recipe has no published figures.")
    for number, entry in enumerate(subject.recipe.published):
        yield ask(f"{number}: {entry.dataset}", _is_known, entry)


def _is_known(entry: Published) -> str | None:
    if empty := [key for key in ("source", "table", "row") if not getattr(entry, key).strip()]:
        return f"{empty[0]!r} is empty; it must say where the figures stand."
    datasets = names("datasets")
    if entry.dataset not in (*datasets, NOT_STATED):
        hint = nearest(entry.dataset, datasets)
        return f"no data set is named {entry.dataset!r}{hint}; where the source names none, write {NOT_STATED!r}."
    if entry.protocol and not shipped_protocol(entry.protocol):
        known = names("protocols")
        return (
            f"no protocol is named {entry.protocol!r}{nearest(entry.protocol, known)}. Known: {', '.join(known)}; "
            "leave the key out where it is not known by which they were measured."
        )
    return next(filter(None, (_is_figure(*each) for each in entry.figures.items())), None)


def _is_figure(name: str, value: float | tuple[float, float]) -> str | None:
    known = sorted({*FIGURES, *registered("metrics")})
    if name not in known:
        return f"no figure is named {name!r}{nearest(name, known)}; `topobench list metrics` has all."
    low, high = value if isinstance(value, tuple) else (value, value)
    least, most = FIGURES[name].range
    if least <= low <= high <= most:
        return None
    return f"{name} is {value}; its values lie in [{least:g}, {most:g}] (a share, not percent), the lower end first."


RULES: tuple[Rule[Subject], ...] = (
    Rule("published figures", "published figures are of names, data sets and protocols that there are", _published),
)
