"""Published figures: each stands in the recipe it belongs to, with its source; and every loss has its common U-Net.

The tables are transcribed from the papers, once more than the recipes: see the source that each entry names. That their
figures and data sets are known ones is a rule of the suite (tests/run/test_conformance.py).
"""

import re

import pytest

from topobench import cards, list_names

HU = "Hu et al. 2019, arXiv:1906.05404v1"
DATTA = "D. Datta, fellowship report, July 2024"
TOPOMORTAR = "Valverde et al. 2025, arXiv:2503.03365"

# Hu et al. 2019, tables 1 and 2: accuracy, adapted Rand, VOI, Betti error.
METHODS = {"dive-ce": "DIVE", "unet-ce": "U-Net", "unet-mosinska": "Mosinska", "unet-topo": "TopoNet"}
TABLES = """
isbi2012             .9640 .9434 1.235 3.187  .9678 .9338 1.367 2.785  .9532 .9312 0.983 1.238  .9626 .9444 0.782 0.429
isbi2013             .9642 .6923 2.790 3.875  .9631 .7031 2.583 3.463  .9578 .7483 1.534 2.952  .9569 .8064 1.436 1.253
cremi                .9498 .6532 2.513 4.378  .9468 .6723 2.346 3.016  .9467 .7853 1.623 1.973  .9456 .8083 1.462 1.113
drive                .9549 .8407 1.936 3.276  .9452 .8343 1.975 3.643  .9543 .8870 1.167 2.784  .9521 .9024 1.083 1.076
cracktree            .9854 .8634 1.570 1.576  .9821 .8749 1.625 1.785  .9833 .8897 1.113 1.045  .9826 .9291 0.997 0.672
massachusetts-roads  .9734 .8201 2.368 3.598  .9786 .8189 2.249 3.439  .9754 .8456 1.457 2.781  .9728 .8671 1.234 1.275
"""

# Datta 2024, ten epochs: ends of ranges. The Betti error 0.0 of the last row was not computed, and is no figure.
VARIANTS = {
    "base-topo": ("base + topo", {"accuracy": (0.766, 0.792), "betti_error": (1.62, 1.86), "voi": (0.488, 0.528)}),
    "vgg19-topo": (
        "VGG-19 + topo", {"accuracy": (0.7705, 0.8065), "betti_error": (1.67, 1.80), "voi": (0.470, 0.515)}
    ),
    "enhanced-topo": ("enhanced + topo", {"accuracy": (0.7575, 0.7935), "betti_error": (1.61, 1.83)}),
    "enhanced-ce": ("enhanced without topo", {"accuracy": (0.766, 0.800)}),
}  # fmt: skip

# TopoMortar, ideal case, whole images: errors of b0 and b1.
RERUNS = {
    "CE + Dice": ("unet-ce-dice", 3.31, 2.13),
    "TopoLoss": ("unet-topo", 3.14, 2.73),
    "clDice": ("unet-cldice", 1.17, 1.41),
    "Skeleton Recall": ("unet-skeleton-recall", 3.08, 1.73),
    "Warping": ("unet-warping", 4.20, 3.62),
    "cbDice": ("unet-cbdice", 4.24, 3.81),
}


def transcribed():
    """(recipe, source, row, data set) -> figures, of all tables."""
    found = {}
    for line in TABLES.split("\n")[1:-1]:
        dataset, *numbers = line.split()
        for place, (recipe, row) in enumerate(METHODS.items()):
            four = map(float, numbers[4 * place : 4 * place + 4])
            figures = dict(zip(("accuracy", "arand_f", "voi", "betti_error"), four, strict=True))
            found[recipe, HU, row, dataset] = figures
    for recipe, (row, figures) in VARIANTS.items():
        found[recipe, DATTA, row, "not stated"] = figures
    for row, (recipe, b0, b1) in RERUNS.items():
        found[recipe, TOPOMORTAR, row, "topomortar"] = {"betti0_error_whole": b0, "betti1_error_whole": b1}
    return found


RECIPES = {name: cards.load_recipe(name) for name in cards.names("recipes")}
ENTRIES = [(name, entry) for name, recipe in RECIPES.items() for entry in recipe.published]


def test_every_figure_stands_where_it_belongs_and_no_other_anywhere():
    shipped = {(name, entry.source, entry.row, entry.dataset): dict(entry.figures) for name, entry in ENTRIES}
    assert len(shipped) == len(ENTRIES)
    assert shipped == transcribed()
    assert sum(map(len, shipped.values())) == 6 * 4 * 4 + 3 + 3 + 2 + 1 + 6 * 2


@pytest.mark.parametrize(("name", "entry"), ENTRIES)
def test_an_entry_says_where_it_is_from_and_what_it_is(name, entry):
    assert (entry.dataset == "not stated") == (entry.source == DATTA)
    assert entry.note.find("Not comparable: ") >= 0
    if entry.row == "enhanced without topo":
        assert "Its Betti error of 0.0 means: not computed." in entry.note


def common_unet(recipe):
    """Whether a recipe trains the common U-Net, with the budget of cross entropy alone."""
    plain = RECIPES["unet-ce"]
    return recipe.model == plain.model and (recipe.budget, recipe.learning_rate) == (plain.budget, plain.learning_rate)


@pytest.mark.parametrize("loss", list_names("losses"))
def test_every_loss_has_a_recipe_on_the_common_unet(loss):
    assert RECIPES["unet-ce"].model.options == {"width": 16, "depth": 4}
    found = [name for name, recipe in RECIPES.items() if loss in {term.name for term in recipe.loss}]
    assert [name for name in found if common_unet(RECIPES[name])]
    assert set(found) & set(cards.load_suite("losses").recipes)


def test_the_suite_of_losses_has_every_recipe_of_the_common_unet():
    suite = cards.load_suite("losses")
    assert {*suite.recipes} == {name for name, recipe in RECIPES.items() if common_unet(recipe)}
    assert suite.budget == RECIPES["unet-ce"].budget
    assert (suite.folds, suite.seeds) == ((0, 1, 2), (0, 1, 2))


def test_the_suite_of_the_four_variants():
    suite = cards.load_suite("four")
    assert {*suite.recipes} == VARIANTS.keys()
    assert (suite.datasets, suite.folds, suite.seeds) == (("isbi2012",), (0, 1, 2), (0, 1, 2))
    terms = [RECIPES[name].loss[1:] for name in suite.recipes if name.endswith("-topo")]
    assert terms[0]
    assert terms.count(terms[0]) == 3
    assert {RECIPES[name].budget for name in suite.recipes} == {suite.budget}


@pytest.mark.parametrize(
    "name", ["base-topo", "enhanced-topo", "enhanced-ce", "vgg19-topo", "dive-ce", "unet-mosinska"]
)
def test_a_recipe_whose_model_is_not_the_published_one_says_so(name):
    assert re.search(r"\bhere it|\bours\b", RECIPES[name].description)
