"""Fetch a data set and be killed at each file operation in turn; then fetch it again. Run by test_downloads.py.

`python -m tests.faults.kills CARD DATA [STEP]` prints, as JSON, for each STEP-th operation what was in place after the
kill, and what was after the next fetch. A process of its own, for it forks, and what forks must have no threads.
"""

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

from topobench.cards import load_card
from topobench.data.fetch import download, fetch

EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.truncate", "shutil.rmtree"}


def forked(work, seconds=None):
    """Do the work in a fork, which is killed after so many seconds, if any; return the signal that ended it, or 0."""
    if (child := os.fork()) == 0:
        try:
            work()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert not os.WIFEXITED(status) or os.WEXITSTATUS(status) == 0
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0


def dies(number):
    """From now on the process is killed when it is about to do so many file operations."""
    left = [number]

    def hook(event, arguments):
        writes = event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in EVENTS or writes:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def there(folder):
    found = folder.rglob("*") if folder.is_dir() else []
    return sorted(str(path.relative_to(folder)) for path in found if path.is_file())


def main(path, root, step="1"):
    card, root, seen = load_card(path), Path(root), []
    fetch(card, root)  # so that all is imported before it forks
    download._SESSION.close()  # forks must not share a connection
    for number in range(0, 1000, int(step)):
        shutil.rmtree(root, ignore_errors=True)

        def killed(number=number):
            dies(number)
            fetch(card, root)

        ended = forked(killed)
        after = there(root / card.name)
        forked(lambda: fetch(card, root))
        seen.append((after, there(root / card.name), there(root / ".fetch" / card.name)))
        if not ended:  # it came to its end before that many operations
            break
    print(json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
