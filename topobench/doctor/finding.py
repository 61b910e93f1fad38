"""What a check says, and what becomes of a check that raises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from topobench.errors import TopobenchError, in_words

__all__ = ["Finding", "guarded"]


@dataclass(frozen=True)
class Finding:
    """What was found about one point; `advice` says what to do, and is empty where all is well.

    A ``warning`` is what makes results slower or poorer than they could be, a ``fault`` what does not work.
    """

    point: str
    state: Literal["ok", "warning", "fault"]
    found: str
    advice: str = ""


def guarded(point: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield the findings of a check; one that raises ends in a fault, for the other checks are still wanted."""
    try:
        yield from check()
    except (TopobenchError, OSError) as error:  # sentences, which say what to do
        yield Finding(point, "fault", str(error), "Do as it says; without it this point cannot be checked.")
    except (Exception, SystemExit) as error:
        yield Finding(
            point, "fault", f"the check itself fails, {in_words(error)}",
            "Install topobench anew in a fresh virtual environment; if it fails there, too, report it.",
        )  # fmt: skip
