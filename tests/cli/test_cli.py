"""The command: what it prints, its exit codes, and that it never shows a traceback."""

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import topobench
from tests.cli.here import topobench_here
from tests.conftest import ROOT, write_suite
from topobench.cli import main


def topobench_command(*arguments, **options):
    """Run the command as its users do; return the finished process with its texts."""
    result = subprocess.run(
        [sys.executable, "-m", "topobench", *map(str, arguments)], capture_output=True, text=True, **options
    )
    assert "Traceback" not in result.stderr
    return result


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A tiny suite that has been run: its file, its output folder, the finished process."""
    folder = tmp_path_factory.mktemp("finished")
    suite, out = write_suite(folder), folder / "out"
    result = topobench_command("run", "--suite", suite, "-o", out)
    assert result.returncode == 0, result.stderr
    return suite, out, result


def test_help_and_version():
    result = topobench_command("--help")
    assert result.returncode == 0
    for command in ("run", "rescore", "score", "draw", "explain", "leaderboard", "list", "show", "data", "bench",
                    "doctor"):  # fmt: skip
        assert f"\n  {command} " in result.stdout
    assert topobench.__version__ in topobench_here("--version").stdout


KINDS = ["datasets", "models", "losses", "metrics", "recipes", "suites", "protocols", "backends", "nulls"]


@pytest.mark.parametrize("kind", KINDS)
def test_list_names_all_of_a_kind(kind):
    result = topobench_here("list", kind)
    assert result.returncode == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == topobench.list_names(kind)


@pytest.mark.parametrize(
    ("name", "part"),
    [("isbi2012", "Arganda-Carreras"), ("unet-topo", "min_persistence"), ("quick", "base-topo"),
     ("crackforest:all-strands", "more files"),
     ("hu2019", "patches = 500"), ("voi_filled", "low is better"), ("topological", "Hu, Li, Samaras"),
     ("gudhi", "rank"), ("null-largest", "largest connected component of what the threshold"),
     ("topomortar:64-c4", "topomortar with patch_size = 64, connectivity = 4, in place of")],
)  # fmt: skip
def test_show(name, part):
    result = topobench_here("show", name)
    assert result.returncode == 0
    assert part in result.stdout


def test_show_has_all_that_bears_one_name():
    shown = topobench_here("show", "mosinska").stdout
    model, loss = (shown.index(f"# mosinska, one of the {kind}\n") for kind in ("models", "losses"))
    assert "MosinskaNet(" in shown[model:loss]
    assert "MosinskaLoss(" in shown[loss:]


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["run", "--suite", "quik"], 2, "no suite is named 'quik' (did you mean 'quick'?). Known: cpu, "),
        (["run", "--recipe", "unet-top"], 2, "did you mean 'unet-topo'?"),
        (["run", "--dataset", "isbi"], 2, "no data set is named 'isbi'"),
        (["run", "--folds", "one"], 2, "'one' is not a list of indices; write for example 0 or 0,2."),
        (["run", "--folds", "7"], 2, "fold 7 does not exist"),
        (["run", "--device", "tpu"], 2, "it must be auto, cuda, mps or cpu"),
        (["run", "--suite", "none.toml"], 1, "none.toml cannot be read"),
        (["run", "--dataset", "isbi2012", "--data-dir", "nowhere"], 1, "lacks train-volume.tif, train-labels.tif in"),
        (["run", "-o", "/dev/null/x"], 1, "Error: /dev/null/x"),
        (["score", "--predictions", ".", "--truth", ".", "--name", "../m"], 2, "--name is '../m'"),
        (["score", "--predictions", ".", "--truth", ".", "--phase", "structure"], 2, "fixes the phase to regions"),
        (["leaderboard", "nowhere"], 1, "nowhere does not exist"),
        (["leaderboard"], 2, "Missing argument"),
        (["show", "unet-tpo"], 2, "did you mean 'unet-topo'?"),
        (["show", "hu2019:x"], 2, "protocol 'hu2019' has no variant 'x'. It has a patch size"),
        (["show", "topomortar:nosy"], 2, "did you mean 'topomortar:noisy'?"),
        (["score", "--predictions", ".", "--truth", ".", "--protocol", "hu2019:65"], 2, "its patch_size is 65 anyway"),
        (
            ["score", "--predictions", ".", "--truth", ".", "--protocol", "hu2019:c4", "--connectivity", "8"],
            2,
            "Protocol hu2019:c4 fixes the connectivity to 4",
        ),
        (["list", "modells"], 2, "models"),
        (["score", "--predictions", "."], 2, "Give either --truth DIR or --dataset NAME."),
        (["score", "--predictions", ".", "--truth", "nowhere"], 1, "nowhere is not a folder"),
        (["rum"], 2, "No such command 'rum'"),
    ],
)
def test_wrong_arguments_get_a_sentence(tmp_path, arguments, code, part):
    result = topobench_here(*arguments, cwd=tmp_path)
    assert result.returncode == code
    assert part in result.stderr
    assert not (tmp_path / "topobench-out").exists()


@pytest.mark.parametrize(("arguments", "code"), [(["leaderboard", "nowhere"], 1), (["show", "unet-tpo"], 2)])
def test_a_process_ends_with_its_code_and_a_sentence_alone(tmp_path, arguments, code):
    result = topobench_command(*arguments, cwd=tmp_path)
    assert (result.returncode, result.stdout) == (code, "")
    assert topobench_here(*arguments, cwd=tmp_path).stderr == result.stderr


def test_debug_shows_the_traceback():
    result = subprocess.run(
        [sys.executable, "-m", "topobench", "--debug", "show", "nothing"], capture_output=True, text=True, check=False
    )
    assert "Traceback" in result.stderr


def test_data_status(tmp_path):
    result = topobench_here("data", "status", "--data-dir", tmp_path)
    assert result.returncode == 0
    assert re.search(r"^synthetic-membranes +24 +24 +ready *$", result.stdout, re.MULTILINE)
    assert re.search(r"^isbi2012 +0 +30 +missing +by hand *$", result.stdout, re.MULTILINE)


def test_run_leaves_records_and_a_leaderboard(finished):
    suite, out, result = finished
    assert "\x1b" not in result.stdout + result.stderr  # no terminal: no control codes
    assert re.search(r"^ ?1 +\S+", result.stdout, re.MULTILINE)  # ranks are there, within 80 columns
    assert re.search(r"^ ?[12] +null-threshold \(null\)( +\d+\.\d{3}){6} *$", result.stdout, re.MULTILINE)
    assert max(map(len, result.stdout.splitlines()[:-1])) <= 80
    assert "unet-topo on synthetic-membranes, fold 0 seed 0: finished in" in result.stderr
    assert {path.name for path in out.iterdir()} == {
        "records", "checkpoints", "predictions", "progress", "plan.json", "leaderboard.md", "index.html",
        "leaderboard.csv", "comparisons.csv", "leaderboard.tex",
    }  # fmt: skip
    again = topobench_here("run", "--suite", suite, "-o", out)
    assert again.returncode == 0
    assert "finished before, found as" in again.stderr
    assert again.stdout == result.stdout


def test_leaderboard_is_made_again_from_records(finished, tmp_path):
    _, out, _ = finished
    remade = topobench_here("leaderboard", out / "records", "-o", tmp_path / "board")
    assert remade.returncode == 0
    assert (tmp_path / "board" / "leaderboard.md").read_text() == (out / "leaderboard.md").read_text()


def test_failed_run_gives_exit_code_1_and_the_leaderboard_of_the_rest(tmp_path, suite_file):
    recipe = tmp_path / "broken.toml"
    text = (ROOT / "baselines" / "unet-ce.toml").read_text().replace("learning_rate = 0.001", "learning_rate = 1e30")
    recipe.write_text(text.replace('name = "unet-ce"', 'name = "broken"'))
    result = topobench_here("run", "--suite", suite_file(), "--recipe", recipe, "-o", tmp_path / "out")
    assert result.returncode == 1
    assert "Failed, not ranked: broken, fold 0, seed 0: NaN or infinite" in result.stdout
    assert "null-threshold" in (tmp_path / "out" / "leaderboard.md").read_text()


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("width = 16", "wide = 16", "recipe 'mine': model 'unet' has no option 'wide' (did you mean 'width'?)"),
        ('name = "unet"', 'name = "unett"', "recipe 'mine': no model is named 'unett' (did you mean 'unet'?)"),
        (
            "patches = 2",
            "patch = 2",
            "recipe 'mine': loss 'topological' has no option 'patch' (did you mean 'patches'?)",
        ),
        ('name = "topological"', 'name = "topologial"', "no loss is named 'topologial' (did you mean 'topological'?)"),
        ("weight = 1.0", "weight = 1.0\nstrat = 0.2", "recipe 'mine': loss 'cross-entropy' has no option 'strat'"),
        (
            "weight = 0.05",
            "wieght = 0.05",
            "key 'loss.1.weight' is missing (is 'wieght', which is there, meant for it?)",
        ),
        ("connectivity = 8", "connectivity = 6", "recipe 'mine': connectivity is 6; it must be 8"),
        (
            'name = "cross-entropy"',
            'name = "topograph"',
            "recipe 'mine': the loss terms are topograph from 0 on, topological from 0.5 on; at least one, such as",
        ),
    ],
)
def test_what_is_wrong_in_a_recipe_is_said_before_anything_is_trained(tmp_path, suite_file, before, after, sentence):
    text = (ROOT / "baselines" / "unet-topo.toml").read_text()
    assert before in text
    (tmp_path / "mine.toml").write_text(text.replace('name = "unet-topo"', 'name = "mine"').replace(before, after, 1))
    for more in ([], ["--dry-run"]):
        result = topobench_here(
            "run", "--suite", suite_file(), "--recipe", tmp_path / "mine.toml", "-o", tmp_path / "out", *more
        )
        assert result.returncode in (1, 2)
        assert sentence in result.stderr
        assert "at least 1 item" not in result.stderr  # a list without its faulty items is no second fault
    assert not (tmp_path / "out").exists()


def test_a_dry_run_prints_the_matrix_and_writes_nothing(tmp_path, suite_file):
    result = topobench_here("run", "--suite", suite_file(), "--seeds", "0,1", "-o", tmp_path / "out", "--dry-run")
    assert result.returncode == 0
    assert "Each is trained for 3 steps of 2 crops of 72x72." in result.stderr
    assert "3 runs on cpu" in result.stderr
    lines = [line.rstrip() for line in result.stdout.splitlines()]
    for label in ("null-threshold on synthetic-membranes, fold 0", "unet-topo on synthetic-membranes, fold 0 seed 1"):
        assert any(re.fullmatch(rf"{label} +missing", line) for line in lines)
    assert "0 finished, 0 running, 0 stopped, 0 failed, 3 missing." in lines
    assert "Time left: not known; no run like unet-topo" in result.stdout
    assert not (tmp_path / "out").exists()


def test_status_and_dry_run_of_what_is_finished(finished):
    suite, out, _ = finished
    status = topobench_here("status", "-o", out)
    assert status.returncode == 0
    assert "Suite tiny, 2 runs, in" in status.stdout
    assert "2 finished, 0 running, 0 stopped, 0 failed, 0 missing." in status.stdout
    assert "Time left" not in status.stdout
    more = topobench_here("run", "--suite", suite, "--seeds", "0,1", "-o", out, "--dry-run")
    assert "2 finished, 0 running, 0 stopped, 0 failed, 1 missing." in more.stdout
    assert re.search(r"Time left: about \d+ s\.", more.stdout)
    nothing = topobench_here("status", "-o", out / "none")
    assert nothing.returncode == 1
    assert "holds no runs; `topobench run -o" in nothing.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_keeps_what_was_done_and_the_next_start_goes_on(tmp_path, suite_file, number, code):
    suite, out = suite_file(), tmp_path / "out"
    suite.write_text(suite.read_text().replace("steps = 3", "steps = 12"))
    command = [sys.executable, "-m", "topobench", "run", "--suite", str(suite), "-o", str(out)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not any('"training"' in path.read_text() for path in out.glob("progress/unet-topo*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait() == code
    assert "The same command goes on from there." in rest
    assert "Traceback" not in rest
    [saved] = out.glob("checkpoints/*/step-*.pt")
    assert 0 < int(saved.name.split("-")[1]) < 12
    again = topobench_here("run", "--suite", suite, "-o", out)
    assert again.returncode == 0
    [record] = [json.loads(path.read_text()) for path in out.glob("records/unet-topo*.json")]
    assert record["cost"]["resumed_at_step"] == int(saved.name.split("-")[1])


def test_wrong_protocol_of_a_suite_is_found_before_any_training(tmp_path, suite_file):
    result = topobench_here("run", "--suite", suite_file(protocols=["hu2018"]), "-o", tmp_path / "out")
    assert result.returncode == 2
    assert "no protocol is named 'hu2018' (did you mean 'hu2019'?)" in result.stderr
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_show_arrows(finished, tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = topobench_command("leaderboard", finished[1] / "records", "-o", tmp_path, env=environment)
    assert result.returncode == 0
    assert result.stdout.isascii()


def test_head_ends_quietly():
    command = f"{sys.executable} -m topobench show unet-topo | head -n 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert result.stdout == "# unet-topo, one of the recipes\n"
    assert result.stderr == ""


@pytest.fixture
def folders(tmp_path):
    """A truth of three images, and predictions of which one has a gap."""
    for name in ("truth", "mine"):
        (tmp_path / name).mkdir()
        for image in "abc":
            mask = np.zeros((65, 65), np.uint8)
            mask[32] = 255
            if name == "mine" and image == "b":
                mask[32, 10] = 0
            Image.fromarray(mask).save(tmp_path / name / f"{image}.png")
    return tmp_path


def test_score_against_a_folder(folders):
    result = topobench_here(
        "score", "--predictions", folders / "mine", "--truth", folders / "truth", "-o", folders / "o"
    )
    assert result.returncode == 0, result.stderr
    [path] = (folders / "o" / "records").iterdir()
    record = json.loads(path.read_text())
    assert [row["figures"]["betti_error"] for row in record["rows"]] == [0, 1, 0]
    assert record["recipe"]["name"] == "mine"
    assert "0.333" in result.stdout  # (0 + 1 + 0) / 3


def test_scored_predictions_stand_beside_trained_runs(finished, tmp_path):
    dataset = topobench.load_dataset("synthetic-membranes")
    mine, out = tmp_path / "perfect", tmp_path / "out"
    mine.mkdir()
    for image_id in dataset.fold(0)[1]:
        np.save(mine / f"{image_id}.npy", dataset[image_id].truth)
    shutil.copytree(finished[1] / "records", out / "records")
    arguments = ["score", "--predictions", mine, "--dataset", "synthetic-membranes", "--fold", 0, "--name", "oracle"]
    result = topobench_here(*arguments, "-o", out)
    assert result.returncode == 0, result.stderr
    text = (out / "leaderboard.md").read_text()
    assert text.count("\n### ") == 1  # one table
    assert "| 1† | oracle (scored) | a | 0.000 [0.000, 0.000] | 1.000 [1.000, 1.000] |" in text
    assert "unet-topo" in text


def test_a_ctrl_c_that_was_lost_in_a_callback_comes_again(monkeypatch):
    """As numba's compiler loses one that comes while LLVM hands it what was compiled: the command went on."""
    called_from_c = ctypes.CFUNCTYPE(None)(lambda: signal.raise_signal(signal.SIGINT))

    def command(**_):
        called_from_c()  # where what is raised is printed as ignored
        end = time.monotonic() + 20
        while time.monotonic() < end:
            pass

    monkeypatch.setattr(main.cli, "main", command)
    before = sys.unraisablehook
    with pytest.raises(SystemExit) as ended:
        main.main([])
    assert ended.value.code == 130
    assert sys.unraisablehook is before
