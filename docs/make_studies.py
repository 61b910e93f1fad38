"""Write the tables and pictures of the studies, from the records that are published.

`python docs/make_studies.py` rewrites them: what is marked in docs/study-protocols.md, docs/study-terms.md and
results/README.md, and docs/images/study-*.png. With `--check` it writes nothing, names what is stale and exits with 1.
What people wrote around the marks is kept.
"""

import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from studies import costs, protocols, terms
from studies.published import Published

from topobench.drawing import save_figure
from topobench.errors import TopobenchError

DOCS = Path(__file__).parent
RECORDS = DOCS.parent / "results" / "records"
PAGES = {
    DOCS / "study-protocols.md": protocols,
    DOCS / "study-terms.md": terms,
    DOCS.parent / "results" / "README.md": costs,
}
BLOCK = re.compile(r"(<!-- made by docs/make_studies\.py: ([\w-]+) -->\n).*?(<!-- end of what is made -->)", re.DOTALL)


def filled(path, blocks):
    """Return a page with its blocks as they are made; SystemExit where one cannot be."""
    text = path.read_text(encoding="utf-8")
    if missing := {found[2] for found in BLOCK.finditer(text)} - set(blocks):
        names = ", ".join(sorted(missing))
        sys.exit(f"{path.name} wants {names}, of which {RECORDS} has no records; run the suites that it names first.")
    return BLOCK.sub(lambda found: f"{found[1]}\n{blocks[found[2]]}\n\n{found[3]}", text)


def main(check):
    """Write the pages and pictures, or only compare the pages; return the exit code."""
    published, stale = Published.read(RECORDS), []
    for path, study in PAGES.items():
        try:
            made = filled(path, study.blocks(published))
        except TopobenchError as error:
            sys.exit(f"{path.name}: {error}")
        if check:
            stale += [path] * (made != path.read_text(encoding="utf-8"))
            continue
        path.write_text(made, encoding="utf-8")
        for name, figure in getattr(study, "pictures", lambda _: {})(published).items():
            save_figure(figure, DOCS / "images" / f"{name}.png")
            plt.close(figure)
    for path in stale:
        print(f"{path.relative_to(DOCS.parent)} is stale; run python docs/make_studies.py", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
