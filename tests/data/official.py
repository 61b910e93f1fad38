"""Small data sets in exactly the official layout of a card: names, suffixes, formats and label values are its own."""

import gzip
import io

import h5py
import numpy as np
import scipy.io
import tifffile
from PIL import Image

SHAPE = (40, 46)
IDS = {  # names as the official releases have them
    "massachusetts-roads": ["10228690_15", "10228705_15", "10228720_15", "10378780_15"],
    "cracktree": ["6192", "6193", "6194"],
    "drive": ["21", "22", "23", "24"],
    "crackforest": ["001", "002", "117"],
    "deepcrack": ["11111", "11122-5", "11122-6", "IMG13-1"],
    "crack500": ["20160222_081011_1281_721", "20160222_081011_1_361", "20160302_155919_641_1"],
    "stare": ["im0001", "im0002", "im0255"],
    "chase-db1": ["01L", "01R", "02L", "10R", "11L", "14R"],
    "vnc-sstem": ["00", "05", "10", "15", "19"],
    "topomortar": ["001", "050", "051", "070", "071", "120", "121", "420"],
}


def small(card, counts):
    """The card with the shape and the counts of a small data set, in all else as it is."""
    layout = {**card.layout}
    if "parts" in layout:
        layout["parts"] = [{**part, "count": n} for part, n in zip(layout["parts"], counts, strict=True)]
    if "volumes" in layout:
        layout["volumes"] = [{**volume, "sections": n} for volume, n in zip(layout["volumes"], counts, strict=True)]
    folds = card.folds.model_copy(update={"count": card.folds.count and min(card.folds.count, 3)})
    validity = card.validity and card.validity.model_copy(update={"smallest": card.validity.smallest and 60})
    changes = {"count": sum(counts), "shapes": (SHAPE,), "layout": layout, "folds": folds, "validity": validity}
    return card.model_copy(update=changes)


def write_official(card, folder, seed=0):
    """Write a small data set of a card; return the small card, and image, truth and validity by image id."""
    random = np.random.default_rng(seed)
    write = {"tiff_stack": _stacks, "hdf5_volume": _volumes}.get(card.adapter, _folders)
    return write(card, folder, random)


def _truth(random):
    truth = np.zeros(SHAPE, bool)
    truth[random.integers(5, 35)], truth[:, random.integers(5, 40)] = True, True
    return truth


def _image(card, random):
    """Smooth, so that JPEG loses little."""
    waves = [np.sin(np.linspace(0, random.uniform(1, 3), side)) for side in SHAPE]
    planes = [random.uniform(60, 230) * np.outer(*waves) + random.uniform(0, 20) for _ in range(card.channels)]
    return np.stack(planes, axis=-1).squeeze().astype(np.uint8)


def _labels(card, truth, random):
    """Label values for a truth; where ids are, what the ids' borders are is the truth."""
    if card.labels.rule == "values":
        structure, background = (np.array(values) for values in (card.labels.structure, card.labels.background))
        return np.where(truth, random.choice(structure, SHAPE), random.choice(background, SHAPE))
    row, column = np.flatnonzero(truth.all(axis=1))[0], np.flatnonzero(truth.all(axis=0))[0]
    return 11 + (np.arange(SHAPE[0])[:, None] > row) * 2 + (np.arange(SHAPE[1]) > column)


def _id_truth(card, truth):
    """Both pixels of a pair are of an even border, so it reaches as far to either side."""
    half = card.labels.thickness // 2
    row, column = np.flatnonzero(truth.all(axis=1))[0], np.flatnonzero(truth.all(axis=0))[0]
    down, right = np.arange(SHAPE[0])[:, None] - row, np.arange(SHAPE[1]) - column
    straight = (down > -half) & (down <= half) | (right > -half) & (right <= half)
    return np.broadcast_to(straight, SHAPE)


