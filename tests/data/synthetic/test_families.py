"""Every family: the counted Betti numbers are those of the pixels, options are checked, all follows from the key."""

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.oracles import betti_by_labelling
from topobench import load_dataset
from topobench.cards import load_card
from topobench.data.dataset import open_adapter
from topobench.data.synthetic import FAMILIES, Family, Look, Made, make, render
from topobench.data.synthetic.adapter import _kept
from topobench.errors import CardError
from topobench.metrics import score
from topobench.seeds import generator

LOOK = {"contrast": 0.4, "blur": 1.0, "noise": 0.1, "gaps": 0.3}


def card_of(name, **layout):
    """The shipped card of a family, with other options; None takes one away."""
    card = load_card(f"synthetic-{name}")
    options = {key: value for key, value in {**card.layout, **layout}.items() if value is not None}
    return card.model_copy(update={"layout": options})


def assert_numbers_hold(made):
    for connectivity in (4, 8):
        assert betti_by_labelling(made.truth, connectivity, False) == made.betti
        assert betti_by_labelling(made.truth, connectivity, True) == made.framed
    assert made.holds()


def names(adapter):
    return [member.image_id for member in adapter.members]


@pytest.fixture(scope="module", params=FAMILIES)
def shipped(request, tmp_path_factory):
    """A family's name and all truths of its card."""
    adapter = open_adapter(card_of(request.param), tmp_path_factory.mktemp("data"))
    return request.param, [adapter.make(image_id) for image_id in names(adapter)]


def test_counted_numbers_are_those_of_the_pixels(shipped):
    family, truths = shipped
    assert len(truths) == 24
    assert len({made.truth.tobytes() for made in truths}) == 24
    for made in truths:
        assert_numbers_hold(made)
        assert 0.01 < made.truth.mean() < 0.4, family


def test_topology_is_what_the_family_promises(shipped):
    family, truths = shipped
    components, loops = (set(numbers) for numbers in zip(*(made.betti for made in truths), strict=True))
    if family == "membranes":
        assert all(made.framed[0] == 1 and made.framed[1] > 20 for made in truths)
    elif family == "roads":
        assert min(loops) >= 5
        assert all(made.framed[1] > made.betti[1] + 5 for made in truths)  # blocks that the border cuts
    elif family == "vessels":
        assert components == {1, 2, 3}
        assert loops == {0}
        assert all(made.framed[1] > 3 for made in truths)  # vessels leave the image
    else:
        assert components == {1, 2, 3}
        assert loops == {0, 1, 2, 3}


@pytest.mark.parametrize(("family", "wanted"), [("roads", 0.8), ("vessels", 0.9), ("cracks", 0.75)])
def test_most_first_attempts_hold(family, wanted):
    """Few truths are thrown away, so that what is kept is no odd selection."""
    card = card_of(family)
    options = FAMILIES[family](**{key: value for key, value in card.layout.items() if key != "family"})
    attempts = [options.draw(card.shapes[0], generator("rate", index)) for index in range(60)]
    assert np.mean([made is not None and made.holds() for made in attempts]) >= wanted


class Mistaken(Family):
    """Counts one component too many until its fourth attempt; `drawn` keeps what it draws."""

    look: ClassVar = None
    remedy: ClassVar = "count again"
    drawn: ClassVar = []

    def draw(self, shape, random):
        self.drawn.append(random.random())
        return Made(np.ones(shape, dtype=bool), (1 if len(self.drawn) > 3 else 2, 0), (1, 0))


def test_attempts_differ_and_stop_at_the_first_that_holds():
    Mistaken.drawn.clear()
    assert make(Mistaken(seed=0, **LOOK), (5, 7), "key").betti == (1, 0)
    assert len(set(Mistaken.drawn)) == len(Mistaken.drawn) == 4


@pytest.mark.parametrize(("framed", "connectivity"), [(False, 8), (False, 4), (True, 8), (True, 4)])
def test_made_that_does_not_hold_is_found_out(framed, connectivity):
    """Two squares that touch at a corner: one component for 8, two for 4."""
    truth = np.zeros((6, 6), dtype=bool)
    truth[2, 2] = truth[3, 3] = True
    betti, ring = (betti_by_labelling(truth, connectivity, frame) for frame in (False, True))
    assert not Made(truth, betti, ring).holds()
    truth[2, 3] = True
    assert Made(truth, (1, 0), (2, 1)).holds()
    assert not Made(truth, (1, 0 if framed else 1), (2, 2 if framed else 1)).holds()


