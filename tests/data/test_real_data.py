"""Real files of every data set that there are: the statistics that their READMEs give, polarity, validity, units."""

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from topobench import load_dataset
from topobench.cards import Labels, load_card, names
from topobench.data import open_dataset
from topobench.data.dataset import open_adapter, open_card
from topobench.data.hdf5_volume import Hdf5Volume
from topobench.data.own import card_of, guessed_labels
from topobench.data.survey import survey
from topobench.data.volumes import TiffSections
from topobench.errors import DataError
from topobench.files import file_sha256
from topobench.topology import betti_numbers, label_components


def statistics(samples):
    """Mean share of structure, mean b0, mean number of holes, as the READMEs give them."""
    numbers = np.mean([betti_numbers(sample.truth) for sample in samples], axis=0)
    return float(np.mean([sample.truth.mean() for sample in samples])), *numbers


@pytest.mark.parametrize(
    ("name", "images", "share", "b0", "holes"),
    [
        ("vnc-sstem", 4, 0.2035, 5.0, 187),
        ("crackforest", 118, 0.0162, 2.7, 1.0),
        ("stare", 18, 0.0745, 6.0, 28.2),
        ("massachusetts-roads", 3, 0.0563, 6.3, 56.0),
    ],
)
def test_statistics_of_the_readme(real_data, name, images, share, b0, holes):
    samples = list(open_dataset(name, real_data, partial=True))
    assert len(samples) == images
    assert statistics(samples) == (
        pytest.approx(share, abs=6e-5), pytest.approx(b0, abs=0.06), pytest.approx(holes, abs=0.51),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "part", "share", "b0", "holes"),
    [
        ("deepcrack", "train", 0.0258, 3.1, 0.6),
        ("deepcrack", "test", 0.0520, 3.8, 0.8),
        ("topomortar:val", "train", 0.3031, 1.1, 72),
        ("topomortar:val", "test", 0.3296, 1.0, 186),
    ],
)
def test_statistics_of_the_official_parts(real_data, name, part, share, b0, holes):
    dataset = open_dataset(name, real_data, partial=True)
    samples = [dataset[member.image_id] for member in dataset.members if member.part == part]
    assert statistics(samples) == (
        pytest.approx(share, abs=6e-5), pytest.approx(b0, abs=0.06), pytest.approx(holes, abs=0.51),
    )  # fmt: skip


@pytest.mark.parametrize(("variant", "share"), [("noisy", 0.1218), ("pseudo", 0.3457)])
def test_labels_of_a_variant_are_those_that_are_trained_on(real_data, variant, share):
    """The test images of TopoMortar are not here, so the adapter is asked rather than the data set."""
    adapter = open_adapter(load_card(f"topomortar:{variant}"), real_data / "topomortar")
    shares = [adapter.read(member.image_id).truth.mean() for member in adapter.members]
    assert np.mean(shares) == pytest.approx(share, abs=6e-5)


def test_structure_is_dark_or_bright_as_it_should_be(real_data):
    """The polarity of every card: membranes, cracks and vessels are dark, mortar is bright."""
    dark = {"isbi2012", "vnc-sstem", "crackforest", "deepcrack", "stare"}
    for name in (*dark, "topomortar:val"):
        dataset = open_dataset(name, real_data, partial=True)
        samples = [dataset[image_id] for image_id in dataset.image_ids[:12]]
        around = [ndimage.binary_dilation(sample.truth, iterations=5) & ~sample.truth for sample in samples]
        grey = [sample.image.mean(axis=0) for sample in samples]
        within = np.mean([one[sample.truth].mean() for one, sample in zip(grey, samples, strict=True)])
        without = np.mean([one[ring].mean() for one, ring in zip(grey, around, strict=True)])
        assert (within < without) == (name in dark), name


def test_holes_of_crackforest_are_kept(real_data):
    """Segmentation > 1 would fill what cracks enclose."""
    dataset = load_dataset("crackforest", real_data)
    assert betti_numbers(dataset["097"].truth)[1] == 18
    more = load_dataset("crackforest:all-strands", real_data)
    differ = [name for name in dataset.image_ids if (dataset[name].truth != more[name].truth).any()]
    assert differ == ["084", "102", "107", "111", "117"]


def test_areas_without_data_are_not_valid(real_data):
    """Shares of the README: 34 %, 48 %, 87 %; the road map goes on inside them."""
    dataset = open_dataset("massachusetts-roads", real_data, partial=True)
    shares = {name: 1 - dataset[name].valid.mean() for name in dataset.image_ids}
    assert shares["21628930_15"] == pytest.approx(0.343, abs=3e-3)
    assert shares["23279050_15"] == pytest.approx(0.484, abs=3e-3)
    assert shares["11278645_15"] == pytest.approx(0.874, abs=3e-3)
    sample = dataset["21628930_15"]
    assert sample.truth[~sample.valid].sum() / sample.truth.sum() == pytest.approx(0.61, abs=0.01)
    assert label_components(~sample.valid, 4).max() == 1  # saturated pixels elsewhere are data
    for name in dataset.image_ids:  # and pixels that are not quite white within the area are none
        sizes = np.bincount(label_components(dataset[name].valid, 4).ravel())[1:]
        assert sizes.min() >= 1000


def test_units_of_real_names(real_data):
    dataset = open_dataset("deepcrack", real_data, partial=True)
    units = {member.image_id: member.unit for member in dataset.members}
    assert units["train-11122-5"] == "11122"
    assert units["train-IMG27-11"] == units["train-IMG27-9"] == "IMG27"