def _stacks(card, folder, random):
    truths = [_truth(random) for _ in range(15)]
    images, labels = [_image(card, random) for _ in truths], [_labels(card, truth, random) for truth in truths]
    dtype = np.uint16 if card.labels.rule == "ids" else np.uint8
    tifffile.imwrite(folder / card.layout["images"], np.stack(images), photometric="minisblack")
    tifffile.imwrite(folder / card.layout["labels"], np.stack(labels).astype(dtype), compression="zlib")
    if card.labels.rule == "ids":
        truths = [_id_truth(card, truth) for truth in truths]
    names = [f"section-{k:02d}" for k in range(15)]
    made = {name: (image, truth, None) for name, image, truth in zip(names, images, truths, strict=True)}
    return small(card, [15]), made


def _volumes(card, folder, random):
    made = {}
    for volume in card.layout["volumes"]:
        truths = [_truth(random) for _ in range(6)]
        images = np.stack([_image(card, random) for _ in truths])
        ids = np.stack([_labels(card, truth, random) for truth in truths]).astype(np.uint64) + 2**40
        with h5py.File(folder / volume["file"], "w") as file:
            for name, array in ((card.layout["images"], images), (card.layout["labels"], ids)):
                data = file.create_dataset(name, data=array, chunks=(4, 16, 16), compression="gzip")
                data.attrs["resolution"] = [40.0, 4.0, 4.0]
        for k, (image, truth) in enumerate(zip(images, truths, strict=True)):
            made[f"{volume['name']}-{k:03d}"] = image, _id_truth(card, truth), None
    return small(card, [6] * len(card.layout["volumes"])), made


def _folders(card, folder, random):
    made, counts = {}, []
    parts = card.layout["parts"]
    for part in parts:
        ids = [name for name in IDS[card.family] if part.get("first", "") <= name and name <= part.get("last", "~")]
        if card.family == "topomortar":
            ids = [name for name in ids if (name <= "050") == (part["name"] == "train")]
        counts.append(len(ids))
        for name in ids:
            image, truth, valid = _pair(card, random)
            _write(folder / part["images"].format(id=name), image)
            _write(folder / part["labels"].format(id=name), _labels(card, truth, random), card)
            if "valid" in part:
                _write(folder / part["valid"].format(id=name), np.where(valid, 255, 0).astype(np.uint8))
            made[f"{part['name']}-{name}" if len(parts) > 1 else name] = image, truth, valid
    if card.family == "crackforest":  # images without labels, as the official repository has them
        for name in ("201", "301"):
            _write(folder / parts[0]["images"].format(id=name), _image(card, random))
    return small(card, counts), made


def _pair(card, random):
    image, truth, valid = _image(card, random), _truth(random), None
    if card.validity:
        valid = np.ones(SHAPE, bool)
        valid[:10, : random.integers(8, 20)] = False
    if card.validity and card.validity.rule == "colour":
        image[~valid], image[20, 20] = 255, 255  # an area without data, and a single saturated pixel
    return image, truth, valid


def _write(path, array, card=None):
    """Write an array in the format that the suffix says; labels of 0 and 1 become 1-bit images."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".mat":
        segments = {card.layout["field"]: array.astype(np.uint8), "Boundaries": np.zeros(SHAPE, np.uint8)}
        scipy.io.savemat(path, {card.layout["variable"]: segments}, do_compression=True)
    elif path.suffix in (".tif", ".tiff"):
        tifffile.imwrite(path, array.astype(np.uint8), photometric="rgb" if array.ndim == 3 else "minisblack")
    else:
        picture = Image.fromarray(array.astype(bool) if array.max() <= 1 else array.astype(np.uint8))
        kind = {".ppm": "PPM", ".jpg": "JPEG"}.get(path.suffix if path.suffix != ".gz" else ".ppm")
        stream = io.BytesIO()
        picture.save(stream, kind or path.suffix[1:], **({"quality": 100} if kind == "JPEG" else {}))
        path.write_bytes(gzip.compress(stream.getvalue()) if path.suffix == ".gz" else stream.getvalue())
