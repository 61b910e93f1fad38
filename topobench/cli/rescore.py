"""`topobench rescore`: finished runs scored by later protocols, from the maps that they kept."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from topobench.cli.options import data_dir, output, partial, plugin
from topobench.cli.own import check_own, opened, own_dataset
from topobench.cli.protocols import chosen_protocols

if TYPE_CHECKING:
    from topobench.cards import Card, Protocol
    from topobench.data import Dataset
    from topobench.run.store import Place
    from topobench.types import RunRecord

__all__ = ["rescore"]

PATIENCE = 65.0  # seconds for another process at a run: one of another machine that died is known by then


@click.command()
@click.argument("records", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--protocol", "protocols", multiple=True,
    help="May be repeated; a name, a variant (hu2019:129-c4), a file *.toml, or all. If not given, those of the record "
    "that have changed since.",
)  # fmt: skip
@click.option(
    "--dataset", "datasets", multiple=True,
    help="A card of your own (*.toml) that runs were scored on; may be repeated. Shipped ones are found by name.",
)  # fmt: skip
@click.option("--images", type=click.Path(path_type=Path), help="The folder of your own images, of runs on such.")
@click.option("--masks", type=click.Path(path_type=Path), help="Their masks.")
@click.option("--connectivity", type=click.Choice(["4", "8"]), help="With --images, as it was run.")
@click.option("--phase", type=click.Choice(["regions", "structure"]), help="With --images, as it was run.")
@click.option(
    "--verify", is_flag=True,
    help="Write nothing: say whether every figure is what the maps give, and exit with 1 where one is not.",
)  # fmt: skip
@plugin
@data_dir
@partial
@output
@click.pass_context
def rescore(
    context: click.Context,
    records: tuple[Path, ...],
    protocols: tuple[str, ...],
    datasets: tuple[str, ...],
    images: Path | None,
    masks: Path | None,
    connectivity: str | None,
    phase: str | None,
    verify: bool,
    data_dir: Path | None,
    partial: bool,
    output: Path,
) -> int:
    """Score finished runs by other protocols, from the maps that they kept: no model, no training.

    RECORDS are files, or folders that hold them; without any, all of the output folder. Maps lie in `predictions`
    beside the folder of the records. Figures are those that the runs themselves would have got; rows by other protocols
    stay. What is scored already by a protocol as it is now is left alone. The leaderboard is made again.

    With --verify the maps are scored by the records' own protocols, and compared with what the records say; --protocol
    gives the files of protocols that are not shipped. Predictions that were scored by topobench score must lie where a
    run would have kept its maps: predictions/NAME of the record NAME.json.
    """
    check_own(images, masks, {"--dataset": datasets, "--data-dir": data_dir, "--partial": partial}, connectivity, phase)
    if records and context.get_parameter_source("output") is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("Give either RECORDS or -o; the leaderboard of RECORDS is made where they lie.")
    chosen = chosen_protocols(protocols)

    from topobench.cli.each import each_of
    from topobench.run.rescore import check_exact

    if not verify:
        check_exact(chosen)
    paths = _files(records or [_records_of(output)])
    own = [own_dataset(images, masks, connectivity, phase)] if images and masks else opened(datasets, data_dir, partial)
    kind = _Verification if verify else _Work
    work = kind(chosen, {dataset.card.name: dataset for dataset in own}, data_dir, partial, len(paths))
    code = each_of(map(str, paths), work)
    if verify:
        return min(code, 1)
    return min(max(code, each_of(dict.fromkeys(str(path.parent) for path in paths), _board)), 1)


def _board(folder: str) -> int:
    """Make the leaderboard of a folder of records, beside it; return 0."""
    from topobench.cli.board import board

    board([Path(folder)], Path(folder).parent)
    return 0


def _records_of(output: Path) -> Path:
    """Return the folder of the records of an output folder; UsageError where it has none."""
    if not (output / "records").is_dir():
        raise click.UsageError(f"{output} holds no folder of records; name with -o a folder that topobench run filled.")
    return output / "records"


def _files(named: Sequence[Path]) -> list[Path]:
    """Return the files of records, each once; UsageError where there are none."""
    found: list[Path] = []
    for path in named:
        if not path.exists():
            raise click.UsageError(f"{path} does not exist; name record files, or a folder that holds them.")
        files = _within(path) if path.is_dir() else [path]
        if not files:
            raise click.UsageError(f"{path} holds no records (*.json); name record files, or a folder that holds them.")
        found += files
    plain = {path.resolve(): path if path.parent.name == "records" else path.resolve() for path in found}
    return list(plain.values())


def _within(folder: Path) -> list[Path]:
    """Return the records in a folder, and in folders ``records`` below it; an output folder holds other JSON, too."""
    here = [] if (folder / "records").is_dir() else folder.glob("*.json")
    return sorted({*here, *folder.rglob("records/*.json")})


@dataclass
class _Work:
    """What is done with each record; `of` is their number, `opened` the data sets that were found by name."""

    protocols: Sequence[Protocol]
    given: dict[str, Dataset]
    data_dir: Path | None
    partial: bool
    of: int
    number: int = 0
    opened: dict[str, Dataset] = field(default_factory=dict)

    def __call__(self, name: str) -> int:
        """Score a record anew where it is to be; return 0."""
        from topobench.scores import read_record

        self.number += 1
        path = Path(name)
        record = read_record(path)
        if reason := _not_for_us(record):
            self._say(record, f"skipped, {reason}")
            return 0
        wanted = self._wanted(path, record)
        if wanted:
            self._say(record, ", ".join(protocol.name for protocol in wanted))
            self._score(path, record, wanted)
        return 0

    def _score(self, path: Path, record: RunRecord, protocols: Sequence[Protocol]) -> None:
        """Write the record with rows by these protocols."""
        from topobench.run.claims import alone
        from topobench.run.rescore import rescore
        from topobench.scores import read_record, write_record

        place = self._place(path, record)
        dataset, last = self._dataset(path, record), time.monotonic() + PATIENCE

        def taken() -> None:
            if time.monotonic() > last:
                raise _error(path, "another process is at this run; rescore it when that has ended.")

        with alone(place, taken):  # whatever became of it meanwhile is read again
            write_record(rescore(read_record(path), place, dataset, protocols), path.parent)

    def _place(self, path: Path, record: RunRecord) -> Place:
        """Return where the files of a record lie; RecordError where it lies elsewhere itself."""
        from topobench.run.store import Store

        place = Store(path.parent.parent).place(asdict(record))
        if place.record != path:
            raise _error(
                path, f"it does not lie where topobench run puts it, {place.record}; its maps are found by that."
            )
        return place

    def _wanted(self, path: Path, record: RunRecord) -> list[Protocol]:
        """Return by which protocols a record is to be scored; where there is none, say so."""
        from topobench import cards
        from topobench.run.rescore import outdated

        as_now = {name: cards.shipped_protocol(name) for name in record.protocols}
        asked = self.protocols or [protocol for protocol in as_now.values() if protocol]
        wanted = outdated(record, self._card(path, record), asked)
        if not self.protocols and (own := [name for name in as_now if not as_now[name]]):
            self._say(record, f"{', '.join(own)} not looked at; give the file by --protocol to score by it")
        if asked and not wanted:
            self._say(record, f"nothing to do, {', '.join(protocol.name for protocol in asked)} up to date")
        return wanted

    def _card(self, path: Path, record: RunRecord) -> Card:
        """Return the card of a record's data set, whose files need not be there."""
        from topobench.cards import load_card
        from topobench.errors import UnknownNameError

        name = str(record.card.get("name"))
        if name in self.given:
            return self.given[name].card
        try:
            return load_card(name)
        except UnknownNameError as error:
            raise _error(
                path,
                f"{error} For data of your own give --dataset FILE.toml, or --images and --masks, as they were run.",
            ) from error

    def _dataset(self, path: Path, record: RunRecord) -> Dataset:
        """Return the data set of a record, opened once for all."""
        from topobench.data import open_dataset
        from topobench.errors import TopobenchError

        name = self._card(path, record).name
        if name not in self.given and name not in self.opened:
            try:
                self.opened[name] = open_dataset(name, self.data_dir, self.partial)
            except TopobenchError as error:
                raise _error(path, str(error)) from error
        return {**self.opened, **self.given}[name]

    def _say(self, record: RunRecord, what: str) -> None:
        click.echo(f"[{self.number}/{self.of}] {_label(record)}: {what}", err=True)