NETWORKS = {
    "roads": {"missing": st.floats(0, 1), "houses": st.just(0.0)},
    "vessels": {"trees": st.sampled_from([(0, 0), (1, 1), (0, 3)]), "twigs": st.floats(0, 1), "shade": st.just(0.0)},
    "cracks": {
        "components": st.sampled_from([(1, 1), (1, 3)]), "loops": st.sampled_from([(0, 0), (0, 2)]),
        "twigs": st.floats(0, 1), "grain": st.just(0.0),
    },
}  # fmt: skip


@pytest.mark.parametrize("family", NETWORKS)
@settings(max_examples=40)
@given(data=st.data())
def test_counted_numbers_hold_for_any_options(family, data):
    """Also in images that are tiny or oblong, where lines are as wide as blocks, and where most is left out."""
    shape = data.draw(st.tuples(st.integers(1, 90), st.integers(1, 90)))
    spacing = data.draw(st.floats(8, 45))
    low = data.draw(st.floats(1.5, max(1.5, spacing / 5)))
    high = data.draw(st.floats(low, max(low, spacing / 3)))
    own = {key: data.draw(values) for key, values in NETWORKS[family].items()}
    options = FAMILIES[family](seed=0, spacing=spacing, width=(low, high), **own, **LOOK)
    roomy = min(shape) > 3 * spacing
    try:
        made = make(options, shape, data.draw(st.integers(0, 10**6)))
    except CardError:
        assert not roomy
        return
    assert_numbers_hold(made)
    if family == "vessels":
        assert own["trees"][0] <= made.betti[0] <= own["trees"][1]
        assert made.betti[1] == 0
    if family == "cracks":
        assert own["components"][0] <= made.betti[0] <= own["components"][1]
        assert own["loops"][0] <= made.betti[1] <= own["loops"][1]


def test_topology_is_chosen(tmp_path):
    adapter = open_adapter(card_of("cracks", components=[2, 2], loops=[4, 4]), tmp_path)
    assert {adapter.make(image_id).betti for image_id in names(adapter)[:6]} == {(2, 4)}
    adapter = open_adapter(card_of("vessels", trees=[5, 5]), tmp_path)
    assert {adapter.make(image_id).betti for image_id in names(adapter)[:6]} == {(5, 0)}
    whole, none = (open_adapter(card_of("roads", missing=part), tmp_path).make("image-00") for part in (0.0, 1.0))
    assert whole.betti[1] > none.betti[1]


def test_what_cannot_be_made_says_what_may_help(tmp_path):
    card = card_of("cracks", components=[30, 30]).model_copy(update={"shapes": ((50, 70),)})
    adapter = open_adapter(card, tmp_path)
    wanted = (
        r"card 'synthetic-cracks', image-03: 100 attempts gave no truth of 50x70 pixels with the topology asked for; "
        r"it may help to lower components \(\[30, 30\]\), loops .* or to take larger images\."
    )
    with pytest.raises(CardError, match=wanted):
        adapter.read("image-03")


@pytest.mark.parametrize("family", FAMILIES)
def test_samples_are_repeatable_and_differ(family):
    first, second = (load_dataset(f"synthetic-{family}") for _ in range(2))
    name, other = first.image_ids[:2]
    kept = first[name]
    kept.image[:], kept.truth[:] = 0, False  # what is kept is nobody's to change
    _kept.cache_clear()
    assert not np.array_equal(first[name].image, kept.image)
    assert np.array_equal(first[name].image, second[name].image)
    assert not np.array_equal(first[name].truth, first[other].truth)
    assert first[name].image.dtype == np.float32
    assert first[name].image.shape == (1, *first.card.shapes[0])
    assert first.data_hash == second.data_hash


@pytest.mark.parametrize("family", FAMILIES)
def test_data_hash_follows_every_option(family, tmp_path):
    layout = card_of(family).layout
    changes = {
        key: [value[0], value[1] + 1] if isinstance(value, list) else value + 1 if key == "seed" else value * 0.9
        for key, value in layout.items()
        if key != "family"
    }
    hashes = {open_adapter(card_of(family, **{key: value}), tmp_path).data_hash() for key, value in changes.items()}
    assert len(hashes | {open_adapter(card_of(family), tmp_path).data_hash()}) == len(layout)


