"""`topobench list` and `topobench show`: what there is, and what it says of itself."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from topobench.metrics import Figure

__all__ = ["list_names", "show"]

KINDS = (
    "datasets",
    "models",
    "losses",
    "metrics",
    "recipes",
    "suites",
    "protocols",
    "backends",
    "adapters",
    "nulls",
)


MOST_FILES = 5  # known files of a card that are shown


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS))
def list_names(kind: str) -> int:
    """List the names of a KIND. A file that is not valid is named after the others, and makes the exit code 1."""
    import topobench
    from topobench import cards
    from topobench.errors import TopobenchError
    from topobench.metrics import FIGURES

    faults = []
    known = topobench.list_names(kind)
    width = max(22, *map(len, known))
    for name in known:
        about = ""
        if kind in cards.PLACES:
            try:
                about = _file(kind, name).title
            except TopobenchError as error:
                faults.append(error)
                continue
        elif kind == "metrics" and name in FIGURES:
            about = _figure(FIGURES[name])
        click.echo(f"{name:{width}} {about}".rstrip())
    for fault in faults:
        click.echo(f"Error: {fault}", err=True)
    return 1 if faults else 0


@click.command()
@click.argument("name")
def show(name: str) -> None:
    """Show all that bears this NAME: card, recipe, suite, protocol, figure, or the text of a model or loss."""
    import topobench
    from topobench import cards
    from topobench.registry import unknown_name

    known = {kind: topobench.list_names(kind) for kind in KINDS}
    if variant := cards.shipped_protocol(name):
        known["protocols"].append(variant.name)
    found = [kind for kind in KINDS if name in known[kind]]
    if not found and _is_weights(name):
        return
    base = name.partition(":")[0]
    if not found and base in known["protocols"] and base not in known["datasets"]:
        cards.load_protocol(name)  # says which variants there are
    if not found:
        raise unknown_name("anything", name, {other for names in known.values() for other in names})
    for kind in found:
        click.echo(f"# {name}, one of the {kind}{_changed(kind, name) if ':' in name else ''}")
        if kind in cards.PLACES:
            click.echo(_without_most_files(cards.text_of(kind, name)))
            _file(kind, name)  # a file that is not valid is shown, and then said to be so
        else:
            click.echo(_about(kind, name))


def _changed(kind: str, name: str) -> str:
    """Return how a variant differs from the file that is shown, in words."""
    from topobench import cards

    if kind == "protocols":
        return f": {cards.load_protocol(name).title}, in place of what its file says"
    return f": the card, with the keys of [variants.{name.partition(':')[2]}]"


def _is_weights(name: str) -> bool:
    """Print what is known of a file of weights, if the name is of one."""
    from topobench.data.fetch import WEIGHTS

    if name not in WEIGHTS:
        return False
    click.echo(f"# {name}, weights: topobench data fetch {name}")
    for key, value in vars(WEIGHTS[name]).items():
        click.echo(f"{key} = {value!r}")
    return True


def _without_most_files(text: str) -> str:
    """Return a card's text with the first of many known files alone, which fill its end, one a line."""
    head, table, files = text.partition("[files]\n")
    lines = files.splitlines()
    if len(lines) <= MOST_FILES:
        return text
    return head + table + "\n".join([*lines[:MOST_FILES], f"# ... and {len(lines) - MOST_FILES} more files"])


def _file(kind: str, name: str) -> Any:
    from topobench import cards

    loaders: dict[str, Any] = {
        "datasets": cards.load_card,
        "recipes": cards.load_recipe,
        "suites": cards.load_suite,
        "protocols": cards.load_protocol,
    }
    return loaders[kind](name)


def _figure(figure: Figure) -> str:
    """Return what a figure is, in a line: which way is better, meaning, unit, source."""
    unit = f" [{figure.unit}]" if figure.unit else ""
    source = f" ({figure.source})" if figure.source else ""
    return f"{figure.better} is better: {figure.meaning}{unit}{source}"


def _about(kind: str, name: str) -> str:
    from topobench.metrics import FIGURES
    from topobench.metrics.contract import said_of
    from topobench.registry import load

    if kind == "metrics" and name in FIGURES:
        return _figure(FIGURES[name])
    found = load(kind, name)
    said = said_of(name, found) if kind == "metrics" else None
    text = f"{getattr(found, '__name__', name)}{inspect.signature(found)}\n\n{inspect.getdoc(found) or ''}"
    return f"{_figure(said)}\n\n{text}" if said else text
