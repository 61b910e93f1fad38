"""`topobench run --jobs`: the processes begin whichever way the command was started, and say what they do in lines."""

import subprocess
import sys

from tests.conftest import write_suite

CONSOLE_SCRIPT = """
import sys
from topobench.cli.main import main
if __name__ == "__main__":
    sys.exit(main())
"""  # as pip writes it: each process imports it anew, under another name


def test_several_at_a_time_by_module_and_by_script(tmp_path):
    suite, script = write_suite(tmp_path, recipes=["unet-ce"]), tmp_path / "topobench"
    script.write_text(CONSOLE_SCRIPT)
    said = []
    for start in (["-m", "topobench"], [script]):
        command = [sys.executable, *start, "run", "--suite", suite, "--jobs", "2", "--tensorboard"]
        result = subprocess.run([*command, "-o", tmp_path / f"out{len(said)}"], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        assert "\x1b" not in result.stdout + result.stderr
        said.append(result)
    for result in said:
        assert "2 at a time" in result.stderr
        lines = [line for line in result.stderr.splitlines() if line.startswith("[")]
        assert sorted(line[:5] for line in lines if line.endswith("starts")) == ["[1/2]", "[2/2]"]
        assert sum(": finished in " in line for line in lines) == 2
    first, second = (result.stdout.splitlines()[:-1] for result in said)
    assert first == second
    assert len(list((tmp_path / "out1" / "tensorboard").glob("unet-ce*/events*"))) == 1
