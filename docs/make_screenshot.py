"""Make `images/leaderboard.png` of the README: the top of a leaderboard's page, in chromium.

`python docs/make_screenshot.py` takes `results/index.html`; another page may be named. It wants chromium.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

DOCS = Path(__file__).parent
WIDTH, HEIGHT = 1280, 826


def main(page_file: Path) -> None:
    """Open the page, and keep a picture of its top, and of the first scene below."""
    output = DOCS / "images" / "leaderboard.png"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(page_file.resolve().as_uri())
        tops = [page.screenshot(path=output)]
        scene = page.locator(".scene").first
        scene.get_by_role("radio").last.check()
        tops.append(scene.screenshot(path=output.with_name("scene.png")))
        browser.close()
    _join(output, output.with_name("scene.png"))
    print(output)


def _join(top: Path, below: Path) -> None:
    """Put one picture below the other, with few colours; the second is removed."""
    first, second = (Image.open(path).convert("RGB") for path in (top, below))
    whole = Image.new("RGB", (WIDTH, first.height + second.height + 24), "white")
    whole.paste(first, (0, 0))
    whole.paste(second, ((WIDTH - second.width) // 2, first.height + 12))
    whole.quantize(128, dither=Image.Dither.NONE).save(top, optimize=True)
    below.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DOCS.parent / "results" / "index.html")
