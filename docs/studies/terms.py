"""Does a topological term help: each from the same warm-up on, against cross entropy alone."""

from collections import defaultdict

import matplotlib.pyplot as plt
import numpy as np

from studies.published import DASH, markdown, recipes_of, signed
from topobench.cards import load_recipe, load_suite
from topobench.errors import RecordError
from topobench.leaderboard.entries import ALPHA, Frame, scores_of
from topobench.leaderboard.outcomes import outcomes_of
from topobench.leaderboard.resampling import interval
from topobench.leaderboard.statistics import differences, holm, p_of_none
from topobench.leaderboard.words import p_value
from topobench.metrics import FIGURES

SUITES = ("helps", "helps-weights")
CONTROL = "unet-ce"
WANTED = {  # figure -> the protocol that it is taken from
    "betti1_error": "hu2019", "betti_matching_error": "pitfalls", "arand_f_filled": "hu2019", "voi_filled": "hu2019",
    "accuracy": "hu2019",
}  # fmt: skip
PARTS = {  # of which these are made up; shown, and not tested
    "voi_merge_filled": "hu2019", "voi_split_filled": "hu2019", "betti0_matching_error": "pitfalls",
    "betti1_matching_error": "pitfalls",
}  # fmt: skip


def blocks(published):
    """Return the text of each block of the page, by its name."""
    found = arms(published)
    return {
        "conditions": conditions(published),
        "means": means(found),
        "parts": means(arms(published, PARTS)),
        "differences": all_differences(found),
        "verdict": verdict(found),
    }


def pictures(published):
    """Return the pictures of the page, by name."""
    return {"study-terms": draw(arms(published))}


def names():
    """Return the recipes of the suites, the control first: one that is tried with several weights with each of them."""
    found = [recipe.name for suite in map(load_suite, SUITES) for recipe in recipes_of(suite)]
    return [CONTROL, *(name for name in found if name != CONTROL)]


def runs_of(published):
    """Return the trainings of each arm by its name, in the order of fold and seed; RecordError if these differ."""
    found = {name: [] for name in names()}
    for record in (record for suite in SUITES for record in published.of(suite)):
        found[record.recipe["name"]].append(record)
    wanted = [(record.fold, record.seed) for record in found[CONTROL]]
    for name, records in found.items():
        if not records or [(record.fold, record.seed) for record in records] != wanted:
            raise RecordError(
                f"{name} has {len(records)} trainings of the suites {' and '.join(SUITES)}, and {CONTROL} "
                f"{len(wanted)}; both must be there for the same folds and seeds. Run what is missing."
            )
    return found


def arms(published, wanted=WANTED):
    """Return for each arm and figure what its runs gave on each image, runs by fold and seed."""
    runs = {name: list(map(outcomes_by_protocol, records)) for name, records in runs_of(published).items()}
    found = defaultdict(dict)
    for figure, protocol in wanted.items():
        of_it = {name: [outcomes[protocol] for outcomes in of_name] for name, of_name in runs.items()}
        frame = Frame.of([outcome for outcomes in of_it.values() for outcome in outcomes])
        for name, outcomes in of_it.items():
            found[name][figure] = scores_of(outcomes, frame)[figure]
    return dict(found)


def outcomes_by_protocol(record):
    """Return what a run gave, by protocol."""
    return {outcome.protocol: outcome for outcome in outcomes_of(record)}


def conditions(published):
    """Return what was run, in a sentence."""
    budget = load_suite(SUITES[0]).budget
    found = runs_of(published)
    records = [record for of_it in found.values() for record in of_it]
    folds, seeds = ({getattr(record, name) for record in records} for name in ("fold", "seed"))
    warmed = sum("warm_up" in record.training for record in records)
    return (
        f"{len(records)} trainings: {len(found)} arms, {len(folds)} folds, {len(seeds)} seeds; {budget.steps} steps of "
        f"{budget.batch} crops of {budget.crop}x{budget.crop}, of which the first {budget.steps // 2} are the warm-up. "
        f"{warmed} of them went on from the checkpoint of a warm-up that another run had taken, the others took that "
        "very warm-up themselves."
    )


