"""How long reading a sample takes, of every real data set that is there: all of it, decoding, checks and labels.

Run it as `python benchmarks/reading.py --data-dir DATA`; to compare two checkouts, with PYTHONPATH set to each in turn.
"""

import time
from pathlib import Path

import click

from topobench.cards import load_card, names
from topobench.data import open_dataset
from topobench.errors import DataError


@click.command()
@click.option("--data-dir", required=True, type=click.Path(path_type=Path))
@click.option("--rounds", default=5, show_default=True, help="Of which the fastest counts.")
def main(data_dir, rounds):
    """Print the milliseconds that a sample takes."""
    for name in names("datasets"):
        if ":" in name or load_card(name).labels is None:
            continue
        try:
            dataset = open_dataset(name, data_dir, partial=True)
        except DataError:
            continue  # it is not there
        fastest = min(_seconds(dataset) for _ in range(rounds))
        click.echo(
            f"{name:20} {1000 * fastest / len(dataset):7.2f} ms a sample, best of {rounds}, {len(dataset)} samples"
        )


def _seconds(dataset):
    start = time.perf_counter()
    for _ in dataset:
        pass
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
