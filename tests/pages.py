"""Pages of commands: run as a reader would, top to bottom, in a folder and a virtual environment of their own."""

import doctest
import os
import re
import subprocess
import sys
import sysconfig

from tests.conftest import ROOT

__all__ = ["Reader"]

# A block of commands with what it prints, or a file: ```python my_net.py
BLOCK = re.compile(
    r"^```(?P<kind>sh|python|toml)(?: (?P<file>\S+))?\n(?P<text>.*?)^```\n(?:\n```text\n(?P<said>.*?)^```)?",
    re.DOTALL | re.MULTILINE,
)
SCRIPTS = {  # what a virtual environment has on its path; pip takes what is there and asks no network
    "topobench": 'exec "$bin/python" -m topobench "$@"',
    "pytest": 'exec "$bin/python" -m pytest -p no:cacheprovider "$@"',
    "pip": '[ "$1" = install ] && shift && set -- install --quiet --no-deps --no-build-isolation "$@"\n'
    'exec "$bin/python" -m pip --disable-pip-version-check "$@"',
}


class Reader:
    """Somebody who has topobench and types what a page says.

    Attributes
    ----------
    folder : where he types
    printed : list of (command block, what it printed)
    """

    def __init__(self, folder):
        self.folder, self.printed = folder / "here", []
        self.folder.mkdir()
        venv = folder / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        [site] = venv.glob("lib/python*/site-packages")
        (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n{ROOT}\n")
        for name, script in SCRIPTS.items():
            (venv / "bin" / name).write_text(f'#!/bin/sh\nbin="$(dirname "$0")"\n{script}\n')
            (venv / "bin" / name).chmod(0o755)
        without = {"VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "TOPOBENCH_DATA", "TOPOBENCH_PLUGINS"}
        self.environment = {key: value for key, value in os.environ.items() if key not in without}
        self.environment |= {"PATH": f"{venv / 'bin'}:{os.environ['PATH']}", "COLUMNS": "120"}

    def follow(self, page):
        """Do all that a page says, and compare what it prints; ``...`` on a page stands for anything."""
        for block in BLOCK.finditer(page.read_text(encoding="utf-8")):
            if block["file"]:
                path = self.folder / block["file"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block["text"], encoding="utf-8")
            elif block["kind"] == "sh":
                self.type(block["text"], block["said"])

    def type(self, commands, said=None):
        """Type commands, which must succeed, and compare what they print."""
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands], capture_output=True, text=True, cwd=self.folder,
            env=self.environment,
        )  # fmt: skip
        assert result.returncode == 0, f"{commands}\n{result.stdout}\n{result.stderr}"
        printed = "".join(f"{line.rstrip()}\n" for line in result.stdout.splitlines())
        self.printed.append((commands, printed))
        if said is not None:
            flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
            assert doctest.OutputChecker().check_output(said, printed, flags), f"{commands}\n{printed}\nwanted:\n{said}"
