"""The gate catches a kernel made 5 % slower, passes what is unchanged, and takes no empty measurement for a pass.

Here and not in tests/perf, which a plain `pytest` leaves out. Most tests run the script in a repository of a few lines
whose package is called topobench too; a script in the place of valgrind shows what broken measurements lead to.
"""

import os
import shutil
import subprocess
import sys

import pytest

from benchmarks import gate
from tests.conftest import ROOT

KERNEL = "def work():\n    return sum(bytes([1, 2]) * 20000)\n"  # no new integers: what those cost hangs on the heap
TEST = """
def test_{0}(benchmark):
    topobench.{0}()
    assert benchmark(topobench.{0}) == 60000
"""
TESTS = "import topobench\n" + TEST.format("work")
LOOP = "for number in range(len(masks)):"
TWENTIETH_TWICE = """for turn in range(len(masks) + len(masks) // 20):
        number = turn if turn < len(masks) else turn - len(masks)"""


@pytest.fixture
def valgrind():
    """Skip where nothing can be counted, or fail under TOPOBENCH_REQUIRE_VALGRIND=1."""
    if shutil.which("valgrind") is None:
        reason = "no valgrind on PATH, so no instructions can be counted; install it (apt-get install valgrind)"
        if os.environ.get("TOPOBENCH_REQUIRE_VALGRIND") == "1":
            pytest.fail(reason)
        pytest.skip(reason)


def commit(repository):
    """Make a folder a git repository whose HEAD holds all its files."""
    identity = "-c", "user.name=gate", "-c", "user.email=gate@example.org"
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "base"]):
        subprocess.run(["git", "-C", str(repository), *command], check=True)


@pytest.fixture
def tiny(tmp_path):
    """A repository with the gate, one small kernel and its test."""
    repository = tmp_path / "tiny"
    files = {"topobench/__init__.py": KERNEL, "tests/perf/test_work.py": TESTS}
    for name, text in (files | {"benchmarks/gate.py": (ROOT / "benchmarks" / "gate.py").read_text()}).items():
        (repository / name).parent.mkdir(parents=True)
        (repository / name).write_text(text)
    commit(repository)
    return repository


