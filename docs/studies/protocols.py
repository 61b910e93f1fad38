"""How a ranking changes with patch size, connectivity and protocol, of the same predictions."""

import matplotlib.pyplot as plt
import numpy as np

from studies.published import DASH, markdown
from topobench.leaderboard.agreement import agree, repeated, told_apart

SUITE = "cpu"
BASE = "hu2019"
SIZES = {"33": "hu2019:33", "65": "hu2019", "129": "hu2019:129", "whole": "hu2019:whole"}
CONNECTIVITY = ("hu2019:c4", "hu2019:whole-c4")
OTHERS = ("pitfalls", "stucki2023", "topomortar", "dconn65", "cldice64")
OVERLAP = ("accuracy", "dice")  # shown beside the ranks
ALL = (*SIZES.values(), *CONNECTIVITY, *OTHERS)


def blocks(published):
    """Return the text of each block of the page, by its name."""
    found = published.tables(SUITE)
    return {
        "sizes": sizes(found),
        "agreement": agreement(found),
        "against": against(found),
        "nulls": nulls(found),
        **{f"ranks-{dataset}": ranks(tables) for dataset, tables in found.items()},
    }


def pictures(published):
    """Return the pictures of the page, by name."""
    found = published.tables(SUITE)
    return {"study-sizes": draw_sizes(found), "study-taus": draw_taus(found)}


def ranks(tables):
    """Return the rank of each method under each protocol, best under `BASE` first."""
    order = [entry for entry in tables[BASE].entries if entry.rank]
    rows = []
    for entry in order:
        name = f"`{entry.label}`" if entry.kind == "trained" else entry.method
        overlap = [f"{entry.means[figure]:.3f}" for figure in OVERLAP if figure in entry.means]
        rows.append([name, *(rank_of(tables[name], entry) for name in ALL), *overlap])
    return markdown(["method", *(f"`{name}`" for name in ALL), *OVERLAP], rows)


def rank_of(table, entry):
    """Return the rank of a method in a table; a dash where it has none."""
    return next((one.rank for one in table.entries if one.key == entry.key and one.rank), DASH)


def sizes(found):
    """Return the best and the worst Betti error of a trained method, by patch size, and how much a size moves ranks."""
    rows = []
    for dataset, tables in found.items():
        for size, name in SIZES.items():
            means = [one.means["betti_error"] for one in tables[name].entries if one.kind == "trained"]
            apart, pairs = told_apart(tables[name])
            tau = agree(tables[BASE], tables[name]).tau
            rows.append([dataset, size, f"{min(means):.3f}", f"{max(means):.3f}", f"{tau:.2f}", f"{apart} of {pairs}"])
    return markdown(["data set", "patch", "best", "worst", f"tau with `{BASE}`", "pairs told apart"], rows)


def agreement(found):
    """Return for each protocol how far it agrees with `BASE` on each data set, and what a repetition would."""
    luck = [f"{repeated(tables[BASE]):.2f}; {told_apart(tables[BASE])[0]}" for tables in found.values()]
    rows = [["a repetition of `hu2019`; pairs that it tells apart", *luck]]
    for name in ALL:
        if name != BASE:
            rows.append([f"`{name}`", *(one_agreement(tables, name) for tables in found.values())])
    return markdown(["with `hu2019`", *found], rows)


def one_agreement(tables, name):
    """Return tau of a protocol with `BASE`, the pairs turned round of those that both tell apart, and its own."""
    one = agree(tables[BASE], tables[name])
    return f"{one.tau:.2f}; {len(one.against)} of {one.both}; {told_apart(tables[name])[0]}"


def against(found):
    """Return the pairs of methods that two protocols tell apart the other way round, by what is told."""
    rows = []
    for dataset, tables in found.items():
        for name in ALL:
            pairs = agree(tables[BASE], tables[name]).against if name != BASE else ()
            if pairs:
                said = ", ".join(f"`{first}` before `{second}`" for first, second in sorted(pairs)[:4])
                more = f" and {len(pairs) - 4} more" if len(pairs) > 4 else ""
                rows.append([dataset, f"`{name}`", len(pairs), said + more])
    if not rows:
        return "No two protocols tell any pair of methods apart the other way round."
    return markdown(["data set", "protocol", "pairs", f"told apart by `{BASE}`, and the other way round by it"], rows)


