"""The page in a browser: it sorts, filters, hides columns, switches pictures; and says it all without JavaScript."""

import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.browser import keep_picture, watched
from tests.leaderboard.made import BUDGET, LEVELS, protocol, runs, whole_board
from topobench.leaderboard import Prediction, Scene, write_leaderboard, write_scenes

COLUMN = {"rank": 1, "method": 2, "betti_error": 4}


def draw(folder, made):
    """Pictures of one image with the predictions of two methods."""
    (folder / "pictures").mkdir(parents=True)
    first, second = (
        next(one for one in made if one.recipe["name"] == name and one.card["name"] == "toy")
        for name in ("unet-topo", "unet-ce")
    )
    names = [f"{what}.png" for what in ("image", "truth", "a-likelihood", "a-mistakes", "b-likelihood", "b-mistakes")]
    for shade, name in enumerate(names):
        Image.fromarray(np.full((20, 30), 40 * shade, np.uint8)).save(folder / "pictures" / name)
    predictions = (
        Prediction(first.run_id, names[2], names[3], "1 hole lost"),
        Prediction(second.run_id, names[4], names[5], "9 holes lost"),
    )
    write_scenes(folder, [Scene("toy", "0" * 64, "image-00", "the hardest", 20, 30, names[0], names[1], predictions)])


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("board")
    made = whole_board()
    draw(folder, made)
    write_leaderboard(made, folder)
    return folder / "index.html"


@pytest.fixture
def page(browser, page_file):
    with watched(browser) as context:
        found = context.new_page()
        found.goto(page_file.as_uri())
        yield found


def shown(table, column):
    """The texts of a column's cells in the rows that can be seen."""
    cells = table.locator(f"tbody tr:visible > :nth-child({column})")
    return [text.split("\n")[0] for text in cells.all_inner_texts()]


def toy(page):
    return (
        page.locator("section", has=page.get_by_role("heading", name="toy (card version 1)"))
        .locator("table.board")
        .first
    )


def test_a_click_sorts_and_another_turns_it(page):
    table = toy(page)
    assert shown(table, COLUMN["rank"]) == ["1", "2", "3", "4", "5"]
    header = table.get_by_role("columnheader", name="method")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    assert shown(table, COLUMN["method"]) == ["base-topo", "dive-ce", "null-threshold null", "unet-ce", "unet-topo"]
    header.get_by_role("button").click()
    assert shown(table, COLUMN["method"])[0] == "unet-topo"
    accuracy = table.get_by_role("columnheader", name="accuracy")
    accuracy.get_by_role("button").click()  # of what is better high the highest first
    assert accuracy.get_attribute("aria-sort") == "descending"
    assert header.get_attribute("aria-sort") is None
    assert shown(table, COLUMN["rank"])[0] == "1"


def test_what_is_not_known_comes_last_either_way(page):
    table = toy(page)
    header = table.get_by_role("columnheader", name="training s").get_by_role("button")
    header.click()
    assert shown(table, COLUMN["method"])[-1] == "null-threshold null"
    header.click()
    assert shown(table, COLUMN["method"])[-1] == "null-threshold null"


def test_numbers_are_sorted_as_numbers(page):
    table = toy(page)
    table.get_by_role("columnheader", name="betti_error").get_by_role("button").click()
    table.get_by_role("columnheader", name="betti_error").get_by_role("button").click()
    found = [float(text) for text in shown(table, COLUMN["betti_error"])]
    assert sorted(found) in (found, found[::-1])
    assert max(found) > 39


def test_it_filters_by_name_and_kind(page):
    table, search = toy(page), page.get_by_role("searchbox")
    search.fill("TOPO")
    assert set(shown(table, COLUMN["method"])) == {"unet-topo", "base-topo"}
    search.fill("unet topo")
    assert shown(table, COLUMN["method"]) == ["unet-topo"]
    search.fill("")
    page.get_by_role("checkbox", name="null").uncheck()
    assert len(shown(table, COLUMN["method"])) == 4


