"""Cards (data sets), recipes (baselines), suites and protocols: what their files hold, and where they lie."""

from topobench.cards.datasets import Card, Folds, Labels, ListedFold, Units, Validity
from topobench.cards.downloads import DataFile, Download
from topobench.cards.places import (
    PLACES,
    folder,
    load_card,
    load_protocol,
    load_recipe,
    load_suite,
    names,
    origin_of,
    plugin_of,
    read,
    shipped,
    shipped_protocol,
    text_of,
    why_unused,
)
from topobench.cards.protocols import OpenChoice, Protocol
from topobench.cards.recipes import Budget, LossTerm, ModelChoice, Published, Recipe, Suite, Validation
from topobench.cards.schema import NAME, Count, Index, Part, Strict, faults_of

__all__ = [
    "NAME", "PLACES", "Budget", "Card", "Count", "DataFile", "Download", "Folds", "Index", "Labels", "ListedFold",
    "LossTerm", "ModelChoice", "OpenChoice", "Part", "Protocol", "Published", "Recipe", "Strict", "Suite", "Units",
    "Validation", "Validity", "faults_of", "folder", "load_card", "load_protocol", "load_recipe", "load_suite",
    "names", "origin_of", "plugin_of", "read", "shipped", "shipped_protocol", "text_of", "why_unused",
]  # fmt: skip
