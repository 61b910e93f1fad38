"""The values that flow through topobench, frozen: what one layer hands to the next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BoolArray",
    "Check",
    "DiagramMatching",
    "FloatArray",
    "IntArray",
    "Member",
    "PersistencePairs",
    "Report",
    "Row",
    "RunRecord",
    "Sample",
    "Score",
]

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Member:
    """One image of a data set before it is read: its id, the part of the official split, its resampling unit."""

    image_id: str
    part: str
    unit: str


@dataclass(frozen=True)
class Sample:
    """One labelled image.

    Attributes
    ----------
    image_id : str
        Name within the data set, e.g. ``section-07``.
    image : float32 array (C, H, W) in [0, 1]
    truth : bool array (H, W)
        True where there is structure.
    valid : bool array (H, W) or None
        False where neither image nor truth means anything; None = valid everywhere.
    unit : str
        Resampling unit: images of one unit (neighbouring sections) are not independent of each other.
    """

    image_id: str
    image: NDArray[np.float32]
    truth: BoolArray
    valid: BoolArray | None = None
    unit: str = ""


@dataclass(frozen=True)
class PersistencePairs:
    """Persistence pairs of a batch of images: 1-D arrays of equal length, one entry a pair.

    Attributes
    ----------
    image : int64
        Index of the image in the batch, ascending (0 for a single image).
    dimension : int64
        0 (components) or 1 (holes).
    birth, death : float64
        Values of the pixels at which the class is born and dies; birth > death but for an essential class, which
        has death -inf whatever its birth. The class of the frame has birth +inf.
    birth_pixel, death_pixel : int64
        Flat row-major index in the unpadded image, -1 where there is none.
    """

    image: IntArray
    dimension: IntArray
    birth: NDArray[np.float64]
    death: NDArray[np.float64]
    birth_pixel: IntArray
    death_pixel: IntArray

    def __len__(self) -> int:
        return len(self.image)


@dataclass(frozen=True)
class Check:
    """One answer of a conformance suite: whether a rule holds in one case.

    `status` is ``passed``, ``failed`` or ``not claimed`` (the rule does not apply, or the subject promises nothing);
    `reason` is a sentence where it is not ``passed``.
    """

    rule: str
    case: str
    status: str
    reason: str = ""


@dataclass(frozen=True)
class Report:
    """All answers of a conformance suite about one subject, in the order of the rules."""

    subject: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that failed."""
        return tuple(check for check in self.checks if check.status == "failed")

    def counts(self) -> dict[str, dict[str, int]]:
        """Return for each rule how many cases passed, failed and are not claimed."""
        found = {check.rule: {"passed": 0, "failed": 0, "not claimed": 0} for check in self.checks}
        for check in self.checks:
            found[check.rule][check.status] += 1
        return found

    def reasons(self, rule: str) -> dict[str, list[str]]:
        """Return why a rule failed: each reason, with the cases that it failed for."""
        cases: dict[str, list[str]] = {}
        for check in self.failed:
            if check.rule == rule:
                cases.setdefault(check.reason, []).append(check.case)
        return cases

    def unclaimed(self) -> dict[str, list[str]]:
        """Return why cases are not claimed: each reason, with the rules that it is one for."""
        rules: dict[str, list[str]] = {}
        for check in self.checks:
            if check.status == "not claimed" and check.rule not in rules.setdefault(check.reason, []):
                rules[check.reason].append(check.rule)
        return rules

    def __str__(self) -> str:
        """Return the counts of every rule, and why what failed failed, line by line."""
        lines = [f"{self.subject}: {len(self.failed)} of {len(self.checks)} checks failed"]
        for rule, count in self.counts().items():
            lines.append(f"{rule}: " + ", ".join(f"{number} {status}" for status, number in count.items() if number))
            lines += [f"    {', '.join(cases)}: {reason}" for reason, cases in self.reasons(rule).items()]
        return "\n".join(lines)


@dataclass(frozen=True)
class DiagramMatching:
    """What a loss wants of each persistence pair of a batch of likelihoods, and what the truth has beyond them.

    Attributes
    ----------
    pairs : PersistencePairs
        Of the likelihoods.
    matched, removed : bool arrays, one entry a pair
        Whether the pair has a partner in the truth, and is drawn to (birth 1, death 0); whether it is drawn to the
        diagonal. A pair of neither is left alone.
    missing : int
        How many classes of the truths have no partner.
    """

    pairs: PersistencePairs
    matched: BoolArray
    removed: BoolArray
    missing: int


@dataclass(frozen=True)
class Score(Mapping[str, float]):
    """Figures of one image: a mapping name -> float, in which NaN means undefined.

    Attributes
    ----------
    figures : dict
        Name -> value.
    reasons : dict
        For each undefined figure the reason, as a sentence.
    settings : dict
        Everything that the figures depend on: protocol, version, connectivity, phase, patches, seed ...
    """

    figures: Mapping[str, float]
    reasons: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def undefined(self) -> int:
        """How many figures are not defined."""
        return len(self.reasons)

    def __getitem__(self, name: str) -> float:
        return self.figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.figures)

    def __len__(self) -> int:
        return len(self.figures)


@dataclass(frozen=True)
class Row:
    """The figures of one image under one protocol, as a record keeps them; undefined ones are None.

    `valid_pixels` is the number of pixels that counted; None in records of before there was such a number.
    """

    image: str
    unit: str
    protocol: str
    figures: dict[str, float | None]
    reasons: dict[str, str] = field(default_factory=dict)
    valid_pixels: int | None = None

    @classmethod
    def of(cls, image: str, unit: str, protocol: str, score: Score) -> Row:
        """Return the row of a score: NaN becomes None, for JSON knows no NaN."""
        figures = {name: None if math.isnan(value) else float(value) for name, value in score.items()}
        return cls(image, unit, protocol, figures, dict(score.reasons), score.settings.get("valid_pixels"))


@dataclass(frozen=True)
class RunRecord:
    """What is kept of a run: what was run (the identity, from which `run_id` follows), its rows and its cost.

    `kind` is ``trained``, ``null`` (a rule that needs no training) or ``scored`` (somebody's predictions).
    `status` is ``finished`` or ``failed: <reason>``. The first eleven fields are the identity. `training` says how the
    training went: steps taken, the curve of its losses (`Curve.points` in run/curve.py; older records have none), and
    which of its states was scored, by what rule. `predictions` has the sha256 of each image's likelihood map, where
    they were kept (run/maps.py). `plugins` says of each that was used, by kind and name (``model my-net``), where it
    comes from: `origin`, `object` and the sha256 of its `code`.
    """

    kind: str
    recipe: dict[str, Any]
    card: dict[str, Any]
    data_hash: str
    fold: int | None
    seed: int | None
    budget: dict[str, Any]
    device: str
    precision: str
    threads: int
    training_version: int
    run_id: str
    status: str
    protocols: dict[str, dict[str, Any]]
    rows: tuple[Row, ...]
    cost: dict[str, float]
    environment: dict[str, str]
    training: dict[str, Any] = field(default_factory=dict)
    predictions: dict[str, str] = field(default_factory=dict)
    plugins: dict[str, dict[str, str]] = field(default_factory=dict)
    schema: int = 1

    @property
    def finished(self) -> bool:
        """Whether the run reached its end and may be ranked."""
        return self.status == "finished"
