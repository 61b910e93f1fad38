"""Cards, recipes, suites: every shipped file is valid and fits the others; what is wrong is named."""

import pytest

from topobench import cards, registry
from topobench.data.dataset import open_adapter
from topobench.errors import CardError, UnknownNameError


@pytest.mark.parametrize("name", cards.names("datasets"))
def test_every_card_is_valid_and_its_adapter_takes_its_layout(name, tmp_path):
    card = cards.load_card(name)
    adapter = open_adapter(card, tmp_path)
    assert card.count >= card.folds.number
    made = card.adapter == "synthetic"
    assert len(adapter.members) == (card.count if made else 0)
    assert bool(adapter.missing()) == bool(card.access) == bool(card.homepage) == bool(card.citation) == (not made)
    assert card.licence
    assert adapter.faults() == []


def test_the_data_sets_of_the_issue():
    six = {"isbi2012", "isbi2013", "cremi", "massachusetts-roads", "cracktree", "drive"}
    more = {"crackforest", "deepcrack", "crack500", "stare", "chase-db1", "vnc-sstem", "topomortar"}
    assert six | more <= set(cards.names("datasets"))
    for name in six:  # the paper's protocol
        assert cards.load_card(name).folds.number == 3
    for name in ("massachusetts-roads", "drive"):
        assert cards.load_card(f"{name}:official").folds.rule == "parts"


@pytest.mark.parametrize("name", cards.names("suites"))
def test_every_suite_names_what_exists(name):
    suite = cards.load_suite(name)
    assert set(suite.recipes) <= set(cards.names("recipes"))
    assert all(map(cards.shipped_protocol, suite.protocols))
    assert set(suite.nulls) == set(registry.BUILTINS["nulls"])  # all that there are: each is a floor to be above
    for dataset in suite.datasets:
        assert max(suite.folds) < cards.load_card(dataset).folds.number


def test_the_suites_and_recipes_of_the_issue():
    assert {"base-topo", "enhanced-topo", "enhanced-ce", "unet-ce", "unet-topo"} <= set(cards.names("recipes"))
    assert cards.load_suite("quick").recipes == ("base-topo", "enhanced-topo", "enhanced-ce", "unet-topo")


def test_published_figures_of_toponet():
    published = {entry.dataset: entry for entry in cards.load_recipe("unet-topo").published}
    assert published["isbi2012"].figures == {
        "accuracy": 0.9626, "arand_f": 0.9444, "voi": 0.782, "betti_error": 0.429,
    }  # fmt: skip
    assert len(published) == 7


LOADERS = {
    "datasets": cards.load_card,
    "recipes": cards.load_recipe,
    "suites": cards.load_suite,
    "protocols": cards.load_protocol,
}


@pytest.mark.parametrize("kind", LOADERS)
def test_toml_to_model_and_back(kind):
    for name in cards.names(kind):
        found = LOADERS[kind](name)
        assert type(found).model_validate(found.model_dump(by_alias=True)) == found


def text_of(name, kind="recipes"):
    return (cards.folder(kind) / f"{name}.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("learning_rate", "learning_rat", r"unknown key 'learning_rat' \(did you mean 'learning_rate'\?\)"),
        ("learning_rate", "learning_rat", r"key 'learning_rate' is missing"),
        ("batch = 8", "batches = 8", r"unknown key 'budget.batches' \(did you mean 'batch'\?\)"),
        ("steps = 500", 'steps = "many"', r"'budget.steps' is 'many': input should be a valid integer"),
        ("steps = 500", 'steps = "500"', r"'budget.steps' is '500': input should be a valid integer"),
        ("steps = 500", "steps = 500.0", r"'budget.steps' is 500.0: input should be a valid integer"),
        ("steps = 500", "steps = true", r"'budget.steps' is True: input should be a valid integer"),
        ("steps = 500", "steps = 0", r"'budget.steps' is 0: input should be greater than or equal to 1"),
        ("schema = 1", "schema = 2", r"'schema' is 2"),
        ("learning_rate = 0.001", "learning_rate = inf", r"'learning_rate' is inf: input should be a finite number"),
        ('name = "unet-topo"', 'name = "../unet"', r"'name' is '../unet'"),
        ('name = "unet-topo"', 'name = "other"', r"names itself 'other'"),
    ],
)
def test_faults_are_named_with_file_key_and_nearest(tmp_path, before, after, wanted):
    path = tmp_path / "unet-topo.toml"
    path.write_text(text_of("unet-topo").replace(before, after, 1))
    with pytest.raises(CardError, match=wanted) as error:
        cards.load_recipe(str(path))
    assert str(path) in str(error.value)


