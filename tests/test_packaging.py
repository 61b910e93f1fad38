"""The distribution: cards and recipes are found from a wheel, an sdist, an editable install and a bare checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from topobench.cards import names

ASK = (
    "import topobench, topobench.cards as c; print(c.folder('datasets')); "
    "print(c.load_card('isbi2012').title); print(c.names('suites'))"
)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A copy of the checkout, to build from and to edit."""
    copy = tmp_path_factory.mktemp("checkout") / "topobench"
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.fixture
def python(tmp_path):
    """A fresh virtual environment that sees our dependencies, yet not our own install."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv"], check=True)
    [site] = (tmp_path / "venv").glob("lib/python*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return tmp_path / "venv" / "bin" / "python"


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
def test_installed_distribution_carries_its_cards(checkout, python, tmp_path, kind):
    call(sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "-o", tmp_path / "dist", checkout)
    [archive] = (tmp_path / "dist").iterdir()
    install(python, archive)
    folder, title, suites = call(python, "-c", ASK, cwd=tmp_path).splitlines()
    assert Path(folder).is_relative_to(python.parents[1])
    assert (title, suites) == ("ISBI 2012 EM membranes", str(names("suites")))
    assert edited_title(python, Path(folder) / "isbi2012.toml", tmp_path) == "edited"
    command = python.parent / "topobench"
    assert "unet-topo" in call(command, "list", "recipes", cwd=tmp_path)


def test_wheel_holds_what_it_should_and_no_more(checkout, tmp_path):
    call(sys.executable, "-m", "build", "--no-isolation", "--wheel", "-o", tmp_path, checkout)
    [wheel] = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "py.typed",
        "datasets/isbi2012.toml",
        "baselines/suites/quick.toml",
        "leaderboard/templates/index.html.j2",
    ):
        assert f"topobench/{wanted}" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"topobench"}
    assert not any(name.endswith("__init__.py") and "/datasets/" in name for name in names)


def test_bare_checkout_works_uninstalled(checkout, python, tmp_path):
    folder = call(python, "-c", f"import sys; sys.path.insert(0, {str(checkout)!r}); {ASK}", cwd=tmp_path).splitlines()[
        0
    ]
    assert Path(folder) == checkout / "datasets"
