"""The page in a browser: opened from disk, no errors, no requests, nothing that sticks out; and the watch itself."""

from dataclasses import replace

import pytest

from tests.browser import keep_picture, watched
from tests.test_scores import record
from topobench.leaderboard import write_leaderboard
from topobench.types import Row


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    """A leaderboard of two methods, a null row, a long name and a run that failed."""
    budget = {"steps": 3, "batch": 2, "crop": 9}

    def method(name, betti, **changes):
        rows = tuple(
            Row(f"image-{k}", "u", "hu2019", {"betti_error": betti + k, "voi": betti / 7 or None}) for k in (0, 1)
        )
        recipe = {"name": name, "version": 1}
        return replace(record(**{"recipe": recipe, "budget": budget} | changes), rows=rows)

    records = [
        *(method(name, betti, seed=seed) for name, betti in (("unet-ce", 2.0), ("unet-topo", 1.0)) for seed in (0, 1)),
        method("a-method-whose-name-is-so-long-that-no-telephone-shows-it-in-a-line <b>&amp;", 0.0),
        replace(method("null-threshold", 40.0, seed=None), kind="null", budget={}),
        record("failed: NaN loss at step 812", budget=budget),
    ]
    folder = tmp_path_factory.mktemp("page")
    write_leaderboard(records, folder, ["records/" + "long-" * 30 + "name.json is torn"])
    return folder / "index.html"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_opens_from_disk_and_nothing_sticks_out(browser, page_file, scheme):
    with watched(browser, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        assert page.get_by_text("unet-topo").count() > 0
        for width in (380, 768, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            wide, has = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            keep_picture(page, f"leaderboard-{scheme}-{width}")
            assert wide <= has == width


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("<script>console.error('no luck')</script>", "console: no luck"),
        ("<script>setTimeout(() => { throw Error('oh') })</script>", "error: oh"),
        ("<img src='https://example.org/logo.png'>", "request: https://example.org/logo.png"),
        ("<style>@import 'http://example.org/a.css';</style>", "request: http://example.org/a.css"),
        ("<script>new WebSocket('ws://127.0.0.1:9/')</script>", "socket: ws://127.0.0.1:9/"),
        ("<script src='lost.js'></script>", "console: Failed to load resource"),
    ],
)  # fmt: skip
def test_what_a_page_must_not_do_is_seen(browser, tmp_path, content, complaint):
    (tmp_path / "bad.html").write_text(f"<!DOCTYPE html><title>bad</title>{content}")
    with pytest.raises(AssertionError, match=complaint), watched(browser) as context:
        context.new_page().goto((tmp_path / "bad.html").as_uri())


def test_a_sound_page_is_let_through(browser, tmp_path):
    sound = (
        "<!DOCTYPE html><title>sound</title><img src='data:image/gif;base64,R0lGODlhAQABAAAAACw='><script>1</script>"
    )
    (tmp_path / "sound.html").write_text(sound)
    with watched(browser) as context:
        context.new_page().goto((tmp_path / "sound.html").as_uri())