def test_columns_are_hidden_and_come_back(page):
    table = toy(page)
    page.get_by_text("Columns", exact=True).click()
    box = page.get_by_role("checkbox", name="accuracy")
    box.uncheck()
    assert not table.get_by_role("columnheader", name="accuracy").is_visible()
    assert table.get_by_role("columnheader", name="betti_error").is_visible()
    box.check()
    assert table.get_by_role("columnheader", name="accuracy").is_visible()


def test_it_works_by_keyboard(page):
    table = toy(page)
    button = table.get_by_role("columnheader", name="method").get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert shown(table, COLUMN["method"])[0] == "base-topo"
    page.get_by_role("radio", name="unet-topo").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_role("radio", name="unet-ce").is_checked()
    assert page.get_by_alt_text("unet-ce: 9 holes lost").is_visible()


@pytest.mark.parametrize("script", [True, False])
def test_pictures_show_and_switch_with_and_without_javascript(browser, page_file, script):
    with watched(browser, java_script_enabled=script) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        assert page.get_by_alt_text("unet-topo: 1 hole lost").is_visible()
        assert not page.get_by_alt_text("unet-ce: 9 holes lost").is_visible()
        page.get_by_role("radio", name="unet-ce").check()
        assert page.get_by_alt_text("unet-ce: 9 holes lost").is_visible()
        assert not page.get_by_alt_text("unet-topo: 1 hole lost").is_visible()
        image = page.get_by_alt_text("image image-00")
        image.scroll_into_view_if_needed()
        if script:
            assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [30, 20]


