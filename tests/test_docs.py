"""The docs: what is made from data is current, examples run and print what the pages say, links lead somewhere."""

import contextlib
import io
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tests import frameworks
from tests.conftest import ROOT
from topobench import list_names
from topobench.cards import Card, Suite, Validation, load_card, load_protocol, load_recipe, load_suite, names
from topobench.data.dataset import open_card
from topobench.metrics import FIGURES

DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.rglob("*.md")])
BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", re.DOTALL)


def text_of(path):
    return path.read_text(encoding="utf-8")


def prose_of(path):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text_of(path), flags=re.DOTALL | re.MULTILINE)


def anchors(path):
    """What links into a page may name: its headings as GitHub names them, and its anchors."""
    headings = re.findall(r"^#+ (.*)", prose_of(path), re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="(.*?)">', text_of(path)))


def make_pages(*arguments, docs=DOCS):
    return subprocess.run([sys.executable, docs / "make_pages.py", *arguments], capture_output=True, text=True)


def test_pages_are_current():
    result = make_pages("--check")
    assert result.returncode == 0, result.stderr


def test_what_is_stale_is_named_and_made_anew(tmp_path):
    docs = shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns("images"))
    stale, stray, lost = (docs / "protocols" / f"{name}.md" for name in ("hu2019", "gone", "topomortar"))
    stale.write_text(text_of(stale).replace("65x65", "64x64"), encoding="utf-8")
    stray.write_text("of a protocol that is no more", encoding="utf-8")
    lost.unlink()
    table = docs / "metrics.md"
    table.write_text(text_of(table).replace("harmonic mean of the shares", "mean of the shares"), encoding="utf-8")
    result = make_pages("--check", docs=docs)
    assert result.returncode == 1
    assert [line.split()[0] for line in result.stderr.splitlines()] == [
        "docs/metrics.md", "docs/protocols/gone.md", "docs/protocols/hu2019.md", "docs/protocols/topomortar.md",
    ]  # fmt: skip
    assert make_pages(docs=docs).returncode == 0
    for path in DOCS.rglob("*.md"):
        assert text_of(docs / path.relative_to(DOCS)) == text_of(path)
    assert not stray.exists()


def test_every_protocol_has_a_page_that_the_index_links():
    linked = re.findall(r"\]\(protocols/(.*?)\.md\)", text_of(DOCS / "protocols.md"))
    assert sorted(linked) == names("protocols") == sorted(path.stem for path in (DOCS / "protocols").glob("*.md"))


@pytest.mark.parametrize("name", names("protocols"))
def test_the_page_of_a_protocol_says_all_of_it(name):
    protocol, page = load_protocol(name), text_of(DOCS / "protocols" / f"{name}.md")
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^\| \[`(\w+)`\]", page, re.MULTILINE) == list(protocol.figures)
    assert page.count("\n**") == len(protocol.open)
    assert f"| connectivity of the structure | {protocol.connectivity or 'the card'}" in page
    if protocol.patch_size:
        assert f"| patch size | {protocol.patch_size}x{protocol.patch_size} pixels" in page
    assert f"--protocol {name}\n" in page


def test_every_figure_stands_in_the_table_of_metrics():
    assert re.findall(r'^\| <a id="(\w+)"></a>`\1` \|', text_of(DOCS / "metrics.md"), re.MULTILINE) == list(FIGURES)


def test_every_model_and_recipe_stands_in_the_page_of_models():
    page = text_of(DOCS / "models.md")
    assert set(list_names("models")) <= anchors(DOCS / "models.md")
    assert re.findall(r"^\| \[`([\w-]+)`\]\(#\1\) \|", page, re.MULTILINE) == list_names("models")
    assert re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE) == names("recipes")


