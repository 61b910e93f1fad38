"""`topobench bench`: how fast the kernel is on this machine, in ratios."""

from __future__ import annotations

from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.options import data_dir

if TYPE_CHECKING:
    from topobench.bench import Contest

__all__ = ["bench"]

SIZES = click.IntRange(3, 4097)
THREADED = 256  # patches of 65 that two threads share


@click.command()
@click.option("--size", "sizes", type=SIZES, multiple=True, default=(65, 257), show_default=True,
              help="Pixels a side of a patch; can be given more than once. 1025 takes a minute or two.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(1, 1000), default=5, show_default=True, help="Rounds that count.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the places of the patches.")
@data_dir
def bench(sizes: tuple[int, ...], rounds: int, seed: int, data_dir: Path | None) -> None:
    """Time the persistence kernel against its peers, interleaved, on distinct patches; one row a patch size.

    The columns of peers say how many times as long they take. The patches are of ISBI 2012 where its files are found,
    else of synthetic membranes.
    """
    from topobench.bench import compare, first_call, patches, source, speed_up
    from topobench.bench.contest import PEERS

    chosen = source(data_dir)
    click.echo(f"{_machine()}\nPatches: {chosen.meaning}. One thread; medians of {rounds} interleaved rounds.\n")
    heads = ["patch", "patches", "kernel us", "ns a pixel", "one a call us", *PEERS, "betti us"]
    click.echo(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    rows = []
    for size in sizes:
        count = min(64, max(4, 2**20 // size**2))
        rows.append(compare(patches(chosen.maps, size, count, seed), rounds))
        click.echo(_row(rows[-1], list(PEERS)))
    click.echo("")
    small, large = min(rows, key=attrgetter("size")), max(rows, key=attrgetter("size"))
    if small is not large:
        growth = (large.kernel / large.size**2) / (small.kernel / small.size**2)
        click.echo(f"Time a pixel at {large.size}: {growth:.2f} times that at {small.size}.")
    two, sort = speed_up(patches(chosen.maps, 65, THREADED, seed), 2, 10 * rounds)
    click.echo(f"Two threads on {THREADED} patches of 65: {two:.2f} times as fast as one (np.sort: {sort:.2f} times).")
    click.echo(
        "First call in a fresh process: {:.1f} s where it compiles, {:.1f} s from the cache.".format(*first_call())
    )
    for name, meaning in PEERS.items():
        absent = "" if name in small.ratios else "; it cannot be imported here: pip install 'topobench[test]'"
        click.echo(f"{name}: {meaning}{absent}.")


def _row(row: Contest, peers: list[str]) -> str:
    """Return a row of the table."""
    times = [f"{row.kernel:.1f}", f"{1e3 * row.kernel / row.size**2:.2f}", f"{row.alone:.1f}"]
    ratios = [f"{row.ratios[name]:.3g}x" if name in row.ratios else "-" for name in peers]
    return f"| {' | '.join([str(row.size), str(row.patches), *times, *ratios, f'{row.betti:.1f}'])} |"


def _machine() -> str:
    """Return the processor and the versions that matter, as a sentence."""
    from importlib.metadata import PackageNotFoundError, version

    from topobench.environment import environment

    found = []
    for name in ("numpy", "numba", "gudhi", "cripser"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    about = environment()
    what = f"topobench {about['topobench']} {about['commit']}".strip()
    return f"{what}, {about['system']}, {about['cores']} cores; {', '.join(found)}."
