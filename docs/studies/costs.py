"""What was run, for how long, and what each recipe costs; for results/README.md."""

from collections import Counter, defaultdict

import numpy as np

from studies.published import DASH, markdown
from topobench.cards import load_recipe, load_suite

SUITES = ("cpu", "cpu-vgg19", "helps", "helps-weights")
VERSIONS = ("python", "numpy", "torch")
PROTOCOLS = ("hu2019", "pitfalls", "stucki2023", "topomortar", "dconn65", "cldice64")
ADDED = "added by its terms, ms a step that has them"
PARTS = ("train_seconds", "score_seconds")


def blocks(published):
    """Return the text of each block of the page, by its name."""
    return {
        "runs": runs(published), "where": where(published), "costs": costs(published), "losses": losses(published),
    }  # fmt: skip


def runs(published):
    """Return what was run of each suite: how many trainings of what, and for how long."""
    rows = []
    for suite in map(load_suite, SUITES):
        found = published.of(suite.name)
        budget = suite.budget
        seeds = defaultdict(set)
        for record in found:
            seeds[record.card["name"]].add(record.seed)
        rows.append([
            f"`{suite.name}`",
            f"{budget.steps} steps of {budget.batch} crops of {budget.crop}x{budget.crop}",
            len({record.recipe["name"] for record in found}),
            ", ".join(f"{name} ({len(numbers)} seeds)" for name, numbers in seeds.items()),
            len(found),
            f"{_hours(found):.1f}",
        ])  # fmt: skip
    return markdown(["suite", "budget", "recipes", "data sets", "trainings", "hours"], rows)


def where(published):
    """Return on what the records say they were run, and how many of them."""
    kinds = Counter(
        (*(record.environment.get(name, "") for name in VERSIONS), record.threads, record.environment["commit"][:7])
        for record in published.records
        if record.kind == "trained"
    )
    rows = [[*kind, count] for kind, count in sorted(kinds.items())]
    return markdown([*VERSIONS, "threads a training", "commit", "trainings"], rows)


def costs(published):
    """Return the hours of each recipe in the suite `cpu`, and what a step of it costs: medians."""
    suite = load_suite(SUITES[0])
    by_recipe = defaultdict(list)
    for record in published.of(suite.name):
        by_recipe[record.recipe["name"]].append(record)
    plain = _loss(by_recipe["unet-ce"])
    rows = []
    for name in filter(by_recipe.get, suite.recipes):
        found = by_recipe[name]
        network = np.median([record.cost["network_ms_per_step"] for record in found])
        later = max((term.start for term in load_recipe(name).loss), default=0.0)
        added = (_loss(found) - plain) / (1 - later)
        rows.append([
            f"`{name}`", len(found), f"{_hours(found):.2f}", f"{network:.0f}", f"{_loss(found):.1f}",
            DASH if name.endswith("-ce") else f"{added:.1f} ({added / network:.0%} of the network's)",
        ])  # fmt: skip
    header = ["recipe", "trainings", "hours", *(f"{part}, ms a step" for part in ("network", "loss")), ADDED]
    return markdown(header, rows)


def losses(published):
    """Return which losses are told apart on the U-Net, by data set and protocol: how many pairs, and who is ahead."""
    rows = []
    for dataset, tables in published.tables(SUITES[0]).items():
        for name in filter(tables.get, PROTOCOLS):
            labels = [entry.label for entry in tables[name].entries if entry.rank and entry.label.startswith("unet-")]
            apart = [pair for pair in tables[name].pairs if pair.differ and {pair.first, pair.second} <= set(labels)]
            ahead = Counter(pair.first for pair in apart)
            behind = Counter(pair.second for pair in apart)
            said = [
                ", ".join(f"`{one}` ({count})" for one, count in each.most_common(3)) or DASH
                for each in (ahead, behind)
            ]
            rows.append([dataset, f"`{name}`", f"{len(apart)} of {len(labels) * (len(labels) - 1) // 2}", *said])
    return markdown(["data set", "protocol", "pairs told apart", "most often the better", "most often the worse"], rows)


def _hours(records):
    return sum(record.cost.get(part, 0.0) for record in records for part in PARTS) / 3600


def _loss(records):
    return float(np.median([record.cost["loss_ms_per_step"] for record in records]))
