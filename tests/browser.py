"""A browser for the tests: Debian's chromium, driven by Playwright, in contexts that forgive nothing.

Playwright's own browsers are not downloaded. Where there is no chromium a test skips, or fails under
TOPOBENCH_REQUIRE_BROWSER=1.
"""

import contextlib
import os
import shutil
from pathlib import Path

import pytest

__all__ = ["browser", "keep_picture", "watched"]

NAMES = ("chromium", "chromium-browser", "google-chrome")


# Not for the whole session: while Playwright runs, its event loop counts as the thread's, and asyncio.run refuses.
@pytest.fixture(scope="package")
def browser():
    """A browser that the tests of a folder share; each opens contexts of its own by `watched`."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _lacking(f"no browser: none of {', '.join(NAMES)} is on the PATH; on Debian: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _lacking("Playwright is not installed: pip install -c constraints.txt -e '.[test]'")
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


@contextlib.contextmanager
def watched(browser, **options):
    """Open a context, with Playwright's `options` of one; AssertionError at its end for whatever went wrong in it.

    That is an error on the console, an exception that nobody caught, and any request but for file: and data:, none of
    which gets through.
    """
    complaints = []
    context = browser.new_context(offline=True, **options)
    context.on("console", lambda said: said.type == "error" and complaints.append(f"console: {said.text}"))
    context.on("weberror", lambda event: complaints.append(f"error: {event.error}"))
    context.on("request", lambda request: _is_local(request.url) or complaints.append(f"request: {request.url}"))
    context.on("page", lambda page: page.on("websocket", lambda socket: complaints.append(f"socket: {socket.url}")))
    try:
        yield context
        for page in context.pages:
            page.evaluate("0")  # an answer comes after all that was said before
    finally:
        context.close()
    assert not complaints, "\n".join(complaints)


def keep_picture(page, name):
    """Keep a picture of the whole page in the folder that TOPOBENCH_ARTEFACTS names, if it names one."""
    if folder := os.environ.get("TOPOBENCH_ARTEFACTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def _is_local(url):
    return url.startswith(("file:", "data:"))


def _lacking(reason):
    if os.environ.get("TOPOBENCH_REQUIRE_BROWSER") == "1":
        pytest.fail(reason)
    pytest.skip(reason)
