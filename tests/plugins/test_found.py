"""Which plugins there are: on the path and in files, from whom, and what is damaged keeps nobody from the rest."""

import os
import sys

import pytest

import topobench
from tests.distribution import recipe_text, write_distribution
from topobench import cards, registry
from topobench.errors import ArgumentError, CardError, UnknownNameError
from topobench.plugins import all_plugins, broken, find, found, plugins_of, read_plugins
from topobench.plugins.single import module_of

ADDRESSES = "Home-page: https://home\nProject-URL: Source, https://source\nProject-URL: Issues, https://source/issues\n"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No plugins but those of the test."""
    monkeypatch.delenv("TOPOBENCH_PLUGINS", raising=False)


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A function that writes a file of plugins and names it in the environment."""

    def write(text, name="mine.py"):
        path = tmp_path / name
        path.write_text(text)
        monkeypatch.setenv("TOPOBENCH_PLUGINS", str(path))
        return path

    return write


def test_an_entry_point_is_known_with_its_owner_and_nothing_is_imported(tmp_path, monkeypatch):
    points = "[console_scripts]\nx = y:z\n[topobench.losses]\ntheirs = their_code:Loss\n"
    write_distribution(tmp_path, "their-losses", points, "2.1", ADDRESSES, their_code="1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    [found] = [plugin for plugin in plugins_of("losses") if plugin.name == "theirs"]
    assert (found.value, found.origin, found.makers) == ("their_code:Loss", "their-losses 2.1", "https://source/issues")
    assert str(found) == "the plugin 'theirs' (their_code:Loss, from their-losses 2.1)"
    assert registry.origin_of("losses", "theirs") == "their-losses 2.1"
    assert registry.origin_of("losses", "dice") == f"topobench {topobench.__version__}"
    assert "theirs" in topobench.list_names("losses")
    assert "their_code" not in sys.modules


def test_of_one_distribution_twice_on_the_path_the_first_counts(tmp_path, monkeypatch):
    for folder, version in (("old", "1.0"), ("new", "2.0")):
        write_distribution(tmp_path / folder, "twice", "[topobench.models]\ntwice = twice:Net\n", version)
        monkeypatch.syspath_prepend(tmp_path / folder)
    assert find("models", "twice").version == "2.0"


def test_of_two_versions_in_one_folder_one_counts(tmp_path, monkeypatch):
    """As an upgrade leaves them that was broken off."""
    for version in ("1.0", "2.0"):
        points = f"[topobench.models]\nboth = twice:Net\nof-{version} = twice:Net\n"
        write_distribution(tmp_path, "torn", points, version)
    monkeypatch.syspath_prepend(tmp_path)
    found = {plugin.name: plugin.version for plugin in plugins_of("models") if plugin.owner == "torn"}
    assert found in ({"both": "1.0", "of-1.0": "1.0"}, {"both": "2.0", "of-2.0": "2.0"})


def test_entry_points_may_name_extras_and_have_spaces(tmp_path, monkeypatch):
    write_distribution(tmp_path, "extra", "[topobench.models]\nextra = extra_code : Net.deep [gpu, more]\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find("models", "extra").value == "extra_code:Net.deep"


def test_a_distribution_without_a_name_is_said_by_where_it_lies(tmp_path, monkeypatch):
    write_distribution(tmp_path, "nameless", "[topobench.models]\nnameless = extra_code:Net\n")
    (tmp_path / "nameless-1.0.dist-info" / "METADATA").unlink()
    monkeypatch.syspath_prepend(tmp_path)
    [sentence] = broken()
    assert f"of a distribution without a name in {tmp_path} cannot be read" in sentence
    assert ".." not in sentence


def test_two_distributions_with_one_name_are_an_error_for_who_asks_for_it(tmp_path, monkeypatch):
    for name in ("one", "other"):
        write_distribution(tmp_path, name, f"[topobench.models]\nsame = {name}_code:Net\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "same" in topobench.list_names("models")
    with pytest.raises(
        ArgumentError, match=r"from (one|other) 1\.0\) have one name, so it is not known which is meant"
    ):
        topobench.load_model("same")
    assert topobench.load_model("unet")


def test_damaged_entry_points_keep_nobody_from_theirs(tmp_path, monkeypatch):
    write_distribution(tmp_path, "damaged", "[topobench.models]\nthis is no entry point\n")
    write_distribution(tmp_path, "sound", "[topobench.models]\nsound = sound_code:Net\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert find("models", "sound")
    [sentence] = broken()
    assert sentence.startswith("the entry points of damaged cannot be read: ")
    with pytest.raises(UnknownNameError, match="And the entry points of damaged cannot be read"):
        topobench.load_model("this")


def test_the_table_of_a_file_is_read_and_not_run(file):
    path = file('PLUGINS = {"models": {"my-net": "MyNet"}, "losses": {"my-loss": "make.loss"}}\n1 / 0\n')
    assert [(plugin.kind, plugin.name, plugin.value, plugin.origin) for plugin in all_plugins() if plugin.file] == [
        ("models", "my-net", "MyNet", str(path)), ("losses", "my-loss", "make.loss", str(path)),
    ]  # fmt: skip
    assert {"my-net"} < set(topobench.list_names("models"))
    assert module_of(path) not in sys.modules


def test_a_file_that_has_changed_is_read_anew(file):
    file('PLUGINS = {"models": {"first": "Net"}}')
    assert find("models", "first")
    path = file('PLUGINS: dict = {"models": {"second": "Net"}}')
    os.utime(path, (1, 1))  # whatever the clock of the file system tells apart
    assert find("models", "first") is None
    assert find("models", "second")


def test_one_file_that_is_named_in_two_ways_is_one(file, tmp_path, monkeypatch):
    path = file('PLUGINS = {"models": {"my-net": "MyNet"}}')
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    ways = (path, tmp_path / "folder" / ".." / path.name, tmp_path / "link" / path.name)
    monkeypatch.setenv("TOPOBENCH_PLUGINS", os.pathsep.join(map(str, ways)))
    assert find("models", "my-net").file == path.resolve()


def test_a_home_of_nobody_is_a_file_that_is_not_there(monkeypatch):
    monkeypatch.setenv("TOPOBENCH_PLUGINS", "~nobody-of-this-name/mine.py")
    [sentence] = broken()
    assert "~nobody-of-this-name/mine.py cannot be read: No such file" in sentence


def test_a_file_comes_before_what_is_installed(tmp_path, monkeypatch, file):
    write_distribution(tmp_path, "theirs", "[topobench.models]\nmy-net = theirs:Net\n")
    monkeypatch.syspath_prepend(tmp_path)
    file('PLUGINS = {"models": {"my-net": "MyNet"}}')
    assert find("models", "my-net").value == "MyNet"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", r"has no PLUGINS at its top level; wanted is a table"),
        ("def f():\n    PLUGINS = {}\n", "has no PLUGINS at its top level"),
        ("PLUGINS = dict(models={})\n", "is read and not run, and is not what it must be"),
        ("PLUGINS = {'models': {'a': Net}}\n", "is read and not run"),
        ("PLUGINS = {'models': ['a']}\n", "is not what it must be; wanted is a table of texts"),
        ("PLUGINS = {'models': {'a': ''}}\n", "is not what it must be"),
        ("PLUGINS = {'model': {'a': 'A'}}\n", "has the kind 'model'; there are models, losses, adapters"),
        ("x = (\n", r"is not Python, line 1: '\(' was never closed"),
        ("x\0\n", "is not Python"),
    ],
)
def test_what_is_wrong_with_a_file(tmp_path, text, said):
    (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ArgumentError, match=said):
        read_plugins(tmp_path / "mine.py")


def test_a_file_that_cannot_be_read_leaves_the_rest(monkeypatch, tmp_path):
    monkeypatch.setenv("TOPOBENCH_PLUGINS", str(tmp_path / "gone.py"))
    assert topobench.list_names("models") == sorted(registry.BUILTINS["models"])
    with pytest.raises(UnknownNameError, match=r"And the file of plugins .*gone\.py cannot be read: No such file"):
        topobench.load_model("my-net")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A distribution with a recipe, a card that has a variant, and two of which it lacks the files."""
    write_distribution(
        tmp_path, "with-files",
        "[topobench.recipes]\ntheir-recipe = with_files.some\nlost = with_files\nlost-package = no_such_package\n"
        "unet-ce = with_files\n[topobench.cards]\ntheir-cells = with_files\n", "1.5",
    )  # fmt: skip
    folder = tmp_path / "with_files" / "some"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("1 / 0\n")  # never run
    (folder / "their-recipe.toml").write_text(recipe_text("their-recipe"))
    shipped = cards.text_of("datasets", "synthetic-membranes").replace('"synthetic-membranes"', '"their-cells"')
    (folder.parent / "their-cells.toml").write_text(f'{shipped}\n[variants.few]\ntitle = "a few"\n')
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("package")
def test_recipes_and_cards_of_a_distribution():
    assert {"their-recipe", "lost", "lost-package"} < set(topobench.list_names("recipes"))
    assert {"their-cells", "their-cells:few"} < set(topobench.list_names("datasets"))
    assert cards.load_recipe("their-recipe").version == 3
    assert "their-recipe" in cards.text_of("recipes", "their-recipe")
    assert cards.load_card("their-cells:few").title == "a few"
    assert topobench.load_dataset("their-cells")["image-00"].image.ndim == 3
    assert (
        cards.origin_of("recipes", "their-recipe") == cards.origin_of("datasets", "their-cells:few") == "with-files 1.5"
    )
    assert cards.plugin_of("recipes", "unet-ce") is None  # ours comes first
    assert cards.load_recipe("unet-ce").version == 1
    assert "their-recipe" not in cards.shipped("recipes")
    with pytest.raises(UnknownNameError, match="no data set is named 'their-cells:many'"):
        cards.load_card("their-cells:many")


@pytest.mark.usefixtures("package")
def test_files_that_a_distribution_lacks_are_its_own_fault():
    with pytest.raises(
        CardError, match=r"'lost' \(with_files, from with-files 1\.5\) must lie in .*lost\.toml, and does"
    ):
        cards.load_recipe("lost")
    with pytest.raises(
        CardError, match=r"must lie in the package 'no_such_package', and there is none. Mend or uninst"
    ):
        cards.load_recipe("lost-package")
    assert cards.load_recipe("unet-topo")


def test_recipes_beside_a_file(file, tmp_path):
    (tmp_path / "their-recipe.toml").write_text(recipe_text("their-recipe"))
    file('PLUGINS = {"recipes": {"their-recipe": "their-recipe.toml", "other": "their-recipe.toml"}}')
    assert cards.load_recipe("their-recipe").title == "their-recipe"
    with pytest.raises(CardError, match=r"must lie in .*other\.toml, and does not"):
        cards.load_recipe("other")


def test_variants_of_a_card_of_another_name_are_none(file, tmp_path):
    shipped = cards.text_of("datasets", "synthetic-membranes")
    (tmp_path / "file.toml").write_text(f'{shipped}\n[variants.few]\ntitle = "a few"\n')
    file('PLUGINS = {"cards": {"their-cells": "file.toml"}}')
    assert [name for name in cards.names("datasets") if "few" in name or "their" in name] == ["their-cells"]


def test_metadata_as_the_back_port_reads_them(tmp_path):
    """Whoever imports importlib_metadata, as Dask does, has its reader serve all; that raises for what is not there."""
    backport = pytest.importorskip("importlib_metadata")
    write_distribution(tmp_path, "their-losses", "[topobench.losses]\ntheirs = their_code:Loss\n", "2.1")
    [installed] = backport.distributions(path=[str(tmp_path)])
    assert found._makers(installed) == ""