@pytest.mark.parametrize("name", ["datasets", "faults", "frameworks", "losses", "metrics", "models", "protocols"])
def test_examples_run_and_print_what_the_page_says(name, tmp_path, monkeypatch):
    """The blocks of a page go on from each other; files that it shows lie where they run."""
    page = text_of(DOCS / f"{name}.md")
    for toml in re.findall(r"```toml\n(.*?)```", page, re.DOTALL):
        if not (name_within := re.search(r'^name = "(.*?)"', toml, re.MULTILINE)):
            continue  # a part of somebody's own file
        (tmp_path / f"{name_within[1]}.toml").write_text(toml, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    if name == "frameworks":
        frameworks.install(monkeypatch)
    blocks = BLOCK.findall(page)
    assert len(blocks) == page.count("```python") > 1
    assert sum(said != "" for _, said in blocks) == page.count("```text")
    namespace = {}
    for code, said in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, f"docs/{name}.md", "exec"), namespace)
        assert printed.getvalue() == said, code


def test_the_example_of_ones_own_card_is_one(tmp_path):
    """Every key of a card but those that are other data sets' stands in it, and it is read as it stands."""
    text = re.search(r"```toml\n(.*?)```", text_of(DOCS / "datasets.md"), re.DOTALL)[1]
    (tmp_path / "my-vessels.toml").write_text(text, encoding="utf-8")
    card = load_card(str(tmp_path / "my-vessels.toml"))
    assert card.folder == str(tmp_path / "clinic")
    assert set(Card.model_fields) - card.model_fields_set <= {"access", "citation"}
    for name in ("p1-left", "p1-right", "p2-left", "p2-right"):
        for folder, file, mode in (("photographs", f"{name}.jpg", "RGB"), ("vessels", f"{name}_vessels.png", "L"),
                                   ("views", f"{name}.png", "L")):  # fmt: skip
            (tmp_path / "clinic" / folder).mkdir(parents=True, exist_ok=True)
            Image.new(mode, (565, 584), 255 if mode == "L" else "red").save(tmp_path / "clinic" / folder / file)
    dataset = open_card(card)
    assert dataset.fold(0) == (["p2-left"], ["p1-left", "p1-right"])
    assert {member.unit for member in dataset.members} == {"p1", "p2"}
    left = open_card(load_card(f"{tmp_path / 'my-vessels.toml'}:left-eyes"))
    assert left.fold(0) == (["p1-right", "p2-right"], ["p1-left", "p2-left"])


def test_the_example_of_ones_own_suite_is_one(tmp_path):
    """Every key of a suite but its description stands in it, and every name that it gives is one."""
    toml = re.search(r"```toml\n(.*?)```", text_of(DOCS / "running.md"), re.DOTALL)[1]
    (tmp_path / "mine.toml").write_text(toml, encoding="utf-8")
    suite = load_suite(str(tmp_path / "mine.toml"))
    assert set(Suite.model_fields) - suite.model_fields_set == {"description"}
    assert suite.budget.validation == Validation()  # what it shows are the defaults
    for recipe in suite.recipes:
        for factor in suite.factors:
            load_recipe(recipe).scaled(factor)
    for protocol in suite.protocols:
        load_protocol(protocol)


def test_the_example_of_ones_own_protocol_scores_a_folder(tmp_path):
    toml = re.search(r"```toml\n(.*?)```", text_of(DOCS / "protocols.md"), re.DOTALL)[1]
    (tmp_path / "bricks128.toml").write_text(toml, encoding="utf-8")
    for folder in ("MAPS", "MASKS"):
        (tmp_path / folder).mkdir()
        np.save(tmp_path / folder / "wall.npy", np.arange(130)[:, None] % 10 + np.zeros((130, 130)) < 2)
    [command] = re.findall(r"^topobench (score .*bricks128.toml)$", text_of(DOCS / "protocols.md"), re.MULTILINE)
    result = subprocess.run(
        [sys.executable, "-m", "topobench", *command.split()], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "bricks128 v1" in result.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_repository_lead_somewhere(page):
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", prose_of(page)):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tables_have_as_many_cells_in_each_row(page):
    for table in re.findall(r"(?:^\|.*\n)+", prose_of(page), re.MULTILINE):
        pipes = [len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()]
        assert len(set(pipes)) == 1, table
