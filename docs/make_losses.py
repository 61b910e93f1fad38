"""Write into docs/losses.md the options and claims of every loss, the rules of the conformance suite and what it says.

And draw docs/images/explain.png.

`python docs/make_losses.py` takes a minute or two.
"""

import inspect
import json
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "losses.md"
START, END = "<!-- made by docs/make_losses.py: {} -->", "<!-- end of what is made -->"
HERE_ONLY = "cpu = cuda"  # depends on the machine
ROWS = {  # heading -> name and options
    "cross-entropy": ("cross-entropy", {}),
    "dice": ("dice", {}),
    "topological": ("topological", {}),
    "topological, b0 and b1, no frame": ("topological", {"dimensions": (0, 1), "frame": False}),
    "topological, wasserstein": ("topological", {"matching": "wasserstein", "dimensions": (0, 1)}),
    "wasserstein": ("wasserstein", {}),
    "betti-matching": ("betti-matching", {}),
    "cldice": ("cldice", {}),
    "skeleton-recall": ("skeleton-recall", {}),
    "cbdice": ("cbdice", {}),
    "homotopy-warping": ("homotopy-warping", {}),
    "topograph": ("topograph", {}),
    "malis": ("malis", {}),
    "malis, structure": ("malis", {"phase": "structure"}),
    "mosinska, random features": ("mosinska", {"pretrained": False}),
    "topoloss-2021": ("topoloss-2021", {}),
}


def page(text, reports):
    """Return the page's text with its three tables in their places; reports are heading -> Report."""
    for name, made in (("options", options_table()), ("rules", rules_table()), ("reports", table(reports))):
        start = START.format(name)
        first = text.index(start)
        text = f"{text[:first]}{start}\n\n{made}\n\n{text[text.index(END, first) :]}"
    return text


def options_table():
    """Return the Markdown table of options with their defaults, and of claims: a row a loss."""
    from topobench import load_loss
    from topobench.registry import load

    lines = [["loss", "options and their defaults", "claims"], ["---"] * 3]
    for name, options in dict(ROWS.values()).items():
        parameters = inspect.signature(load("losses", name)).parameters.values()
        shown = [f"`{one.name} = {toml(one.default)}`" for one in parameters]
        pretrained = {"pretrained": False} if "pretrained" in options else {}
        lines.append([f"`{name}`", ", ".join(shown) or "-", claim_in_words(load_loss(name, **pretrained).claim)])
    return markdown(lines)


def toml(value):
    """Return a default as a recipe would have it."""
    if value is None:
        return '"whole"'  # TOML has no None
    return json.dumps(value)


def claim_in_words(claim):
    """Return what a loss promises."""
    if claim is None:
        return "-"
    numbers = " and ".join(f"b{dimension}" for dimension in claim.dimensions)
    frame = "framed" if claim.frame else "no frame"
    return (
        f"{numbers}, {claim.connectivity}-connected, {frame}{'' if claim.descent else '; not that descent ends right'}"
    )


def rules_table():
    """Return the Markdown table of what each rule asks."""
    from topobench.losses.conformance import RULES

    return markdown([["rule", "what it asks"], ["---"] * 2, *([rule.name, rule.meaning] for rule in RULES)])


def table(reports):
    """Return the Markdown table of reports: a row a loss, a column a rule."""
    counts = {heading: report.counts() for heading, report in reports.items()}
    rules = [rule for rule in next(iter(counts.values())) if rule != HERE_ONLY]
    lines = [["loss", *rules], ["---", *["---:"] * len(rules)]]
    lines += [[heading, *(cell(**count[rule]) for rule in rules)] for heading, count in counts.items()]
    return markdown(lines)


def markdown(lines):
    """Return rows of cells as a Markdown table."""
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(passed, failed, **_):
    """Return what a cell says of one rule's cases."""
    if failed:
        return f"**{passed} of {passed + failed}**"
    return str(passed or "-")


def main():
    """Write the page and the picture."""
    from topobench import load_loss
    from topobench.losses.conformance import check_loss

    reports = {}
    for heading, (name, options) in ROWS.items():
        reports[heading] = check_loss(load_loss(name, **options), heading)
        print(f"{heading}: {len(reports[heading].failed)} of {len(reports[heading].checks)} failed")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), reports), encoding="utf-8")
    picture = DOCS / "images" / "explain.png"
    arguments = ["explain", "topological", "--toy", "merged-cells", "-o", str(picture)]
    subprocess.run([sys.executable, "-m", "topobench", *arguments], check=True)


if __name__ == "__main__":
    main()
