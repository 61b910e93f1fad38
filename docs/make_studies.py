"""Write the tables and pictures of the studies, from the records that are published.

`python docs/make_studies.py [RECORDS]` rewrites them (from `results/records`): what is marked in
docs/study-protocols.md, docs/study-terms.md and results/README.md, and docs/images/study-*.png. With `--check` it
writes nothing, names what is stale and exits with 1. What people wrote around the marks is kept.
"""

import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
from studies import costs, protocols, terms
from studies.published import Published

from topobench.drawing import save_figure

DOCS = Path(__file__).parent
RECORDS = DOCS.parent / "results" / "records"
PAGES = {
    DOCS / "study-protocols.md": protocols,
    DOCS / "study-terms.md": terms,
    DOCS.parent / "results" / "README.md": costs,
}
BLOCK = re.compile(r"(<!-- made by docs/make_studies\.py: ([\w-]+) -->\n).*?(<!-- end of what is made -->)", re.DOTALL)


def filled(text, blocks):
    """Return a page with its blocks as they are made."""
    return BLOCK.sub(lambda found: f"{found[1]}\n{blocks[found[2]]}\n\n{found[3]}", text)


def main(arguments):
    """Write the pages and pictures, or only compare the pages; return the exit code."""
    check = "--check" in arguments
    folders = [Path(argument) for argument in arguments if argument != "--check"]
    published, stale = Published.read(folders[0] if folders else RECORDS), []
    for path, study in PAGES.items():
        text = path.read_text(encoding="utf-8")
        made = filled(text, study.blocks(published))
        stale += [path] * (made != text)
        if check:
            continue
        path.write_text(made, encoding="utf-8")
        for name, figure in getattr(study, "pictures", lambda _: {})(published).items():
            save_figure(figure, DOCS / "images" / f"{name}.png")
            plt.close(figure)
    for path in stale if check else ():
        print(f"{path.relative_to(DOCS.parent)} is stale; run python docs/make_studies.py", file=sys.stderr)
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
