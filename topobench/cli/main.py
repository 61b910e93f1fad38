"""The group of commands, and how errors and signals end: one clear line, an exit code, no traceback."""

from __future__ import annotations

import _thread
import io
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

import topobench
from topobench.cli.bench import bench
from topobench.cli.check import check
from topobench.cli.data import data
from topobench.cli.doctor import doctor
from topobench.cli.draw import draw
from topobench.cli.explain import explain
from topobench.cli.leaderboard import leaderboard
from topobench.cli.names import list_names, show
from topobench.cli.new import new
from topobench.cli.rescore import rescore
from topobench.cli.run import run
from topobench.cli.score import score
from topobench.cli.states import status
from topobench.errors import TopobenchError

__all__ = ["cli", "main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(topobench.__version__)
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--max-image-mib", type=click.IntRange(min=1), metavar="N",
    help="Refuse images that would take more than N MiB once decoded.  [default: $TOPOBENCH_MAX_IMAGE_MIB, or 1024]",
)  # fmt: skip
def cli(debug: bool, max_image_mib: int | None) -> None:
    """Benchmark and metrics suite for topology-preserving image segmentation."""
    if max_image_mib is not None:
        os.environ["TOPOBENCH_MAX_IMAGE_MIB"] = str(max_image_mib)  # so worker processes know it, too


for command in (
    run, status, rescore, score, check, new, draw, explain, leaderboard, list_names, show, data, bench, doctor,
):  # fmt: skip
    cli.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 something failed, 2 wrong usage, 130 interrupted, 143 terminated."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if "OMP_WAIT_POLICY" not in os.environ:  # threads that spin for long while they wait starve on a shared machine
        os.environ.setdefault("GOMP_SPINCOUNT", "30000")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # what a terminal cannot show becomes "?"
            stream.reconfigure(errors="replace")
    try:
        with _lost_ones_come_again():
            code = cli.main(args=given, prog_name="topobench", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except TopobenchError as error:
        if "--debug" in given:
            raise
        click.echo(f"Error: {error}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = 130
    except OSError as error:
        if "--debug" in given:
            raise
        click.echo(f"Error: {error.filename or 'the system'}: {error.strerror or error}.", err=True)
        code = 1
    sys.exit(code or 0)


@contextmanager
def _lost_ones_come_again() -> Iterator[None]:
    """Raise a Ctrl-C once more that nobody could take where it came, as within numba's compiler, which calls back.

    There it would be lost, the command go on, and what it broke be taken for somebody's fault.
    """
    kept, again = sys.unraisablehook, list[threading.Timer]()

    def come_again(lost: Any) -> None:
        if not issubclass(lost.exc_type, KeyboardInterrupt):
            kept(lost)
            return
        again.append(threading.Timer(0.05, _thread.interrupt_main))  # not at once, for here it would be lost again
        again[-1].daemon = True
        again[-1].start()

    sys.unraisablehook = come_again
    try:
        yield
    finally:
        sys.unraisablehook = kept
        for timer in again:
            timer.cancel()
