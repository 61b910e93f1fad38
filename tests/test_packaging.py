"""The distribution: cards and recipes are found from a wheel, an sdist, an editable install and a bare checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

import topobench
from tests.conftest import ROOT
from topobench.cards import names

ASK = (
    "import topobench, topobench.cards as c; print(c.folder('datasets')); "
    "print(c.load_card('isbi2012').title); print(c.names('suites'))"
)
STRAYS = (
    "topobench/__pycache__/cli.cpython-311.pyc", "topobench/topology/__pycache__/kernels.persistence-1.py311.nbc",
    "topobench-out/records/mine.json", ".venv/bin/python", "build/lib/topobench/__init__.py", "artefacts/page.png",
    "results/records/theirs.json", "data/isbi2012/train-volume.tif", ".asv/results/benchmarks.json",
)  # fmt: skip


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout, to build from and to edit."""
    copy = tmp_path_factory.mktemp("checkout") / "topobench"
    for name in tracked():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, copy / name)
    for stray in STRAYS:  # what lies about in a checkout that is worked in
        (copy / stray).parent.mkdir(parents=True, exist_ok=True)
        (copy / stray).write_text("stray")
    return copy


@pytest.fixture(scope="module")
def built(checkout, tmp_path_factory):
    """The sdist, the wheel that is made of it, and that of the checkout."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--no-isolation", "-o", folder / "both", checkout)
    call(sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", folder / "wheel", checkout)
    [sdist], [of_sdist], [wheel] = (
        (folder / "both").glob("*.tar.gz"), (folder / "both").glob("*.whl"), (folder / "wheel").glob("*.whl"),
    )  # fmt: skip
    return {"sdist": sdist, "wheel of the sdist": of_sdist, "wheel": wheel}


@pytest.fixture
def python(tmp_path):
    """A fresh virtual environment that sees our dependencies, yet not our own install."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    [site] = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return tmp_path / "venv" / "bin" / "python"


def tracked():
    """The files of the checkout that git knows or would take."""
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def call(*command, **options):
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, **options)
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


def install(python, *what):
    flags = ["--quiet", "--no-deps", "--no-build-isolation", "--ignore-installed"]
    call(python, "-m", "pip", "install", *flags, *what)


def edited_title(python, card, tmp_path):
    """What the installed package says after the card was edited."""
    card.write_text(card.read_text().replace('title = "ISBI 2012 EM membranes"', 'title = "edited"'))
    try:
        return call(python, "-c", ASK, cwd=tmp_path).splitlines()[1]
    finally:
        card.write_text(card.read_text().replace('title = "edited"', 'title = "ISBI 2012 EM membranes"'))


def test_editable_install_reads_the_checkout(checkout, python, tmp_path):
    install(python, "-e", checkout)
    folder, title, suites = call(python, "-c", ASK, cwd=tmp_path).splitlines()
    assert Path(folder) == checkout / "datasets"
    assert (title, suites) == ("ISBI 2012 EM membranes", str(names("suites")))
    assert edited_title(python, checkout / "datasets" / "isbi2012.toml", tmp_path) == "edited"


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_installed_distribution_carries_its_cards_and_runs(built, python, tmp_path, kind):
    install(python, built[kind])
    folder, title, suites = call(python, "-c", ASK, cwd=tmp_path).splitlines()
    assert Path(folder).is_relative_to(python.parents[1])
    assert (title, suites) == ("ISBI 2012 EM membranes", str(names("suites")))
    assert edited_title(python, Path(folder) / "isbi2012.toml", tmp_path) == "edited"
    command = python.parent / "topobench"
    assert call(command, "--version", cwd=tmp_path).split()[-1] == topobench.__version__
    assert "unet-topo" in call(command, "list", "recipes", cwd=tmp_path)


def test_the_doctor_finds_what_was_installed_sound(built, python, tmp_path):
    """By its metadata, for no pyproject.toml lies beside it. Compiling takes longest, and has its own tests."""
    install(python, built["wheel"])
    said = call("env", "NUMBA_DISABLE_JIT=1", python.parent / "topobench", "doctor", cwd=tmp_path)
    [about] = [line for line in said.splitlines() if line.startswith("ok       topobench ")]
    [site] = python.parents[1].glob("lib/python*/site-packages")
    assert about.endswith(f"{topobench.__version__}, in {site / 'topobench'}")
    assert "\nok       packages   " in said
    assert "right pairs, not compiled" in said


def test_sdist_holds_what_it_should_and_no_more(built):
    with tarfile.open(built["sdist"]) as archive:
        found = {name.partition("/")[2] for name in archive.getnames()}
    for wanted in (
        "pyproject.toml", "constraints.txt", "README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE",
        "PKG-INFO", ".ci/run", "datasets/isbi2012.toml", "baselines/suites/quick.toml", "protocols/hu2019.toml",
        "topobench/py.typed", "topobench/leaderboard/templates/index.html.j2", "docs/metrics.md",
        "docs/images/quick.png", "tests/golden/hu2019-v1/record.json", "benchmarks/gate.py", "asv.conf.json",
    ):  # fmt: skip
        assert wanted in found
    assert not found & set(STRAYS)
    assert not [name for name in found if "__pycache__" in name or name.startswith("results")]
    shipped = {name for name in tracked() if name.split("/")[0] in {each.split("/")[0] for each in found}}
    assert shipped <= found  # of what it holds a part of, it holds all
    assert built["sdist"].stat().st_size < 20e6  # bytes; no data set is as small


def test_a_wheel_is_the_same_from_the_sdist(built):
    def content(path):
        with zipfile.ZipFile(path) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}

    assert built["wheel of the sdist"].name == built["wheel"].name
    assert content(built["wheel of the sdist"]) == content(built["wheel"])


def test_wheel_holds_what_it_should_and_no_more(built):
    found = zipfile.ZipFile(built["wheel"]).namelist()
    for wanted in (
        "py.typed",
        "datasets/isbi2012.toml",
        "baselines/suites/quick.toml",
        "protocols/hu2019.toml",
        "leaderboard/templates/index.html.j2",
    ):
        assert f"topobench/{wanted}" in found
    assert {name.split("/")[0].split("-")[0] for name in found} == {"topobench"}
    assert not any(name.endswith("__init__.py") and "/datasets/" in name for name in found)
    assert not set(found) & set(STRAYS)


def test_bare_checkout_works_uninstalled(checkout, python, tmp_path):
    folder = call(python, "-c", f"import sys; sys.path.insert(0, {str(checkout)!r}); {ASK}", cwd=tmp_path).splitlines()[
        0
    ]
    assert Path(folder) == checkout / "datasets"