def test_without_javascript_all_is_there_but_the_tools(browser, page_file):
    with watched(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        assert shown(toy(page), COLUMN["rank"]) == ["1", "2", "3", "4", "5"]
        assert not page.get_by_role("searchbox").is_visible()
        for text in ("NaN loss at step 812", "Over all data sets", "not comparable", "topobench run --suite"):
            assert page.get_by_text(text).count() > 0
        assert page.locator("svg.chart").count() >= 2 * (2 + 1 + 2)  # cost by protocol, ranks, two terms


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out_and_text_can_be_read(browser, page_file, scheme):
    with watched(browser, color_scheme=scheme) as context:
        page = context.new_page()
        page.goto(page_file.as_uri())
        for width in (380, 768, 1100, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            keep_picture(page, f"board-{scheme}-{width}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        ratios = page.evaluate(CONTRAST)
        assert min(ratios.values()) >= 4.5, ratios


# The contrast (WCAG 2) of each colour of text with the paper behind it.
CONTRAST = """() => {
  const light = colour => {
    const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
    const [r, g, b] = colour.match(/[0-9.]+/g).map(v => linear(Number(v) / 255));
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const paper = light(getComputedStyle(document.body).backgroundColor);
  const found = {};
  for (const what of ["body", ".soft", "a", "td.best > b", ".ci", ".wins td.win", ".wins td.loss", "summary", ".tag"]) {
    const element = document.querySelector(what);
    if (!element) { found[what + " (missing)"] = 0; continue; }
    const [one, other] = [light(getComputedStyle(element).color), paper].sort((m, n) => n - m);
    found[what] = (one + .05) / (other + .05);
  }
  return found;
}"""


def test_each_radio_has_its_picture_and_ids_are_not_said_twice(page):
    found = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert len(found) == len(set(found))
    assert page.evaluate(
        "[...document.querySelectorAll('nav a')].every(a => document.querySelector(a.getAttribute('href')))"
    )
    assert page.locator("input:not([aria-label]):not(label input)").count() == 0
    assert page.locator("img:not([alt])").count() == 0


def test_the_filter_says_how_much_it_leaves(page):
    search, said = page.get_by_role("searchbox"), page.get_by_role("status")
    assert said.inner_text() == ""
    search.fill("dive")
    rows, of = page.locator("table.board tbody tr:visible").count(), page.locator("table.board tbody tr").count()
    assert said.inner_text() == f"{rows} of {of} rows"
    search.fill("no method is called so")
    assert said.inner_text() == f"0 of {of} rows"
    search.fill("")
    page.get_by_role("checkbox", name="null").uncheck()
    assert said.inner_text() == f"{of - page.locator('tr.null').count()} of {of} rows"


def test_who_comes_back_finds_the_rows_and_columns_that_the_tools_say(page):
    page.get_by_role("searchbox").fill("unet")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_role("checkbox", name="accuracy").uncheck()
    page.goto("about:blank")
    page.go_back()
    assert page.get_by_role("searchbox").input_value() == "unet"
    page.get_by_text("Columns", exact=True).click()
    assert not page.get_by_role("checkbox", name="accuracy").is_checked()
    assert set(shown(toy(page), COLUMN["method"])) == {"unet-ce", "unet-topo"}
    assert not toy(page).get_by_role("columnheader", name="accuracy").is_visible()


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (1000, 700), (640, 450), (380, 700)])
def test_a_link_leads_to_what_can_be_seen(page, width, height):
    """The tools stay in view where there is room, and cover neither a heading nor half of a small screen."""
    page.set_viewport_size({"width": width, "height": height})
    page.get_by_role("link", name="toy").click()
    top, bottom = page.evaluate(
        "[document.querySelector(':target h2').getBoundingClientRect().top,"
        " document.querySelector('.tools').getBoundingClientRect().bottom]"
    )
    assert max(bottom, -1) <= top < height / 2
    assert bottom < height / 5


def test_a_printed_table_is_as_wide_as_the_paper(browser, page_file):
    with watched(browser, viewport={"width": 718, "height": 1000}, color_scheme="dark") as context:  # A4 less margins
        page = context.new_page()
        page.emulate_media(media="print")
        page.goto(page_file.as_uri())
        keep_picture(page, "board-print")
        assert all(page.evaluate("[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth <= 718)"))
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_names_stay_in_view_where_a_table_is_scrolled(page):
    page.set_viewport_size({"width": 380, "height": 700})
    name = toy(page).get_by_role("rowheader", name="unet-topo")
    page.get_by_role("region", name="toy (card version 1), protocol hu2019").first.evaluate("e => e.scrollLeft = 400")
    assert 0 <= name.bounding_box()["x"] < 40


def test_regions_of_two_budgets_have_names_of_their_own(tmp_path):
    both = {"hu2019": protocol(), "whole": protocol("whole", sampling="whole", patch_size=None)}
    made = [
        found
        for budget in (BUDGET, {**BUDGET, "steps": 9})
        for dataset in ("toy", "other")
        for name, level in LEVELS.items()
        for found in runs(name, level, dataset, protocols=both, budget=budget)
    ]
    write_leaderboard(made, tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    names = re.findall(r'role="region" aria-label="([^"]*)"', text)
    assert len(names) == len(set(names)) == 2 * (2 + 2 * (2 + 2 + 1))  # over both; of each tables, pairs, ranks


def test_trained_methods_differ_in_colour_and_shape_however_many_null_rows_there_are(tmp_path):
    names = [f"{letter}-ce" for letter in "abcdyz"]
    made = [
        replace(found, cost={"train_seconds": 9.0 + k})
        for k, name in enumerate(names)
        for found in runs(name, 1.0 + k, "toy")
    ]
    made += [replace(found, kind="null", budget={}) for k in "abcde" for found in runs(f"null-{k}", 9.0, seeds=(None,))]
    write_leaderboard(made, tmp_path)
    text = (tmp_path / "index.html").read_text(encoding="utf-8")
    legend = re.findall(r'class="series (k[0-9])" aria-hidden="true">\s*<g[^>]*>(.*?)</g></svg> ([a-z-]+)<', text)
    assert {name for *_, name in legend} == set(names)
    assert len({colour for colour, _, _ in legend}) == len({shape for _, shape, _ in legend}) == 6
