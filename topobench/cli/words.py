"""Words that several displays of runs share."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topobench.cards import Budget
    from topobench.types import RunRecord

__all__ = ["budget_in_words", "clock", "counted", "ending", "in_words", "losses"]


def losses(values: dict[str, float]) -> str:
    """Return the terms' values, as ``topological 0.031, dice 0.200``."""
    return ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def ending(record: RunRecord, found: bool) -> str:
    """Return how a run ended."""
    if found:
        return f"finished before, found as {record.run_id[:12]}"
    if not record.finished:
        return record.status
    seconds = record.cost.get("train_seconds", 0.0) + record.cost.get("score_seconds", 0.0)
    return f"finished in {seconds:.0f} s"


def clock(seconds: float | None) -> str:
    """Return a time as clocks show it, ``0:07``, ``12:05``, ``1:02:03``; ``-:--`` where it is not known."""
    if seconds is None:
        return "-:--"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def in_words(seconds: float) -> str:
    """Return a time as people say it: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def counted(number: int, word: str) -> str:
    """Return a number of things: ``1 run``, ``5 runs``."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def budget_in_words(budget: Budget) -> str:
    """Return what a run may spend: ``500 steps of 8 crops of 128x128``."""
    how_long = counted(budget.steps, "step") if budget.steps else f"{budget.seconds:g} s"
    return f"{how_long} of {counted(budget.batch, 'crop')} of {budget.crop}x{budget.crop}"
