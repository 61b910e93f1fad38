"""Few and small images, and narrow networks: for tests of what becomes of runs, not of how good they are."""

from topobench.cards import ModelChoice, load_card, load_recipe
from topobench.data.dataset import open_card


def small_images():
    """The synthetic membranes, but as twelve images of 80x80 pixels: in each fold, four are scored."""
    return open_card(load_card("synthetic-membranes").model_copy(update={"shapes": ((80, 80),), "count": 12}))


def narrow(name):
    """A shipped recipe, but with a U-Net of two levels, 4 and 8 channels."""
    return load_recipe(name).model_copy(update={"model": ModelChoice(name="unet", width=4, depth=2)})
