"""The rules of samples: their types, shapes and values."""

from __future__ import annotations

from typing import Any

import numpy as np

from topobench.conformance import Rule
from topobench.data.conformance.subject import SAMPLES, Subject, all_images, each_image
from topobench.data.samples import shape_fault
from topobench.types import Member, Sample

__all__ = ["RULES"]


def _sample(subject: Subject, member: Member) -> str | None:
    card = subject.card
    sample: Any = subject.first(member)
    if not isinstance(sample, Sample):
        return f"read() returns a {type(sample).__name__}; it must return a topobench.types.Sample."
    if (sample.image_id, sample.unit) != (member.image_id, member.unit):
        return (
            f"the sample has the id {sample.image_id!r} and the unit {sample.unit!r}, its member "
            f"{member.image_id!r} and {member.unit!r}; both must be the member's."
        )
    if reason := _image(sample.image, card.channels):
        return reason
    shape = sample.image.shape[1:]
    for word, mask in (("truth", sample.truth), ("validity", sample.valid)):
        if (word == "truth" or mask is not None) and (reason := _mask(word, mask, shape)):
            return reason
    if sample.valid is not None and not sample.valid.any():
        return "no pixel is valid; the card's [validity] may have inside and outside the wrong way round."
    fault = shape_fault(card, (shape[0], shape[1]), "it")
    return f"{fault}." if fault else None


def _image(image: Any, channels: int) -> str | None:
    """Return what is wrong with the image of a sample."""
    found = _is_array(image, np.dtype(np.float32))
    if found:
        return f"the image is {found}; it must be a float32 array (C, H, W)."
    if image.ndim != 3 or image.shape[0] != channels or 0 in image.shape:
        return f"the image has the shape {image.shape}; it must be ({channels}, H, W), as the card has channels."
    if wrong := int((~np.isfinite(image)).sum()):
        return f"{wrong} pixels of the image are NaN or infinite."
    low, high = float(image.min()), float(image.max())
    if low < 0 or high > 1:
        return (
            f"the image has values in [{low:.4g}, {high:.4g}]; they must lie in [0, 1]: divide by the largest that the "
            "stored type can hold (topobench.data.readers.to_unit)."
        )
    return None


def _mask(word: str, mask: Any, shape: tuple[int, ...]) -> str | None:
    """Return what is wrong with truth or validity."""
    if found := _is_array(mask, np.dtype(np.bool_)):
        return f"the {word} is {found}; it must be a bool array (H, W)."
    if mask.shape != shape:
        return f"the {word} has the shape {mask.shape}, the image {shape}; both must have one height and width."
    return None


def _is_array(found: Any, dtype: np.dtype[Any]) -> str:
    """Return what something is that is no array of that type, else an empty text."""
    if not isinstance(found, np.ndarray):
        return f"a {type(found).__name__}"
    return "" if found.dtype == dtype else f"of dtype {found.dtype}"


def _both_sides(subject: Subject) -> str | None:
    """Say where the truths that were read, taken together, have one value alone."""
    truths = [
        sample.truth[... if sample.valid is None else sample.valid]
        for sample in map(subject.first, subject.chosen.values())
    ]
    pixels = sum(truth.size for truth in truths)
    structure = sum(int(truth.sum()) for truth in truths)
    if 0 < structure < pixels:
        return None
    what, other = ("structure", "background") if structure else ("background", "structure")
    return (
        f"all {pixels} valid pixels of the truths are {what}. Look at a label file: the card's [labels] may take its "
        f"values the wrong way round, or {other} may have a value or a channel that is not read."
    )


RULES: tuple[Rule[Subject], ...] = (
    Rule(SAMPLES, "image, truth and validity have the types, shapes and values of a sample", each_image(_sample)),
    Rule("structure and background", "there is structure in the images, and background", all_images(_both_sides)),
)
