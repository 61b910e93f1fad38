"""Write into docs/losses.md what the conformance suite says of every loss, and draw docs/images/explain.png.

`python docs/make_losses.py` takes a minute or two.
"""

import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent
PAGE = DOCS / "losses.md"
START, END = "<!-- made by docs/make_losses.py -->", "<!-- end of what is made -->"
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
    """Return the page's text with the table of reports, heading -> Report, in its place."""
    return f"{text[: text.index(START)]}{START}\n\n{table(reports)}\n\n{text[text.index(END) :]}"


def table(reports):
    """Return the Markdown table: a row a loss, a column a rule."""
    counts = {heading: report.counts() for heading, report in reports.items()}
    rules = [rule for rule in next(iter(counts.values())) if rule != HERE_ONLY]
    lines = [["loss", *rules], ["---", *["---:"] * len(rules)]]
    lines += [[heading, *(cell(**count[rule]) for rule in rules)] for heading, count in counts.items()]
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
