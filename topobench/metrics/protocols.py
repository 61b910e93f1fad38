"""Protocols: named, versioned sets of choices that turn (likelihood, truth) into figures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from topobench.registry import load

__all__ = ["HU2019", "Protocol", "load_protocol"]


@dataclass(frozen=True)
class Protocol:
    """Every choice that a figure depends on.

    `phase` and `connectivity` may be None: then the argument counts, else the card. `version` is raised whenever
    a figure changes for the same input.
    """

    name: str
    version: int
    title: str
    source: str
    threshold: float
    patch_size: int
    patches: int
    frame: bool
    dimensions: tuple[int, ...]
    phase: Literal["regions", "structure"] | None
    connectivity: Literal[4, 8] | None
    figures: tuple[str, ...]


HU2019 = Protocol(
    name="hu2019",
    version=1,
    title="framed 65x65 patches, b1; adapted Rand F and VOI of the regions",
    source=(
        "Hu, Li, Samaras, Chen: Topology-Preserving Deep Image Segmentation, NeurIPS 2019, arXiv:1906.05404, "
        "section 3. The paper does not state the number of patches; it is 500 an image here."
    ),
    threshold=0.5,
    patch_size=65,
    patches=500,
    frame=True,
    dimensions=(1,),
    phase="regions",
    connectivity=None,
    figures=(
        "betti_error", "betti1_error", "arand_f_filled", "voi_filled", "voi_split_filled", "voi_merge_filled",
        "arand_f", "voi", "voi_split", "voi_merge", "accuracy", "dice",
    ),
)  # fmt: skip


def load_protocol(name: str) -> Protocol:
    """Return the protocol of that name; UnknownNameError says which there are."""
    protocol: Protocol = load("protocols", name)
    return protocol