def weight_of(name):
    """Return the weight of an arm's last term."""
    base, _, factor = name.partition("-x")
    recipe = load_recipe(base).scaled(float(factor) if factor else 1.0)
    return f"{recipe.loss[-1].weight:g} `{recipe.loss[-1].name}`" if len(recipe.loss) > 1 else DASH


def means(found):
    """Return the mean of each figure of each arm, with its interval."""
    rows = []
    for name, figures in found.items():
        cells = []
        for scores in figures.values():
            low, high = interval(scores.replicates)
            cells.append(f"{scores.mean:.3f} [{low:.3f}, {high:.3f}]")
        rows.append([f"`{name}`", weight_of(name), *cells])
    return markdown(["arm", "term", *(f"{figure} {FIGURES[figure].arrow}" for figure in found[CONTROL])], rows)


def compared(found):
    """Return (arm, figure, differences from the control, p alone, p corrected for all of them)."""
    each = [
        (name, figure, differences(scores, found[CONTROL][figure]))
        for name, figures in found.items() if name != CONTROL
        for figure, scores in figures.items()
    ]  # fmt: skip
    alone = [p_of_none(scores) for *_, scores in each]
    return [(*one, *p) for one, p in zip(each, zip(alone, holm(alone), strict=True), strict=True)]


def all_differences(found):
    """Return the difference of each arm from the control, with its interval and corrected p value."""
    rows = defaultdict(list)
    for name, _, scores, alone, p in compared(found):
        low, high = interval(scores.replicates)
        text = f"{signed(scores.mean)} [{signed(low)}, {signed(high)}], p {p_value(p)} (alone {p_value(alone)})"
        rows[name].append(f"**{text}**" if p < ALPHA else text)
    header = ["arm", *(f"{figure} {FIGURES[figure].arrow}" for figure in WANTED)]
    return markdown(header, [[f"`{name}`", *cells] for name, cells in rows.items()])


def verdict(found):
    """Return what can be told apart from the control, in a sentence an arm."""
    said = {name: {"better": [], "worse": []} for name in found if name != CONTROL}
    every = compared(found)
    for name, figure, scores, _, p in every:
        if p < ALPHA:
            said[name]["better" if gains(figure, scores) else "worse"].append(figure)
    clear = sum(not low <= 0 <= high for low, high in (interval(one[2].replicates) for one in every))
    alone, corrected = (sum(one[place] < ALPHA for one in every) for place in (3, 4))
    lines = [
        f"Of {len(every)} intervals {clear} leave 0 out; {alone} of the tests have p < {ALPHA} alone, {corrected} "
        "after correction.\n"
    ]
    for name, found_of in said.items():
        parts = [f"{word} in {', '.join(figures)}" for word, figures in found_of.items() if figures]
        nothing = "not told apart from cross entropy alone in any figure"
        lines.append(f"- `{name}`: {' and '.join(parts) or nothing}.")
    return "\n".join(lines)


def gains(figure, scores):
    """Whether differences are for the better."""
    return (scores.mean > 0) == (FIGURES[figure].better == "high")


def draw(found):
    """Draw the differences from the control with their intervals, a panel a figure."""
    others = [name for name in found if name != CONTROL]
    figure, axes = plt.subplots(1, len(WANTED), figsize=(13, 3.0), layout="constrained", sharey=True)
    for axis, name in zip(axes, WANTED, strict=True):
        for place, (arm, _, scores, _, p) in enumerate(one for one in compared(found) if one[1] == name):
            low, high = interval(scores.replicates)
            sure = p < ALPHA
            colour = "0.55" if not sure else "#2166ac" if gains(name, scores) else "#b2182b"
            axis.plot([low, high], [place, place], color=colour, lw=2)
            axis.plot(scores.mean, place, "o", color=colour, ms=6)
            assert arm == others[place]
        axis.axvline(0, color="black", lw=0.8)
        axis.set_title(f"{name} {FIGURES[name].arrow}", fontsize=9)
        axis.tick_params(labelsize=7)
        axis.spines[["top", "right"]].set_visible(False)
    axes[0].set_yticks(np.arange(len(others)), others, fontsize=8)
    axes[0].invert_yaxis()
    figure.supxlabel(
        "less cross entropy alone; 95 % intervals. Blue: better, red: worse, told apart; grey: not", fontsize=8
    )
    return figure