def nulls(found):
    """Return how many trained methods the best rule without training is not below, by protocol and data set."""
    rows = []
    for name in ALL:
        rows.append([f"`{name}`", *(below_null(tables[name]) for tables in found.values())])
    return markdown(["protocol", *found], rows)


def below_null(table):
    """Return how many of the trained methods rank below the best null row, and which that is."""
    able = [entry for entry in table.entries if entry.rank]
    trained = [entry.rank for entry in able if entry.kind == "trained"]
    best = min((entry for entry in able if entry.kind == "null"), key=lambda entry: entry.rank, default=None)
    if best is None:
        return f"0 of {len(trained)}"
    below = sum(rank > best.rank for rank in trained)
    return f"{below} of {len(trained)}" + (f" ({best.method})" if below else "")


def draw_sizes(found):
    """Draw the rank of each trained method against the patch size, a panel a data set; what moves most in colour."""
    figure, axes = plt.subplots(1, len(found), figsize=(3.1 * len(found), 4.6), layout="constrained", squeeze=False)
    for axis, (dataset, tables) in zip(axes[0], found.items(), strict=True):
        order = {size: trained_order(tables[name]) for size, name in SIZES.items()}
        labels = [label for label in order["65"] if all(label in names for names in order.values())]
        moved = {label: np.ptp([names.index(label) for names in order.values()]) for label in labels}
        most = sorted(labels, key=lambda label: -moved[label])[:3]
        for label in labels:
            places = [names.index(label) + 1 for names in order.values()]
            colour = f"C{most.index(label)}" if label in most else "0.75"
            axis.plot(list(SIZES), places, marker="o", ms=4, color=colour, lw=2 if label in most else 1, zorder=2)
            text = axis.annotate(label, (len(SIZES) - 1, places[-1]), (6, 0), textcoords="offset points", fontsize=6.5)
            text.set(va="center", color=colour if label in most else "0.35")
        axis.set(title=dataset, xlabel="patch (pixels)", ylim=(len(labels) + 0.5, 0.5), xlim=(-0.2, 5.1))
        axis.set_yticks([1, *range(5, len(labels) + 1, 5)])
        axis.set_xticks(range(len(SIZES)), SIZES)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0, 0].set_ylabel("rank by betti_error, 1 is best")
    return figure


def trained_order(table):
    """Return the labels of the trained methods that have a rank, best first."""
    return [entry.label for entry in table.entries if entry.rank and entry.kind == "trained"]


def draw_taus(found):
    """Draw Kendall's tau of each two protocols, a panel a data set."""
    columns = 2
    rows = -(-len(found) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(11, 5.0 * rows), layout="constrained", squeeze=False)
    for axis in axes.flat[len(found) :]:
        axis.set_visible(False)
    for axis, (dataset, tables) in zip(axes.flat, found.items(), strict=False):
        taus = np.array([[agree(tables[first], tables[second]).tau for second in ALL] for first in ALL])
        image = axis.imshow(taus, cmap="RdBu", vmin=-1, vmax=1)
        for (row, column), tau in np.ndenumerate(taus):
            colour = "white" if abs(tau) > 0.6 else "black"
            axis.text(column, row, f"{tau:.2f}", ha="center", va="center", fontsize=6.5, color=colour)
        axis.set_title(f"{dataset}; a repetition of {BASE}: {repeated(tables[BASE]):.2f}", fontsize=10)
        axis.set_xticks(range(len(ALL)), ALL, rotation=60, ha="right", fontsize=7)
        axis.set_yticks(range(len(ALL)), ALL, fontsize=7)
    figure.colorbar(image, ax=axes, shrink=0.5, label="Kendall's tau-b of the order of the trained methods")
    return figure
