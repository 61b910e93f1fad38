"""A Dask cluster of processes on this machine, each of which a test may kill."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress

from tests.conftest import ROOT


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Cluster:
    """A scheduler, and workers by name; `environment` is for the next that is begun."""

    def __init__(self, folder):
        self.folder, self.port, self.processes = folder, free_port(), {}
        self.begin("scheduler", "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard")

    @property
    def address(self):
        return f"tcp://127.0.0.1:{self.port}"

    def worker(self, name, *options, nanny=False, **environment):
        """Begin a worker; it says so itself when it is there."""
        more = ["--nthreads", "1", "--name", name, "--no-dashboard", *([] if nanny else ["--no-nanny"])]
        self.begin(name, "worker", self.address, *more, *options, **environment)

    def begin(self, name, *command, **environment):
        code = f"import sys; from distributed.cli.dask_{command[0]} import main; sys.argv[0] = 'dask'; main()"
        found = [environment.pop("PYTHONPATH", ""), str(ROOT), os.environ.get("PYTHONPATH")]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [sys.executable, "-c", code, *command[1:]],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={
                    **os.environ,
                    "TOPOBENCH_WORKER_DIR": str(self.folder / "own"),
                    **environment,
                    "PYTHONPATH": os.pathsep.join(filter(None, found)),
                },
                start_new_session=True,
            )

    def kill(self, name):
        """SIGKILL, as if its machine were gone."""
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self):
        for name in list(self.processes):
            self.kill(name)


@contextmanager
def cluster_in(folder, workers=("w1", "w2")):
    """A cluster for the block, with such workers."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder)
    try:
        for name in workers:
            cluster.worker(name)
        yield cluster
    finally:
        cluster.end()


def until(said, seconds=60.0):
    """Wait until something is so, and return it."""
    last = time.monotonic() + seconds
    while not (found := said()):
        assert time.monotonic() < last, "waited in vain"
        time.sleep(0.02)
    return found
