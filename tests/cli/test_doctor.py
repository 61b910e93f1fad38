"""`topobench doctor`: what works, what does not and what to do, never a traceback."""

import json
from importlib.metadata import PackageNotFoundError, version

import numpy as np
import pytest

import topobench
from tests.cli.here import topobench_here
from tests.data.official import write_official
from tests.distribution import write_distribution
from topobench.cards import load_card
from topobench.doctor import Finding, diagnose, folders, installation, machine, requirements
from topobench.doctor.finding import guarded
from topobench.doctor.plugins import each_plugin

POINTS = [
    "topobench", "python", "packages", "extras", "plugins", "settings", "machine", "device", "kernel", "output",
    "data", "weights",
]  # fmt: skip


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No data, no weights, whatever this machine has."""
    for name in ("TOPOBENCH_DATA", "TOPOBENCH_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def test_a_sound_installation_without_data(tmp_path):
    result = topobench_here("doctor", cwd=tmp_path)
    assert result.returncode == 0, result.stdout
    lines = [line for line in result.stdout.splitlines() if line[:1].strip()]
    assert list(dict.fromkeys(line.split()[1] for line in lines[:-1])) == POINTS
    assert lines[-1].startswith("0 faults, ")
    for part in (f"topobench  {topobench.__version__}", f"numpy {version('numpy')}", f"torch {version('torch')}",
                 "right pairs", "auto takes ", "(the user's cache); ready: synthetic-cracks, ",
                 "missing: chase-db1, ", "vgg19-imagenet: absent"):  # fmt: skip
        assert part in result.stdout
    assert not (tmp_path / "topobench-out").exists()  # it looked, and left nothing


def test_faults_are_lines_an_exit_code_and_json(tmp_path):
    (tmp_path / "file").write_text("")
    result = topobench_here("doctor", "-o", tmp_path / "file" / "out", "--data-dir", tmp_path / "none", "--json")
    assert result.returncode == 1
    found = json.loads(result.stdout)
    assert found["works"] is False
    states = {finding["point"]: finding["state"] for finding in found["findings"]}
    assert (states["output"], states["data"], states["kernel"]) == ("fault", "warning", "ok")
    [output] = [finding for finding in found["findings"] if finding["point"] == "output"]
    assert output["found"] == f"{tmp_path / 'file' / 'out'} cannot be written: Not a directory"
    assert "-o" in output["advice"]
    assert all(bool(finding["advice"]) == (finding["state"] != "ok") for finding in found["findings"])


@pytest.mark.parametrize(
    ("error", "said"),
    [(RuntimeError("no luck"), "the check itself fails, RuntimeError: no luck"), (SystemExit(), "SystemExit"),
     (PermissionError(13, "Permission denied", "/x"), "[Errno 13] Permission denied: '/x'")],
)  # fmt: skip
def test_a_check_that_raises_is_a_fault(error, said):
    def check():
        yield Finding("point", "ok", "so far")
        raise error

    first, last = guarded("point", check)
    assert first.state == "ok"
    assert (last.point, last.state) == ("point", "fault")
    assert said in last.found
    assert last.advice


def test_one_check_that_raises_does_not_stop_the_others(monkeypatch, tmp_path):
    monkeypatch.setenv("TOPOBENCH_MAX_IMAGE_MIB", "much")
    found = {finding.point: finding for finding in diagnose(tmp_path, tmp_path)}
    assert list(found) == POINTS
    assert found["settings"].state == "fault"
    assert found["settings"].found.startswith("TOPOBENCH_MAX_IMAGE_MIB is 'much'; it must be a whole number")


def test_plugins_load_or_their_makers_are_named(monkeypatch, tmp_path):
    write_distribution(
        tmp_path, "strange-good", "[topobench.models]\nsteady = strange_good:Model\n",
        strange_good="class Model: pass\nclass Other: pass\n", strange_raises="1 / 0\n",
    )  # fmt: skip
    write_distribution(
        tmp_path, "strange-broken",
        "[topobench.losses]\nraises = strange_raises:X\nlacks = strange_good:nothing\n"
        "[topobench.models]\nunet = strange_good:Model\nCamelCase = strange_good:Model\n"
        "[topobench.model]\nlost = strange_good:Model\n",
        about="Author-email: them@example.org\nProject-URL: Source, https://example.org\n"
        "Project-URL: Issues, https://example.org/issues\n",
    )  # fmt: skip
    write_distribution(tmp_path, "strange-twin", "[topobench.models]\nsteady = strange_good:Other\n")
    write_distribution(
        tmp_path, "strange-recipes", "[topobench.recipes]\nlost = strange_good\nunet-ce = strange_good\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    found = list(each_plugin())
    said = {finding.found: finding for finding in found}
    [raises] = [text for text in said if "'raises' (strange_raises:X, from strange-broken 1.0) does not load" in text]
    assert "ZeroDivisionError" in raises
    assert said[raises].advice == "Tell its makers: https://example.org/issues."
    [twin, _] = [text for text in said if "have one name, so it is not known which is meant" in text] * 2
    assert "(strange_good:Other, from strange-twin 1.0)" in twin
    assert sum(finding.state == "fault" for finding in found) == 5  # of the twins each
    [recipe] = [text for text in said if "'lost' (strange_good, from strange-recipes 1.0) must lie in" in text]
    assert said[recipe].advice == "Tell its makers: strange-recipes names nobody."
    warned = dict(finding.found.split(": ", 1) for finding in found if finding.state == "warning")
    assert warned.pop("lost (model, from strange-broken)").endswith("(did you mean 'topobench.models'?)")
    assert "small letters and digits" in warned.pop("CamelCase (models, from strange-broken)")
    ours = "a built-in of this name comes before it; give it another"
    assert warned == dict.fromkeys(
        ["unet (models, from strange-broken)", "unet-ce (recipes, from strange-recipes)"], ours
    )
    assert (found[-1].state, found[-1].found) == ("ok", "none")


def test_packages_that_are_missing_old_or_broken(monkeypatch):
    def found(name):
        if name == "pooch":
            raise PackageNotFoundError(name)
        return "0.59.1" if name == "numba" else version(name)

    monkeypatch.setattr(installation, "version", found)
    monkeypatch.setitem(installation.IMPORTED_AS, "click", "no_such_module")
    faults = {finding.found: finding.advice for finding in installation.packages() if finding.state == "fault"}
    assert faults.pop("pooch is not installed") == "pip install --force-reinstall 'pooch>=1.8'"
    assert faults.pop("numba 0.59.1 does not fit >=0.60") == "pip install --force-reinstall 'numba>=0.60'"
    [broken] = faults
    assert broken.startswith(f"click {version('click')} cannot be imported, ModuleNotFoundError")


def test_python_and_what_is_installed_beside(monkeypatch):
    monkeypatch.setattr(installation.platform, "python_version", lambda: "3.10.9")
    [finding] = installation.python()
    assert finding.state == "fault"
    assert "wants Python >=3.11" in finding.advice
    monkeypatch.setattr(installation, "version", lambda _: "9.9")
    [finding] = installation.about_topobench()
    assert finding.state == "warning"
    assert "what is installed calls itself 9.9" in finding.found


def test_metadata_and_checkout_want_the_same(monkeypatch, tmp_path):
    """What was installed has no pyproject.toml beside it; its metadata are asked."""
    wanted = [*map(str, requirements.required()), *(f"{each} {extra}" for each, extra in requirements.optional())]
    info = tmp_path / "topobench-9.dist-info"
    info.mkdir()
    texts = [*map(str, requirements.required()), "strange>=1; python_version < '3'"]
    extras = [f"{each}; extra == '{extra}'" for each, extra in requirements.optional()]
    lines = ["Metadata-Version: 2.1", "Name: topobench", "Version: 9", "Requires-Python: >=3.11",
             *(f"Requires-Dist: {text}" for text in texts + extras + ["pytest>=8; extra == 'test'"]),
             *(f"Provides-Extra: {extra}" for extra in ("test", "tensorboard", "dask"))]  # fmt: skip
    (info / "METADATA").write_text("\n".join([*lines, ""]))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(requirements.topobench, "__file__", str(tmp_path / "topobench" / "__init__.py"))
    found = [str(each).partition(";")[0] for each in requirements.required()]
    found += [f"{str(each).partition(';')[0]} {extra}" for each, extra in requirements.optional()]
    assert sorted(found) == sorted(wanted)
    assert str(requirements.wanted_python()) == ">=3.11"


def test_wrong_pairs_and_a_cache_that_cannot_be_kept(monkeypatch):
    [finding] = machine.kernel()
    assert finding.state == "ok"
    monkeypatch.setattr(machine, "write_nothing", lambda folder: folder.joinpath("x", "y").touch())
    [finding] = machine.kernel()
    assert finding.state == "warning"
    assert "NUMBA_CACHE_DIR" in finding.advice
    monkeypatch.setattr(machine, "IMAGE", np.ones((2, 2)))
    [finding] = machine.kernel()
    assert finding.state == "fault"


def test_why_there_is_no_gpu(monkeypatch):
    import torch

    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None, raising=False)
    assert machine._why_not_cuda([]).endswith("is built for the CPU alone")
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(
        torch, "zeros", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("Found no driver. Get it."))
    )
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert machine._why_not_cuda([]) == "torch is built for CUDA 13.0; Found no driver"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert machine._why_not_cuda([]) == "CUDA_VISIBLE_DEVICES hides all GPUs"


def test_data_that_are_there_in_part_or_do_not_fit(monkeypatch, tmp_path):
    for name in ("stare", "drive:official"):
        (tmp_path / load_card(name).family).mkdir()
        write_official(load_card(name), tmp_path / load_card(name).family)
    monkeypatch.setenv("TOPOBENCH_DATA", str(tmp_path))
    *misfits, last = folders.data_sets(None)
    assert {finding.found.split()[0] for finding in misfits} == {"drive", "stare"}
    assert misfits[0].advice == "topobench data status drive"
    assert last.state == "ok"
    assert last.found.startswith(f"{tmp_path} ($TOPOBENCH_DATA); ready: synthetic-cracks, ")


def test_weights_are_known_by_their_sha256(fake_weights, monkeypatch, tmp_path):
    [finding] = folders.weights(None)
    assert (finding.state, str(fake_weights) in finding.found) == ("ok", True)
    (tmp_path / "other.pth").write_bytes(b"x")
    monkeypatch.setenv("TOPOBENCH_WEIGHTS", str(tmp_path / "other.pth"))
    [finding] = guarded("weights", lambda: folders.weights(None))
    assert finding.state == "fault"
    assert "other.pth has 1 bytes and the sha256" in finding.found
