"""The command within the process of the tests: what a process of its own adds is tested once, in test_cli."""

import contextlib
import io
from types import SimpleNamespace

from topobench.cli.main import main

__all__ = ["topobench_here"]


def topobench_here(*arguments, cwd="."):
    """Run the command in a folder; return its exit code and what it printed. A traceback fails the test as it is."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.chdir(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
    return SimpleNamespace(returncode=code, stdout=out.getvalue(), stderr=err.getvalue())