def test_part_of_the_images_is_used_only_when_asked_for(real_data):
    with pytest.raises(DataError, match=r"lacks 2 of the 20 images stare-images/\{id\}\.ppm\.gz.*give --partial"):
        open_dataset("stare", real_data)
    dataset = open_dataset("stare", real_data, partial=True)
    assert dataset.identity()["images"] == "18 of 20"
    assert "images" not in load_dataset("isbi2012", real_data).identity()


def test_a_part_that_is_not_there_is_named(real_data):
    with pytest.raises(DataError, match=r"all 50 images test/images"):
        open_dataset("topomortar", real_data)
    dataset = open_dataset("topomortar", real_data, partial=True)
    with pytest.raises(Exception, match=r"'topomortar': the fold names the part 'test', of which there is no image"):
        dataset.fold(0)


def test_hdf5_in_the_layout_of_cremi(real_data):
    """The stand-in: FlyEM ids (0 = membrane) in CREMI's layout, gzip chunks over several sections."""
    card = load_card("cremi").model_copy(update={"count": 50, "shapes": ((100, 200),)})
    card = card.model_copy(update={"labels": Labels(rule="ids", thickness=1, structure=(0,))})
    volume = {"name": "fly", "file": "STANDIN_not_cremi_flyem.hdf", "sections": 50}
    card = card.model_copy(update={"layout": {**card.layout, "volumes": [volume]}})
    dataset = open_card(card.model_copy(update={"folder": str(real_data / "cremi")}))
    samples = list(dataset)
    assert samples[7].image.shape == (1, 100, 200)
    assert np.mean([sample.truth.mean() for sample in samples]) > 0.067  # ids of 0, and borders between other ids
    assert all(sample.image[0][sample.truth].mean() < sample.image[0][~sample.truth].mean() for sample in samples)
    assert samples[12].unit == "fly-block-02"


def test_the_test_file_of_cremis_own_tool(real_data):
    """It has ids and no images: the error lists what there is."""
    card = load_card("cremi").model_copy(update={"count": 1, "shapes": ((164, 251),)})
    volumes = ({"name": "A", "file": "cremi_python_example.h5", "sections": 1},)
    adapter = Hdf5Volume(card, real_data / "cremi", "volumes/raw", "volumes/labels/neuron_ids", volumes=_of(volumes))
    with pytest.raises(DataError, match="no data set 'volumes/raw'; it has: volumes/labels/neuron_ids"):
        adapter.read("A-000")


def _of(volumes):
    from topobench.data.hdf5_volume import Volume

    return tuple(Volume(**volume) for volume in volumes)


def test_ids_of_snemi3d(real_data):
    """The corner that there is: 27 ids, of which 1 is what lies between (relabelled from 0)."""
    from topobench.data.labels import structure_of

    labels = TiffSections(real_data / "isbi2013" / "train-labels.tif")
    assert labels.shape == (32, 160, 160)
    rule = load_card("isbi2013").labels.model_copy(update={"structure": (1,)})
    for index in (0, 15, 31):
        ids = labels[index]
        truth = structure_of(ids, rule, 8, "here")
        assert truth[ids == 1].all()
        regions = label_components(~truth, 4)
        for region in range(1, regions.max() + 1):  # no region holds two neurons
            assert len(np.unique(ids[regions == region])) == 1


def test_crops_with_jpeg_labels(real_data):
    """Crack500 as a third party has it: label values are spread around 0 and 255, sides of 138, 223 or 224."""
    found = survey(real_data / "crack500" / "test", real_data / "crack500" / "test_lab")
    assert (found.count, found.lossy, found.channels) == (66, True, 3)
    assert len(found.values) > 20
    dataset = open_card(card_of("crops", found, guessed_labels(found), phase="structure"))
    share, b0, holes = statistics(list(dataset))
    assert (share, b0, holes) == (
        pytest.approx(0.1377, abs=6e-5), pytest.approx(1.5, abs=0.06), pytest.approx(0.1, abs=0.06),
    )  # fmt: skip


def test_pictures_at_quarter_resolution(real_data):
    """CREMI as Betti matching's repository has it: names that share a beginning, one folder each."""
    folder = real_data / "cremi" / "png_quarter_res"
    found = survey(folder / "images", folder / "labels")
    assert found.patterns == ("images/image_{id}.png", "labels/label_{id}.png")
    assert guessed_labels(found) == Labels(rule="values", structure=(255,), background=(0,))
    share, b0, holes = statistics(list(open_card(card_of("quarter", found, guessed_labels(found)))))
    assert (share, b0, holes) == (pytest.approx(0.1915, abs=6e-4), 4.0, pytest.approx(321, abs=0.51))


@pytest.mark.parametrize("name", [name for name in names("datasets") if ":" not in name])
def test_known_files_are_those_that_are_here(real_data, name):
    """A card lists files byte for byte: those that are here, a part of each data set, are the very same.

    Of CREMI no file is here; its card lists what others do.
    """
    there = {path: known for path, known in load_card(name).files.items() if (real_data / name / path).is_file()}
    assert len(there) == (0 if name == "cremi" else len(load_card(name).files))
    for path, known in there.items():
        assert (real_data / name / path).stat().st_size == known.bytes
        assert file_sha256(real_data / name / path) in known.sha256


def test_images_of_real_cards_have_the_size_of_their_files(real_data):
    sample = open_dataset("stare", real_data, partial=True)["im0001"]
    assert sample.image.shape == (3, 605, 700)
    assert sample.truth.shape == (605, 700)
    picture = Image.open(real_data / "deepcrack" / "train_img" / "11111.jpg")
    image = open_dataset("deepcrack", real_data, partial=True)["train-11111"].image
    assert np.array_equal(np.rint(image * 255).transpose(1, 2, 0), np.asarray(picture))
