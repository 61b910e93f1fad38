"""Claims: one process at a time is at a run, on whatever machine that sees the store.

The claims of a run are numbered files in a folder of its own, and the highest number is the one that counts. A file is
created once, also on a network file system without locks; who creates it has the claim, and touches it every few
seconds. Another may take the next number where the claim was given back, where its process is known to be gone, or
where nothing changed for long by the watch of who waits: no clock of a file, nor of another machine, is trusted.
Whoever finds a higher number than its own has lost the run, and steps back.
"""

from __future__ import annotations

import errno
import os
import platform
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from topobench.files import naming
from topobench.run.store import Place

__all__ = ["Claim", "Claims", "alone"]

BEAT = 5.0  # seconds between two touches of a claim
DEAD = 60.0  # seconds without one after which its process is taken for dead
PAUSE = 0.5  # seconds between two looks at the claim of another
GIVEN_BACK = "given back"


class Claim:
    """A claim that this process has, from when it is made until `give_back`.

    Attributes
    ----------
    path : Path
        The file, which exists.
    lost : bool
        Whether another has taken the run over, because this process was held up for so long.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.lost = path, False
        self._over = threading.Event()
        self._beating = threading.Thread(target=self._beat, name=f"claim {path.parent.name}", daemon=True)
        self._beating.start()

    def give_back(self) -> None:
        """Let another have the run."""
        self._over.set()
        self._beating.join()
        with suppress(OSError):  # then it counts for dead in a minute
            self.path.write_text(f"{GIVEN_BACK}\n")

    def look(self) -> None:
        """Find out now, rather than at the next beat, whether it is lost."""
        with suppress(FileNotFoundError):  # somebody has cleared the folder away, and nobody has the run thereby
            self.lost = self.lost or max(_numbers(self.path.parent), default=0) > int(self.path.name)

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            with suppress(OSError):  # a network file system that is away for a moment; who waits counts on
                self.look()
                os.utime(self.path)


class Claims:
    """The claims of a run, as one who wants the run sees them: he must look again and again."""

    def __init__(self, place: Place) -> None:
        self.folder = place.claims
        self._seen: tuple[object, float] = (None, 0.0)  # what the claim was, and since when by our watch
        self._least = 0  # the number that counts is at least this, even if a network file system does not list it yet

    def taken(self) -> bool:
        """Whether another has it, as far as can be told by now."""
        return self.folder.is_dir() and not self._is_free(self._newest())

    def take(self) -> Claim | None:
        """Return the run's claim; None while another has it."""
        with naming(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            number = self._newest()
            if not self._is_free(number):
                return None
            mine = self.folder / f"{number + 1:06d}"
            try:
                with mine.open("x") as file:
                    file.write(f"{_owner(os.getpid())}\n")
            except FileExistsError:
                self._least = number + 1
                return None
            if max(_numbers(self.folder), default=0) > number + 1:  # the list of before was an old one
                mine.unlink(missing_ok=True)
                return None
            for old in _numbers(self.folder):
                if old <= number:
                    (self.folder / f"{old:06d}").unlink(missing_ok=True)
            return Claim(mine)

    def _newest(self) -> int:
        """Return the number of the claim that counts, as far as is known; 0 where there is none."""
        return max([*_numbers(self.folder), self._least])

    def _is_free(self, number: int) -> bool:
        """Whether the claim of that number is nobody's any more."""
        if number == 0:
            return True
        try:
            # A network file system asks its server anew when a file is opened.
            with (self.folder / f"{number:06d}").open(errors="replace") as file:
                changed, content = os.fstat(file.fileno()).st_mtime_ns, file.read().strip()
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ESTALE):
                raise
            changed, content = 0, ""  # it was cleared away by who has a newer one
        if content == GIVEN_BACK or _is_gone(content):
            return True
        now, found = time.monotonic(), (number, changed, content)
        if found != self._seen[0]:
            self._seen = found, now
        return now - self._seen[1] > DEAD


@contextmanager
def alone(place: Place, taken: Callable[[], None]) -> Iterator[Claim]:
    """Have the claim of a run for the block. While another has it, `taken` is called: what it raises ends the waiting.

    That of a process that died is taken over: at once where it was of this machine, else after a minute.
    """
    claims = Claims(place)
    while not (claim := claims.take()):
        taken()
        time.sleep(PAUSE)
    try:
        yield claim
    finally:
        claim.give_back()


def _numbers(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]


def _owner(pid: int) -> str:
    """Return what names a process of this machine among all of all machines, after it is gone, too."""
    return " ".join([*_machine(), str(pid), _began(pid)])


def _is_gone(owner: str) -> bool:
    """Whether a process is known to be gone: it was of this machine, and there is none, or another, of its number."""
    parts = owner.split(" ")
    if len(parts) != 5 or parts[:3] != _machine():
        return False
    try:
        os.kill(int(parts[3]), 0)
    except ProcessLookupError:
        return True
    except (ValueError, OverflowError, PermissionError):
        return False
    return _began(int(parts[3])) != parts[4]


def _machine() -> list[str]:
    """Return host, boot and, for containers that share a host's name, the space of its process numbers."""
    boot, space = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    try:
        return [platform.node(), boot.read_text().strip(), str(space.stat().st_ino)]
    except OSError:  # not Linux
        return [platform.node(), "-", "-"]


def _began(pid: int) -> str:
    """Return when a process began, in ticks since the boot, where the system says so; numbers are used again.

    Of one that has ended and that nobody has waited for yet, it is ``ended``.
    """
    try:
        state, *others = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "ended" if state in "ZX" else others[18]
    except (OSError, IndexError, ValueError):
        return "-"
