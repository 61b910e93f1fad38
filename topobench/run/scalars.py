"""Losses, learning rate, times and validations of a run, written for TensorBoard."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from topobench.cards import load_protocol
from topobench.errors import ArgumentError
from topobench.files import naming
from topobench.run.store import Place
from topobench.run.watcher import Relay, Step, Watcher

if TYPE_CHECKING:
    from topobench.run.matrix import Run

__all__ = ["Scalars", "check_scalars"]

POINTS = 1000  # about so many a run: more cannot be told apart on a screen, and cost time and space
FLUSH_SECONDS = 10  # what a run that is killed loses of its curves


def check_scalars() -> None:
    """Raise ArgumentError where what TensorBoard reads cannot be written: before anything is trained."""
    _writer_class()


class Scalars(Relay):
    """Writes the scalars of one run, each at the number of steps done; a context, at whose end all is on disk.

    ``loss/<term>`` (unweighted), ``learning_rate``, ``ms_per_step/<part>`` and ``validation/<figure>``. A run that goes
    on takes back what was written after its checkpoint, so that no step has two points.
    """

    def __init__(self, place: Place, watcher: Watcher) -> None:
        super().__init__(watcher)
        self.place, self.written = place, -1
        self._writer: Any = None

    def __enter__(self) -> Scalars:
        """Return itself; the file is made at the first point."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Write what is left, and close the file."""
        if self._writer is not None:
            with naming(self.place.scalars):
                self._writer.close()

    def stepped(self, run: Run, step: Step) -> None:
        """Write the step, if it is the first of its thousandth of the budget."""
        if int(step.part * POINTS) > self.written:
            self.written = int(step.part * POINTS)
            points = {f"loss/{name}": value for name, value in step.losses.items()}
            points |= {f"ms_per_step/{part}": 1000 * seconds for part, seconds in step.seconds.items()}
            self._write(step.number + 1, {**points, "learning_rate": step.learning_rate})
        super().stepped(run, step)

    def validated(self, run: Run, step: int, value: float) -> None:
        """Write the result."""
        if run.budget and run.budget.validation:
            figure = load_protocol(run.budget.validation.protocol).ranked_by
            self._write(step, {f"validation/{figure}": value})
        super().validated(run, step, value)

    def _write(self, step: int, points: dict[str, float]) -> None:
        with naming(self.place.scalars):  # a full disk is the store's fault, and not this run's
            if self._writer is None:
                folder = str(self.place.scalars)
                self._writer = _writer_class()(folder, purge_step=step, flush_secs=FLUSH_SECONDS)
            for name, value in points.items():
                self._writer.add_scalar(name, value, step)


def _writer_class() -> Any:
    """Return what writes the files; ArgumentError where the package is not there."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ArgumentError(
            f"scalars need the package tensorboard, which cannot be imported ({error}); "
            "pip install 'topobench[tensorboard]', or leave out --tensorboard."
        ) from error
    return SummaryWriter
