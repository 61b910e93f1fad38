"""Workers that a batch system starts: the worked example of docs/cluster.md, and jobs that are processes of here."""

import re
import signal

import pytest

from tests.conftest import ROOT
from tests.run.clusters import until

ours = signal.getsignal(signal.SIGINT)
dask_jobqueue = pytest.importorskip("dask_jobqueue", reason="the extra dask is not installed")
signal.signal(signal.SIGINT, ours)  # it takes Ctrl-C for itself when it is imported

from dask_jobqueue.local import LocalCluster  # noqa: E402
from distributed.utils import open_port  # noqa: E402

from tests.run.test_cluster import null, on  # noqa: E402


def test_example_of_slurm_makes_its_job_script(monkeypatch, tmp_path):
    [code] = re.findall(r"```py\n(.*?)```", (ROOT / "docs" / "cluster.md").read_text(), re.DOTALL)
    made, scaled = [], []

    class Slurm(dask_jobqueue.SLURMCluster):
        def __init__(self, scheduler_options, **options):
            super().__init__(scheduler_options={"port": open_port(), "dashboard": False}, **options)
            made.append(self)

        def scale(self, *_, **what):  # without Slurm there is nobody to submit to
            scaled.append(what)

    monkeypatch.setattr(dask_jobqueue, "SLURMCluster", Slurm)
    exec(compile(code, "cluster.py", "exec"), {"__name__": "__main__", "input": lambda _: None})
    script = made[0].job_script()
    made[0].close()
    assert scaled[:1] == [{"jobs": 20}]
    for line in ("#SBATCH -p gpu", "#SBATCH -A my-account", "#SBATCH --gres=gpu:1", "source /shared/venv/bin/activate"):
        assert line in script.splitlines()
    assert re.search(r"dask_worker tcp://\S+ .*--nthreads 8 .*--resources GPU=1 --lifetime 11h50m", script)


def test_workers_that_are_jobs(tmp_path, monkeypatch):
    """They come when their jobs begin, here as processes of this machine, with a nanny each."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    options = {"dashboard": False, "host": "127.0.0.1"}
    about = {"cores": 1, "processes": 1, "memory": "2GB", "log_directory": str(tmp_path)}
    with LocalCluster(**about, scheduler_options=options) as jobs:
        jobs.scale(jobs=1)
        until(lambda: len(jobs.scheduler_info["workers"]) == 1)

        class Cluster:
            address = jobs.scheduler_address

        [record] = on(Cluster, [null()], tmp_path / "out")
        assert record.finished
