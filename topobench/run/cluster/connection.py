"""The connection to the scheduler of a Dask cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from topobench.errors import RunError

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["connected", "gpus_of", "is_there"]

PATIENCE = 15.0  # seconds for the scheduler to answer


@contextmanager
def connected(scheduler: str) -> Iterator[Client]:
    """Give a client of the scheduler at an address, or in the file that it writes, and close it after the block.

    RunError where nothing answers, or where Dask is not installed.
    """
    try:
        from distributed import Client
    except ImportError as error:
        raise RunError(
            f"a cluster wants Dask ({error}); install it: pip install 'topobench[dask]' (of a checkout: '.[dask]')."
        ) from error
    _hush()
    where = {"scheduler_file": scheduler} if Path(scheduler).is_file() else {"address": scheduler}
    try:
        client = Client(**where, timeout=PATIENCE, set_as_default=False, name="topobench")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(
            f"no Dask scheduler answers at {scheduler} within {PATIENCE:.0f} s ({type(error).__name__}). --scheduler "
            "is its address, such as tcp://HOST:8786, or the file that `dask scheduler --scheduler-file` writes; is it "
            "still there, and can this machine reach it?"
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=5)


def _hush() -> None:
    """Let Dask say nothing of lost connections: that is said in sentences."""
    for name in ("distributed", *(name for name in logging.root.manager.loggerDict if name.startswith("distributed."))):
        logging.getLogger(name).setLevel(logging.CRITICAL)


def is_there(client: Client) -> bool:
    """Whether the scheduler is still there; one that was lost for a moment has forgotten its tasks, too."""
    return str(client.status) == "running"


def gpus_of(client: Client) -> list[int]:
    """Return how many GPUs each worker declares that is there now."""
    from topobench.run.cluster import remote

    return list(client.run(remote.count_gpus, on_error="ignore").values())
