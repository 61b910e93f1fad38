"""`topobench list` and `topobench show`: what there is, and what it says of itself."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from topobench.cli.options import plugin

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
@click.argument("kind", type=click.Choice(KINDS), required=False)
@click.option("--origin", is_flag=True, help="Also show from which distribution and version, or file, each name comes.")
@plugin
def list_names(kind: str | None, origin: bool) -> int:
    """List the names of a KIND; of all kinds without one.

    A file that is not valid is named after the others, and makes the exit code 1. No plugin is loaded for it; what of
    plugins cannot be read is named after the others, too, and changes no exit code.
    """
    from topobench.plugins import broken

    faults: list[str] = []
    warnings = list(broken())
    for number, each in enumerate(KINDS if kind is None else [kind]):
        if kind is None:
            click.echo(("\n" if number else "") + f"# {each}")
        _print_names(each, origin, faults, warnings)
    for words, sentences in (("Warning", warnings), ("Error", faults)):
        for sentence in sentences:
            click.echo(f"{words}: {sentence}", err=True)
    return 1 if faults else 0


def _print_names(kind: str, origin: bool, faults: list[str], warnings: list[str]) -> None:
    """Print the names of a kind; what is wrong with ours is added to the faults, with those of plugins to warnings."""
    import topobench
    from topobench.errors import TopobenchError
    from topobench.registry import OURS

    known = topobench.list_names(kind)
    width = max(22, *map(len, known))
    for name in known:
        whose, about = _origin(kind, name), ""
        try:
            about = _title(kind, name)
        except TopobenchError as error:
            (faults if whose == OURS else warnings).append(str(error))
            if whose == OURS:
                continue
        click.echo(f"{name:{width}} {f'{whose:22} ' if origin else ''}{about}".rstrip())


def _title(kind: str, name: str) -> str:
    """Return what a list says of a name; nothing where that would load somebody's code."""
    from topobench import cards
    from topobench.metrics import FIGURES

    if kind in cards.PLACES:
        return str(_file(kind, name).title)
    return _figure(FIGURES[name]) if kind == "metrics" and name in FIGURES else ""


def _origin(kind: str, name: str) -> str:
    """Return from where a name comes; where several offer it, all of them."""
    from topobench import cards, registry
    from topobench.errors import ArgumentError
    from topobench.plugins import plugins_of

    try:
        return cards.origin_of(kind, name) if kind in cards.PLACES else registry.origin_of(kind, name)
    except ArgumentError:
        of_them = plugins_of("cards" if kind == "datasets" else kind)
        return " and ".join(each.origin for each in of_them if each.name == name.partition(":")[0])


@click.command()
@click.argument("name")
@plugin
def show(name: str) -> None:
    """Show all that bears this NAME: card, recipe, suite, protocol, figure, or the text of a model or loss."""
    import topobench
    from topobench import cards
    from topobench.registry import OURS, unknown_name

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
        whose = "" if _origin(kind, name) == OURS else f", from {_origin(kind, name)}"
        click.echo(f"# {name}, one of the {kind}{whose}{_changed(kind, name) if ':' in name else ''}")
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


def _signature(found: Any) -> str:
    """Return what an object takes; nothing of one that cannot be called, or does not say."""
    try:
        return str(inspect.signature(found))
    except (TypeError, ValueError):
        return ""


def _about(kind: str, name: str) -> str:
    from topobench.metrics import FIGURES
    from topobench.metrics.contract import said_of
    from topobench.registry import load

    if kind == "metrics" and name in FIGURES:
        return _figure(FIGURES[name])
    found = load(kind, name)
    said = said_of(name, found) if kind == "metrics" else None
    said_itself = isinstance(found.__doc__, str) and found.__doc__.strip()
    doc = inspect.cleandoc(found.__doc__) if said_itself else "It says nothing of itself."
    text = f"{getattr(found, '__name__', name)}{_signature(found)}\n\n{doc}"
    return f"{_figure(said)}\n\n{text}" if said else text
