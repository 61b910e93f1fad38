"""One line of the live table: where a run is, how fast it goes, and the words for it."""

from __future__ import annotations

from dataclasses import dataclass, field

from topobench.cli.words import clock, ending, losses
from topobench.run.matrix import Run
from topobench.run.watcher import Step
from topobench.types import RunRecord

__all__ = ["HEADS", "STATES", "Line"]

STARTING = "starting"
BAR = 8  # characters
HEADS = f"{'state':{BAR + 5}}  {'left':>7}  losses"  # over what `Line.doing` returns
TRAINING = 0.9  # of the time of a run, about; the rest is scoring
STATES = ("finished", "found", "failed", "going on", "waiting")
STYLES = {"failed": "red", "finished": "green", "found": "dim", "waiting": "dim"}


@dataclass
class Pace:
    """How fast a part grows, from where it was first seen: it may have been at work before, in another process."""

    part: float
    time: float

    def left(self, part: float, now: float) -> float | None:
        """Return the seconds until the part is 1, or None where it has not grown yet."""
        grown = part - self.part
        return (now - self.time) / grown * (1 - part) if grown > 0 else None


@dataclass(eq=False)
class Line:
    """A run on the screen.

    `state` is one of `STATES`, `where` the worker that it was sent to. `share` is how much of the run is done,
    `base` how much of that before `since`, so that it took no time here.
    """

    run: Run
    state: str = "waiting"
    words: str = STARTING
    where: str = ""
    losses: dict[str, float] = field(default_factory=dict)
    held_out: float | None = None
    left: float | None = None
    part: float | None = None
    share: float = 0.0
    base: float | None = None
    since: float | None = None
    _pace: Pace | None = None

    def start(self) -> None:
        """Begin."""
        self.state = "going on"

    def step(self, step: Step, now: float) -> None:
        """Take a training step."""
        self.part, self.losses = step.part, step.losses
        self._go_on(step.part, TRAINING * step.part, now)

    def score(self, images: int, of: int, now: float) -> None:
        """Score an image."""
        if self.part is not None:
            self.part, self._pace = None, None
        self.words = f"scoring {images} of {of}"
        trained = TRAINING if self.run.budget else 0.0
        self._go_on(images / of, trained + (1 - trained) * images / of, now)

    def end(self, record: RunRecord, found: bool) -> None:
        """Have a record. What a run that failed left undone took no time."""
        self.state = "found" if found else "finished" if record.finished else "failed"
        if self.state != "finished":
            self.base = (self.base or 0.0) + 1 - self.share
        self.share, self.words = 1.0, ending(record, found)

    @property
    def style(self) -> str:
        """The line's style on a terminal that has styles."""
        return STYLES.get(self.state, "")

    @property
    def left_of_it(self) -> float:
        """The part that is left of it."""
        return 1 - self.share

    @property
    def done_of_it(self) -> float:
        """The part that was done of it here."""
        return self.share - (self.base or 0.0)

    def doing(self, plain: bool, over: bool) -> str:
        """Return what it does; `plain` in ASCII alone, `over` when nothing goes on any more."""
        if self.state != "going on":
            return self.state if self.state in ("waiting", "found") else self.words
        what = self.words if self.part is None else f"{_bar(self.part, plain)} {self.part:4.0%}"
        if over:
            return f"stopped, {self.words}" if self.part is None else f"stopped at {self.part:.0%}"
        if self.part is None and self.words == STARTING:
            return what
        held_out = [] if self.held_out is None else [f"held out {self.held_out:.3f}"]
        values = ", ".join(filter(None, [losses(self.losses), *held_out])) if self.part is not None else ""
        return f"{what:{BAR + 5}}  {clock(self.left):>7}  {values}".rstrip()

    def _go_on(self, part: float, share: float, now: float) -> None:
        self._pace = self._pace or Pace(part, now)
        self.left, self.share = self._pace.left(part, now), share
        if self.base is None or self.since is None:
            self.base, self.since = share, now


def _bar(part: float, plain: bool) -> str:
    full, empty = "#-" if plain else "━╌"
    done = int(part * BAR)
    return full * done + empty * (BAR - done)
