"""One direction of imports, and a light start."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import ROOT

ORDER = [
    ("errors", "types"),
    ("files", "timelimit", "plugins", "registry", "conformance", "seeds", "environment"),
    ("cards",), ("topology",), ("patches",), ("metrics",), ("scores",), ("drawing",), ("data",), ("models",),
    ("losses",), ("run", "bench"), ("leaderboard", "doctor", "scaffold"), ("cli",),
]  # fmt: skip
FLOOR = {name: floor for floor, names in enumerate(ORDER) for name in names}
NOT_FOR_LEADERBOARD = {"data", "models", "losses", "run"}
NO_TORCH = {name for floor in ORDER[:9] for name in floor} | {"bench", "leaderboard", "scaffold", "cli"}
FILES = sorted(path for path in (ROOT / "topobench").rglob("*.py") if path.name not in ("__main__.py",))


def imported(path):
    """The modules that a file imports, at its top or inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    layer = path.relative_to(ROOT / "topobench").parts[0].removesuffix(".py")
    if layer == "__init__":
        return  # the public calls, which import inside
    for module in imported(path):
        top, *below = module.split(".")
        if layer in NO_TORCH:
            assert top != "torch", f"{path} imports torch"
        if top == "topobench" and below and below[0] in FLOOR:
            assert FLOOR[below[0]] <= FLOOR[layer], f"{layer} imports {module}, which lies above it"
            assert not (layer == "leaderboard" and below[0] in NOT_FOR_LEADERBOARD), f"leaderboard imports {module}"


def test_every_layer_has_its_place():
    found = {path.relative_to(ROOT / "topobench").parts[0].removesuffix(".py") for path in FILES} - {"__init__"}
    assert found == set(FLOOR)


@pytest.mark.parametrize("code", ["import topobench", "import topobench.cli.main as m; m.main(['--help'])"])
def test_start_is_light(code):
    heavy = "torch", "numba", "pandas", "scipy", "gudhi", "matplotlib"
    script = f"import sys\ntry:\n {code}\nexcept SystemExit: pass\nprint([m for m in {heavy!r} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"
