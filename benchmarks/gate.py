"""The performance gate: instructions of the named kernels, base against head, in one job.

Clocks of shared machines are noisy; counts of instructions are not. So the tests of ``tests/perf`` run under
valgrind's callgrind, where pytest-codspeed counts what each passes to its `benchmark` fixture. The requirements:

- The same machine, interpreter and packages, and the same tests (those of head), for both sides: the gate copies them
  to a folder of their own and points PYTHONPATH at the package to be measured.
- Machine code that does not hang on the processor at hand, and that valgrind can run: 3.19 knows no AVX-512. So numba
  compiles for one fixed processor, on a first run outside valgrind, into a cache for each side; then none is compiled.
- An empty measurement is no pass: without valgrind pytest-codspeed counts nothing and is content; the gate is not.

Usage, from the root of a checkout with the extra `perf`: ``python benchmarks/gate.py --base origin/main``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
TARGET = {
    "NUMBA_CPU_NAME": "x86-64-v3" if platform.machine() == "x86_64" else "generic",
    "NUMBA_CPU_FEATURES": "",  # or numba adds those of the processor at hand
}
VALGRIND = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
LIMIT = 2.0  # percent
WALL_ROUNDS = 5
WALL_FLOOR = 1e-3  # seconds; what takes less is not compared by the clock


class GateError(Exception):
    """The gate could not measure, or what it measured is worth nothing."""


@dataclass(frozen=True)
class Side:
    """One of the two versions: its name, the folder that holds its package, and a folder for what is written."""

    name: str
    root: Path
    work: Path

    @property
    def tests(self) -> Path:
        """Where the copy of the tests lies, and where they run."""
        return self.work / "tests"

    @property
    def cache(self) -> Path:
        """Where numba keeps this side's machine code."""
        return self.work / "numba"

    def environment(self, extra: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of this side's processes, free of settings that would change what they measure."""
        foreign = "NUMBA_", "CODSPEED_", "PYTEST_"
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        fixed = {"PYTHONPATH": str(self.root), "NUMBA_CACHE_DIR": str(self.cache), "PYTHONHASHSEED": "0"}
        alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        return kept | fixed | alone | dict(extra)

    def run(self, command: Sequence[str], extra: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a command beside this side's tests."""
        return subprocess.run(command, cwd=self.tests, env=self.environment(extra), capture_output=True, text=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print, and return 0 if all is within the limit, else 1."""
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="gate-") as folder:
            return _gate(options, Path(folder))
    except GateError as error:
        print(f"The gate fails: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Compare instruction counts of the named kernels, base against head.")
    parser.add_argument("--base", required=True, metavar="REV", help="the revision that the working tree is held to")
    parser.add_argument("--limit", type=float, metavar="PERCENT", help="the gate fails beyond; default: `accepted`")
    parser.add_argument("-k", dest="expression", metavar="EXPR", help="only tests that match, as in pytest")
    parser.add_argument("--wall", action="store_true", help="compare by the clock too: for information, fails nothing")
    return parser


def _gate(options: argparse.Namespace, folder: Path) -> int:
    _demand_tools()
    base = _prepare("base", _unpack(options.base, folder / "source"), folder / "base")
    head = _prepare("head", ROOT, folder / "head")
    names, new = _runnable(base, head, options.expression)
    counts = {side.name: count(side, names - set(new) if side is base else names) for side in (base, head)}
    limit = accepted(options.base) if options.limit is None else options.limit
    slower = report(counts["base"], counts["head"], new, limit)
    if options.wall:
        report_wall(_wall_times(base, head, sorted(names - set(new))))
    if slower:
        print(f"The gate fails: more than {limit:g} % above base: {', '.join(slower)}.")
        return 1
    compared = f"{len(names) - len(new)} compared, {len(new)} new"
    print(f"The gate passes: none of the tests is more than {limit:g} % above base ({compared}).")
    return 0


def accepted(base: str) -> float:
    """Return the limit in percent: the greatest that a commit since base accepts in its message, at least LIMIT."""
    form = "--format=%(trailers:key=Accept-slower,valueonly)"
    result = subprocess.run(["git", "-C", str(ROOT), "log", form, f"{base}..HEAD"], capture_output=True, text=True)
    try:
        return max([LIMIT, *map(float, result.stdout.replace("%", " ").split())])
    except ValueError as error:
        raise GateError(
            f"a commit since {base} accepts {str(error).split(': ')[-1]}; write Accept-slower: 5"
        ) from error


def _demand_tools() -> None:
    if shutil.which("valgrind") is None:
        raise GateError("valgrind is not on PATH, so nothing can be counted; install it (apt-get install valgrind).")
    for plugin in ("pytest_benchmark", "pytest_codspeed"):
        if importlib.util.find_spec(plugin) is None:
            raise GateError(f"{sys.executable} has no {plugin}; install the extra: pip install 'topobench[perf]'.")


def _unpack(revision: str, folder: Path) -> Path:
    """Write the files of a revision to a folder; no worktree, which an aborted job would leave in .git."""
    archive = folder.with_suffix(".tar")
    command = ["git", "-C", str(ROOT), "archive", "--output", str(archive), revision]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise GateError(
            f"git finds no files of {revision!r} ({result.stderr.strip()}); fetch it (in CI: fetch-depth: 0), or name "
            "another revision."
        )
    shutil.unpack_archive(archive, folder)
    return folder


def _prepare(name: str, root: Path, work: Path) -> Side:
    """Copy head's tests to a folder of this side, and make sure that there this side's package is imported."""
    side = Side(name, root, work)
    side.tests.mkdir(parents=True)
    (side.tests / "pytest.ini").write_text("[pytest]\n")
    for path in (ROOT / "tests" / "perf").glob("test_*.py"):
        shutil.copy(path, side.tests)
    found = side.run([sys.executable, "-c", "import topobench; print(topobench.__file__)"], {})
    if found.stdout.strip() != str(root / "topobench" / "__init__.py"):
        raise GateError(f"{name} must import topobench from {root}, but: {found.stdout}{found.stderr}")
    return side


def _pytest(plugin: str, *options: str) -> list[str]:
    """Return the command that runs the tests with one plugin; others would only take time to load."""
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", f"{plugin}.plugin", *options]


def _runnable(base: Side, head: Side, expression: str | None) -> tuple[set[str], dict[str, str]]:
    """Run all tests outside valgrind, which compiles; return their names, and those that base cannot run, with why."""
    outcomes, output = _first_run(head, expression)
    if failed := [name for name, why in outcomes.items() if why]:
        raise GateError(f"head does not pass {', '.join(failed)}, so what it does says nothing.\n{output}")
    if not outcomes:
        raise GateError(f"no test of {ROOT / 'tests' / 'perf'} was found or matches; there is nothing to measure.")
    before, output = _first_run(base, expression)
    new = {name: why for name in outcomes if (why := before.get(name, "it was not even collected"))}
    if len(new) == len(outcomes):
        raise GateError(f"base can run none of the tests, so there is nothing to compare with.\n{output}")
    return set(outcomes), new


def _first_run(side: Side, expression: str | None) -> tuple[dict[str, str], str]:
    """Run the tests outside valgrind; return why each did not pass, "" if it did, and what pytest printed."""
    outcomes = side.work / "outcomes.xml"
    options = ["--benchmark-disable", "--continue-on-collection-errors", f"--junitxml={outcomes}"]
    result = side.run(_pytest("pytest_benchmark", *options, *(["-k", expression] if expression else [])), TARGET)
    if result.returncode not in (0, 1, 5):  # all passed, some failed, none collected
        raise GateError(f"pytest ended with {result.returncode} on {side.name}.\n{result.stdout}{result.stderr}")
    return read_outcomes(outcomes), result.stdout


def read_outcomes(path: Path) -> dict[str, str]:
    """Read from pytest's JUnit file why each test did not pass; "" if it did."""
    outcomes = {}
    for case in ElementTree.parse(path).iter("testcase"):
        trouble = [child.get("message") or child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        name = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
        outcomes[name] = trouble[0].splitlines()[0] if trouble else ""
    return outcomes


def count(side: Side, names: Iterable[str]) -> dict[str, int]:
    """Return the instructions of each test of a side, run under callgrind; GateError unless all are counted."""
    out, names = side.work / "callgrind", sorted(names)
    out.mkdir()
    compiled = _machine_code(side)
    valgrind = [*VALGRIND, f"--callgrind-out-file={out}/out.%p", f"--log-file={out}/log.%p"]
    extra = TARGET | {"CODSPEED_ENV": "gate", "CODSPEED_PROFILE_FOLDER": str(out)}
    result = side.run([*valgrind, *_pytest("pytest_codspeed", "--codspeed", *names)], extra)
    output = f"{result.stdout}{result.stderr}"
    if result.returncode:
        raise GateError(f"pytest under valgrind ended with {result.returncode} on {side.name}.\n{output}")
    if _machine_code(side) != compiled:
        raise GateError(
            f"on {side.name} numba compiled under valgrind what the first run should have left in its cache; a test "
            "must call its kernel with the same types each time."
        )
    counts = read_counts(out)
    if missing := [name for name in names if not counts.get(name)]:
        raise GateError(
            f"on {side.name} no instructions were counted for {', '.join(missing)}; each test must pass its work to "
            f"`benchmark`, and {shutil.which('valgrind')} must be valgrind with callgrind.\n{output}"
        )
    return {name: counts[name] for name in names}


def _machine_code(side: Side) -> dict[Path, int]:
    """Return when each file of numba's cache was written."""
    return {path: path.stat().st_mtime_ns for path in side.cache.rglob("*.nb?")}


def read_counts(folder: Path) -> dict[str, int]:
    """Read from callgrind's files the instructions of each test, after which pytest-codspeed has them dumped."""
    counts = {}
    for path in folder.glob("out.*"):
        text = path.read_text(errors="replace")
        test = re.search(r"^desc: Trigger: Client Request: (?:.*/)?([^/\n]+\.py::.+)$", text, re.MULTILINE)
        total = re.search(r"^totals: (\d+)$", text, re.MULTILINE)
        if test and total:
            counts[test[1]] = int(total[1])
    return counts


def report(base: Mapping[str, int], head: Mapping[str, int], new: Mapping[str, str], limit: float) -> list[str]:
    """Print a line for each test, and return the names of those that are slower beyond the limit, in percent."""
    width = max(map(len, head))
    print(f"{'instructions':{width}} {'base':>13} {'head':>13} {'change':>9}")
    slower = [name for name in sorted(head) if name not in new and 100 * (head[name] - base[name]) > limit * base[name]]
    for name, after in sorted(head.items()):
        if name in new:
            print(f"{name:{width}} {'-':>13} {after:13,} {'-':>9}  new, nothing to compare: {new[name]}")
        else:
            change = f"{100 * (after / base[name] - 1):+8.2f}%"
            print(f"{name:{width}} {base[name]:13,} {after:13,} {change}{'  SLOWER' if name in slower else ''}")
    return slower


def _wall_times(base: Side, head: Side, names: Sequence[str]) -> dict[str, list[tuple[float, float]]]:
    """Return seconds of each test on base and head, measured in turn, so that a slow spell of the machine hits both."""
    rounds = [(_clock(base, names), _clock(head, names)) for _ in range(WALL_ROUNDS)]
    return {name: [(before[name], after[name]) for before, after in rounds] for name in names}


def _clock(side: Side, names: Sequence[str]) -> dict[str, float]:
    """Return the median seconds of each test by pytest-benchmark, with code compiled for the processor at hand."""
    times = side.work / "times.json"
    result = side.run(_pytest("pytest_benchmark", f"--benchmark-json={times}", "--benchmark-max-time=0.3", *names), {})
    if result.returncode:
        output = f"{result.stdout}{result.stderr}"
        raise GateError(f"pytest-benchmark ended with {result.returncode} on {side.name}.\n{output}")
    return {test["fullname"]: test["stats"]["median"] for test in json.loads(times.read_text())["benchmarks"]}


def report_wall(times: Mapping[str, Sequence[tuple[float, float]]]) -> None:
    """Print the median change of each test by the clock, unless it takes too little time to say."""
    width = max(map(len, times))
    print(f"\n{'milliseconds (fails nothing)':{width}} {'base':>13} {'head':>13} {'change':>9}")
    for name, pairs in times.items():
        base, head = (median(values) for values in zip(*pairs, strict=True))
        change = f"{100 * (median(after / before for before, after in pairs) - 1):+8.1f}%"
        short = min(base, head) < WALL_FLOOR
        print(f"{name:{width}} {1e3 * base:13.3f} {1e3 * head:13.3f} {'too short to compare' if short else change}")


if __name__ == "__main__":
    sys.exit(main())