@pytest.mark.parametrize("family", FAMILIES)
def test_looks_change_the_image_and_never_the_truth(family, tmp_path):
    """Each knob alone turns an image that a threshold would solve into one that it would not."""
    adapter = open_adapter(card_of(family), tmp_path)
    truth = adapter.make("image-00").truth
    plain = replace(
        adapter.family.look, contrast=0.4, blur=0.0, noise=0.0, gaps=0.0, granules=0.0, texture=0.04, shade=0.0
    )

    def overlap(look):
        image = render(truth, look, generator(1)) * (-1 if look.bright else 1)
        return image[truth].max() - image[~truth].min()

    assert overlap(plain) < 0
    changes = {"noise": 0.2, "blur": 2.0, "gaps": 3.0, "granules": 3.0, "shade": 0.3, "texture": 0.2, "contrast": 0.0}
    for knob, value in changes.items():
        assert overlap(replace(plain, **{knob: value})) > 0, knob
    for knob in set(adapter.card.layout) & {
        "noise",
        "blur",
        "gaps",
        "granules",
        "houses",
        "shade",
        "grain",
        "contrast",
    }:
        other = open_adapter(card_of(family, **{knob: 0.0}), tmp_path).read("image-00")
        assert np.array_equal(other.truth, truth)
        assert not np.array_equal(other.image, adapter.read("image-00").image), knob


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (40, 3)])
def test_tiny_images_are_rendered(shape):
    look = Look(0.4, 1.0, 0.1, 1.0, 1.0, shade=0.1)
    image = render(np.zeros(shape, dtype=bool), look, generator(0))
    assert image.shape == shape
    assert 0 <= image.min() <= image.max() <= 1


@pytest.mark.parametrize("family", FAMILIES)
def test_no_plain_threshold_solves_it(family):
    dataset = load_dataset(f"synthetic-{family}")
    sample = dataset[dataset.image_ids[0]]
    image = sample.image[0] if family == "roads" else -sample.image[0]
    masks = [image >= level for level in np.quantile(image, np.linspace(0.5, 0.99, 12))]
    errors = [
        score(mask.astype(np.float32), sample.truth, protocol="hu2019", phase=dataset.card.phase)["betti_error"]
        for mask in [*masks, sample.truth]
    ]
    assert errors.pop() == 0
    assert min(errors) > 0.5


WRONG = [
    ("roads", {"spacing": None, "spacin": 20.0}, r"unknown key 'spacin' \(did you mean 'spacing'\?\)"),
    ("roads", {"spacing": None}, "key 'spacing' is missing"),
    ("roads", {"granules": 1.0}, "unknown key 'granules'"),
    ("roads", {"missing": 1.5}, "'missing' is 1.5: input should be less than or equal to 1"),
    ("roads", {"noise": -0.1}, "'noise' is -0.1: input should be greater than or equal to 0"),
    ("roads", {"seed": "7"}, "'seed' is '7': input should be a valid integer"),
    ("roads", {"width": [1.0, 3.0]}, r"width is \[1.0, 3.0\] and spacing 32; wanted 1.5 <= lowest <= highest < spac"),
    ("roads", {"width": [2.0, 16.0]}, r"width is \[2.0, 16.0\] and spacing 32; wanted"),
    ("vessels", {"width": [3.0, 2.0]}, r"width is \[3.0, 2.0\] and spacing 18; wanted"),
    ("vessels", {"trees": [3, 1]}, r"trees is \[3, 1\]; wanted fewest <= most"),
    ("vessels", {"trees": [-1, 1]}, "'trees.0' is -1: input should be greater than or equal to 0"),
    ("cracks", {"loops": [2, 1]}, r"loops is \[2, 1\]; wanted fewest <= most"),
    ("cracks", {"components": [0, 2]}, r"components is \[0, 2\], but loops need a crack; wanted at least 1"),
    ("cracks", {"width": [1.6, 99.0]}, r"width is \[1.6, 99.0\] and spacing 26; wanted"),
    ("membranes", {"width": [1.0, 3.0]}, r"width is \[1.0, 3.0\]; wanted 2 <= lowest <= highest < spacing"),
    ("membranes", {"spacing": 5.0}, r"width is \[2.5, 5.5\]; wanted 2 <= lowest"),
    ("membranes", {"family": None}, "key 'family' is missing"),
    ("membranes", {"family": "membrane"}, "'family' is 'membrane': input should be 'membranes', 'roads', 'vessels' or"),
    ("membranes", {"card": 3}, "unknown key 'card'"),
]


@pytest.mark.parametrize(("family", "layout", "wanted"), WRONG)
def test_wrong_options_are_refused_in_a_sentence(family, layout, wanted, tmp_path):
    sentence = rf"^card 'synthetic-{family}', \[layout\] of the adapter 'synthetic': .*{wanted}.*\.$"
    with pytest.raises(CardError, match=sentence):
        open_adapter(card_of(family, **layout), tmp_path)