@dataclass
class _Verification(_Work):
    """In place of scoring anew: whether the figures of each record are what its maps give. Nothing is written."""

    def __call__(self, name: str) -> int:
        """Compare the figures of a record; return 1 where one is another."""
        from topobench.run.verify import verify
        from topobench.scores import read_record

        self.number += 1
        path = Path(name)
        record = read_record(path)
        if not record.finished:
            self._say(record, f"skipped, {record.status}")
            return 0
        place, protocols = self._place(path, record), self._scored_by(path, record)
        found = verify(record, place, self._dataset(path, record), protocols)
        for sentence in found.differing:
            click.echo(f"record {path}: {sentence}")
        equal = "all equal, bit for bit" if found.exact else "all equal but for rounding"
        verdict = f"{len(found.differing)} DIFFER" if found.differing else equal
        self._say(record, f"{found.figures} figures by {', '.join(record.protocols)}, {verdict}")
        return int(bool(found.differing))

    def _scored_by(self, path: Path, record: RunRecord) -> list[Protocol]:
        """Return the protocols of a record; RecordError for one whose file is not known."""
        from topobench import cards
        from topobench.errors import UnknownNameError

        given = {protocol.name: protocol for protocol in self.protocols}
        try:
            return [given.get(name) or cards.load_protocol(name) for name in record.protocols]
        except UnknownNameError as error:
            raise _error(path, f"{error} Give the file of your own protocol by --protocol.") from error


def _not_for_us(record: RunRecord) -> str:
    """Return why a record is passed over, or an empty text."""
    if record.kind == "scored":
        return "these are somebody's predictions: topobench score them again"
    return "" if record.finished else record.status


def _label(record: RunRecord) -> str:
    """Return what progress calls a run, as while it was trained."""
    fold = "" if record.fold is None else f", fold {record.fold}"
    seed = "" if record.seed is None else f" seed {record.seed}"
    return f"{record.recipe.get('name')} on {record.card.get('name')}{fold}{seed}"


def _error(path: Path, sentence: str) -> Exception:
    from topobench.errors import RecordError

    return RecordError(f"record {path}: {sentence}")