@pytest.fixture
def real(tmp_path):
    """A repository with the gate, our package and our named kernels."""
    repository = tmp_path / "real"
    for name in ("topobench", "tests/perf", "benchmarks"):
        shutil.copytree(ROOT / name, repository / name, ignore=shutil.ignore_patterns("__pycache__"))
    commit(repository)
    return repository


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Return a function that puts a script in the place of valgrind; its program runs where `$run` stands."""

    def put(*lines):
        skip_options = 'for word; do case "$1" in --callgrind-out-file=*) out="${1#*=}";; esac; '
        run = skip_options + 'case "$1" in -*) shift;; *) break;; esac; done'
        (tmp_path / "bin").mkdir()
        script = tmp_path / "bin" / "valgrind"
        script.write_text("\n".join(["#!/bin/sh", run, *lines, ""]))
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")

    return put


def run_gate(repository, *options):
    command = [sys.executable, repository / "benchmarks" / "gate.py", "--base", "HEAD", *options]
    return subprocess.run(command, capture_output=True, text=True)


def refused(result):
    """What the gate says as it fails."""
    assert result.returncode == 1, result.stdout
    assert result.stderr.startswith("The gate fails: "), result.stderr
    return result.stderr


def changes(result):
    """The change in percent of each test that the gate compared."""
    rows = [line.split() for line in result.stdout.splitlines() if ".py::" in line and "%" in line]
    return {row[0].split("::")[1]: float(row[3].rstrip("%")) for row in rows if row[3].endswith("%")}


def test_a_kernel_five_percent_slower_is_caught(valgrind, real):
    source = real / "topobench" / "topology" / "labelling.py"
    before, lay = source.read_text(), "\n        _lay(masks[number], margin, line)"
    assert before.count(LOOP + lay) == 1
    source.write_text(before.replace(LOOP + lay, TWENTIETH_TWICE + lay))
    result = run_gate(real, "-k", "betti_numbers or label_components")
    assert result.returncode == 1, result.stdout + result.stderr
    assert result.stdout.splitlines()[-1].endswith("above base: test_kernels.py::test_betti_numbers.")
    assert changes(result)["test_betti_numbers"] == pytest.approx(5, abs=0.5)
    assert changes(result)["test_label_components"] == pytest.approx(0, abs=0.5)  # it is unchanged


def test_what_is_unchanged_passes_and_what_is_new_is_named(valgrind, tiny):
    package, tests = tiny / "topobench" / "__init__.py", tiny / "tests" / "perf" / "test_work.py"
    package.write_text(KERNEL + "\n\nplay = work\n")
    tests.write_text(TESTS + TEST.format("play"))
    result = run_gate(tiny)
    assert result.returncode == 0, result.stdout + result.stderr
    assert changes(result) == {"test_work": pytest.approx(0, abs=0.5)}
    assert "new, nothing to compare: AttributeError: module 'topobench' has no attribute 'play'" in result.stdout
    assert "(1 compared, 1 new)" in result.stdout


def test_without_valgrind_nothing_passes(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "valgrind is not on PATH" in refused(run_gate(tiny))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (['"$@"'], "on base no instructions were counted for test_work.py::test_work"),
        (
            [
                'echo "desc: Trigger: Client Request: /x/test_work.py::test_work" > "${out%/*}/out.1"',
                'echo "totals: 0" >> "${out%/*}/out.1"',
            ],
            "on base no instructions were counted for test_work.py::test_work",
        ),
        (["echo no such tool; exit 3"], "ended with 3 on base.\nno such tool"),
        (['mkdir -p "$NUMBA_CACHE_DIR"; touch "$NUMBA_CACHE_DIR/new.nbi"'], "on base numba compiled under valgrind"),
    ],
    ids=["nothing counted", "counted zero", "valgrind fails", "compiled under valgrind"],
)
def test_an_empty_measurement_fails(tiny, fake, lines, said):
    fake(*lines)
    assert said in refused(run_gate(tiny))


def test_nothing_to_measure(tiny, fake):
    fake('"$@"')
    assert "there is nothing to measure" in refused(run_gate(tiny, "-k", "nothing"))


def test_a_head_that_fails_its_tests(tiny, fake):
    fake('"$@"')
    (tiny / "topobench" / "__init__.py").write_text(KERNEL.replace("20000", "3"))
    assert "head does not pass test_work.py::test_work" in refused(run_gate(tiny))


def test_a_base_that_can_run_no_test(tiny, fake):
    fake('"$@"')
    (tiny / "topobench" / "__init__.py").write_text(KERNEL.replace("work", "labour"))
    (tiny / "tests" / "perf" / "test_work.py").write_text(TESTS.replace("topobench.work", "topobench.labour"))
    assert "base can run none of the tests" in refused(run_gate(tiny))


def test_an_unknown_revision(tiny, fake):
    fake('"$@"')
    assert "git finds no files of 'v99'" in refused(run_gate(tiny, "--base", "v99"))


def test_a_base_without_the_package_is_not_taken_for_head(tiny, fake):
    fake('"$@"')
    moved = (tiny / "topobench").rename(tiny / "elsewhere")
    commit(tiny)
    moved.rename(tiny / "topobench")
    assert "base must import topobench from" in refused(run_gate(tiny))


def test_counts_are_read_from_totals(tmp_path):
    parts = {
        "out.7": ("Program termination", 0),
        "out.7.1": ("Client Request: Metadata: pytest-codspeed 5.0.4", 0),
        "out.7.2": ("Client Request: /tmp/x/test_kernels.py::test_pairs[65-4]", 1234),
        "out.7.3": ("Client Request: test_kernels.py::test_labels", 5),
    }
    for name, (trigger, total) in parts.items():
        text = f"part: 1\n\ndesc: Trigger: {trigger}\n\nevents: Ir\nsummary: 0\n\ntotals: {total}\n"
        (tmp_path / name).write_text(text)
    assert gate.read_counts(tmp_path) == {"test_kernels.py::test_pairs[65-4]": 1234, "test_kernels.py::test_labels": 5}


def test_slower_is_beyond_the_limit(capsys):
    base = {"same": 1000, "at": 1000, "beyond": 1000, "faster": 1000}
    head = {"same": 1000, "at": 1020, "beyond": 1021, "faster": 500, "fresh": 7}
    assert gate.report(base, head, {"fresh": "no such kernel"}, limit=2) == ["beyond"]
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("SLOWER")] == ["beyond"]
    assert "new, nothing to compare: no such kernel" in lines[-2]


def test_a_commit_may_accept_what_it_costs(tiny, monkeypatch):
    monkeypatch.setattr(gate, "ROOT", tiny)
    assert gate.accepted("HEAD") == 2
    identity = "-c", "user.name=gate", "-c", "user.email=gate@example.org"
    for since, word in enumerate(("7.5", "3 %", "1"), start=1):
        message = f"Right at last\n\nIt costs more.\n\nAccept-slower: {word}\n"
        subprocess.run(["git", "-C", tiny, *identity, "commit", "-q", "--allow-empty", "-m", message], check=True)
        assert gate.accepted(f"HEAD~{since}") == 7.5
    assert gate.accepted("HEAD~2") == 3
    assert gate.accepted("HEAD~1") == 2


def test_the_clock_compares_rounds_and_only_above_a_millisecond(capsys):
    slow_spell = [(0.002, 0.0022), (0.004, 0.0044), (0.002, 0.0022)]
    gate.report_wall({"long": slow_spell, "short": [(0.0009, 0.002)] * 3})
    long, short = capsys.readouterr().out.splitlines()[-2:]
    assert long.endswith("+10.0%")
    assert short.endswith("too short to compare")