def test_the_protocols_of_the_design_are_there_and_say_what_they_fix():
    assert set(cards.names("protocols")) == {"cldice64", "dconn65", "hu2019", "pitfalls", "stucki2023", "topomortar"}
    for name in cards.names("protocols"):
        protocol = cards.load_protocol(name)
        assert protocol.measures
        assert "arXiv" in protocol.source
        assert protocol.open


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("patches = 500\n", "", r"sampling 'random' takes a patch_size and a number of patches"),
        ('sampling = "random"', 'sampling = "whole"', r"sampling 'whole' takes no patch_size and no number of patches"),
        (
            '"accuracy", "dice",\n]',
            '"acuracy", "dice",\n]',
            r"metric is named 'acuracy' \(did you mean 'accuracy'",
        ),
        (
            'ranked_by = "betti_error"',
            'ranked_by = "cldice"',
            r"'cldice' ranks, but is not among the columns",
        ),
        (
            '"arand_f", "voi"]\nranked_by',
            '"arand_f", "cldice"]\nranked_by',
            r"'cldice' is among the columns, but not among the figures",
        ),
        ("threshold = 0.5", "threshold = 1.5", r"'threshold' is 1.5"),
        ("dimensions = [1]", "dimensions = [2]", r"'dimensions.0' is 2"),
        ("dimensions = [1]", "dimensions = [1, 1]", r"'dimensions' names something twice"),
        ("frame = true", "frame = 1", r"'frame' is 1: input should be a valid boolean"),
    ],
)
def test_faults_of_a_protocol(tmp_path, before, after, wanted):
    path = tmp_path / "hu2019.toml"
    assert before in text_of("hu2019", "protocols")
    path.write_text(text_of("hu2019", "protocols").replace(before, after, 1))
    with pytest.raises(CardError, match=wanted) as error:
        cards.load_protocol(str(path))
    assert str(path) in str(error.value)


def test_unknown_layout_key_names_the_adapter(tmp_path):
    path = tmp_path / "isbi2012.toml"
    path.write_text(text_of("isbi2012", "datasets").replace("labels =", "label =", 1))
    with pytest.raises(CardError, match=r"adapter 'tiff_stack': .*unknown key 'label' \(did you mean 'labels'\?\)"):
        open_adapter(cards.load_card(str(path)), tmp_path)


@pytest.mark.parametrize(
    ("before", "after", "wanted"),
    [
        ("structure = [0]", "structure = 0", "'labels.structure' is 0: input should be a valid array"),
        ("structure = [0]", "structure = [0, 255]", r"labels: \[255\] stand both in 'structure' and in 'background'"),
        ("background = [255]", "", "labels: the rule 'values' wants 'background'"),
        ("background = [255]", "background = [255]\nabove = 3.0", "labels: the rule 'values' takes no 'above'"),
        (
            'rule = "values"',
            'rule = "value"',
            "'labels.rule' is 'value': input should be 'values', 'threshold' or 'ids'",
        ),
        ("block = 5", 'block = "5"', "'units.block' is '5': input should be a valid integer"),
        ("block = 5", "block = 0", "'units.block' is 0: input should be greater than or equal to 1"),
        ("block = 5", "pattern = '(a)(b)'", "has 2 groups; it must have one"),
        ("block = 5", "pattern = '(a'", "is no regular expression"),
        ("block = 5", "block = 5\npattern = '(a)'", "units take a 'block' or a 'pattern', not both"),
        ("count = 3\n\n", "\n", "folds: the rule 'contiguous' wants 'count'"),
        ("count = 3\n\n", "count = 1\n\n", "'folds.count' is 1: input should be greater than or equal to 2"),
        ('rule = "contiguous"', 'rule = "shuffled"', "folds: the rule 'shuffled' wants 'seed'"),
        ("bytes = 7", "byte = 7", r"unknown key 'files.train-volume.tif.byte' \(did you mean 'bytes'"),
        ('pixel_unit = "nm"', "", "'pixel_size' and 'pixel_unit' go together"),
        ('images = "train-volume.tif"', "", "key 'images' is missing"),
    ],
)
def test_wrong_card_is_named(tmp_path, before, after, wanted):
    path = tmp_path / "isbi2012.toml"
    path.write_text(text_of("isbi2012", "datasets").replace(before, after, 1))
    with pytest.raises(CardError, match=wanted):
        open_adapter(cards.load_card(str(path)), tmp_path)


def test_a_file_that_lies_here_is_named_where_its_name_is_not_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").touch()
    for load in (cards.load_recipe, cards.load_card):
        with pytest.raises(UnknownNameError, match=r"The file mine.toml lies here; name it with its ending\."):
            load("mine")


def test_unknown_name_says_what_there_is():
    with pytest.raises(UnknownNameError, match=r"no data set is named 'isbi2012x' \(did you mean 'isbi2012'\?\)"):
        cards.load_card("isbi2012x")


def test_a_name_never_leaves_its_folder():
    with pytest.raises(UnknownNameError):
        cards.load_recipe("suites/quick")
    for name in ("../datasets/drive", "drive:", "drive:offical", ":official"):
        with pytest.raises(UnknownNameError, match="no data set is named"):
            cards.load_card(name)


def test_identity_ignores_words_and_heeds_settings():
    recipe = cards.load_recipe("unet-topo")
    assert recipe.model_copy(update={"title": "another", "published": ()}).identity() == recipe.identity()
    assert recipe.model_copy(update={"learning_rate": 0.01}).identity() != recipe.identity()
    weight = recipe.loss[1].model_copy(update={"weight": 0.5})
    assert recipe.model_copy(update={"loss": (recipe.loss[0], weight)}).identity() != recipe.identity()
    assert recipe.identity()["loss"][1]["min_persistence"] == 0.03  # options of the loss count too
    card = cards.load_card("cremi")
    assert (
        card.model_copy(update={"title": "another", "folder": "/elsewhere", "files": {}}).identity() == card.identity()
    )
    assert (
        card.model_copy(update={"connectivity": 4}).identity() != card.identity()
    )  # the borders of ids follow from it
    thick = card.labels.model_copy(update={"thickness": 4})
    assert card.model_copy(update={"labels": thick}).identity() != card.identity()
