"""The studies that are made of published records: numbers by hand, and what goes stale is named."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.leaderboard.made import protocol, runs
from topobench.errors import RecordError
from topobench.types import Row

sys.path.append(str(ROOT / "docs"))

import make_studies
from studies import costs, protocols, terms
from studies.published import Published, budget_of, signed

FIGURES = (*terms.WANTED, "betti_error", *terms.PARTS)


def trained(name, dataset, levels, suite, protocols, seeds=(0, 1), recipe=None):
    """The runs of a method in three folds of four images, a unit each: every figure is the level of its protocol."""
    made = []
    for one in runs(name, 1.0, dataset, folds=(0, 1, 2), seeds=seeds, protocols=protocols, budget=budget_of(suite)):
        luck = np.random.default_rng([one.fold, one.seed]).normal(0, 0.05)
        rows = tuple(
            Row(f"image-{one.fold}{k}", f"unit-{one.fold}{k}", by, {
                name: level + luck + k / 100 for name, level in zip(FIGURES, levels(by), strict=True)
            })
            for by in protocols for k in range(4)
        )  # fmt: skip
        cost = {"train_seconds": 3600.0, "score_seconds": 0.0, "loss_ms_per_step": 1.0, "network_ms_per_step": 100.0}
        made.append(replace(one, rows=rows, cost=cost))
    return made


@pytest.fixture(scope="module")
def helped():
    """Arms of the suite helps: one is better than the control in its Betti errors, one worse, the others alike."""
    both = {name: protocol(name, figures=list(FIGURES), columns=list(FIGURES)) for name in ("hu2019", "pitfalls")}
    gains = {"unet-betti-matching": (-0.5, -0.5, 0, 0, 0), "unet-topoloss-2021": (0.5, 0.5, -0.3, 0.2, -0.1)}
    made = []
    for number, name in enumerate(terms.names()):
        gain = [*gains.get(name, (0.0,) * 5), *(0.0,) * (len(FIGURES) - 5)]
        rng = np.random.default_rng(number)

        def levels(by, gain=gain, rng=rng):
            return [2 + change + rng.normal(0, 0.001) for change in gain]

        made += trained(name, "isbi2012", levels, "helps", both, seeds=(0, 1, 2))
    return Published(tuple(made))


def test_the_arms_are_those_of_the_issue():
    assert terms.names() == [
        "unet-ce", "unet-topo", "unet-betti-matching", "unet-ce-cldice", "unet-topoloss-2021", "unet-topo-x0.2",
        "unet-topo-x5",
    ]  # fmt: skip
    assert [terms.weight_of(name).split()[0] for name in ("unet-topo-x0.2", "unet-topo", "unet-topo-x5")] == [
        "0.01", "0.05", "0.25",
    ]  # fmt: skip


def test_what_helps_is_told_apart_and_what_does_nothing_is_not(helped):
    counts, _, *lines = terms.blocks(helped)["verdict"].splitlines()
    assert counts.startswith("Of 30 intervals 7 leave 0 out; 7 of the tests have p < 0.05 alone, 7 after correction")
    said = dict(line[2:].split(": ", 1) for line in lines)
    assert said["`unet-betti-matching`"] == "better in betti1_error, betti_matching_error."
    assert said["`unet-topoloss-2021`"] == (
        "worse in betti1_error, betti_matching_error, arand_f_filled, voi_filled, accuracy."
    )
    assert said["`unet-topo`"] == "not told apart from cross entropy alone in any figure."


def test_differences_are_those_of_the_means(helped):
    found = {(arm, figure): scores.mean for arm, figure, scores, *_ in terms.compared(terms.arms(helped))}
    assert found["unet-betti-matching", "betti1_error"] == pytest.approx(-0.5, abs=0.01)
    assert found["unet-topoloss-2021", "arand_f_filled"] == pytest.approx(-0.3, abs=0.01)
    assert len(found) == 6 * len(terms.WANTED)
    assert "63 trainings: 7 arms, 3 folds, 3 seeds; 600 steps" in terms.blocks(helped)["conditions"]


@pytest.fixture(scope="module")
def ranked():
    """Three methods and a null row, whose order one protocol turns round."""
    chosen = {name: protocol(name, figures=["betti_error"], columns=["betti_error"]) for name in protocols.ALL}
    made = []
    for place, name in enumerate(("unet-ce", "unet-topo", "unet-malis")):

        def levels(by, place=place):
            return [1.0 + (2 - place if by == "cldice64" else place)] * len(FIGURES)

        made += trained(name, "isbi2012", levels, "cpu", chosen)
    null = trained("null-largest", "isbi2012", lambda by: [2.5] * len(FIGURES), "cpu", chosen, seeds=(0,))
    nulls = [replace(one, kind="null", budget={}, seed=None, run_id=f"0{one.run_id[1:]}") for one in null]
    return Published((*made, *nulls))


def test_ranks_and_what_is_turned_round(ranked):
    blocks = protocols.blocks(ranked)
    assert "| `unet-ce` | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 1 | 4 | 1.0" in blocks["ranks-isbi2012"]
    assert "| null-largest | 3 |" in blocks["ranks-isbi2012"]
    assert "| `hu2019:33` | 1.00; 0 of 3; 3 |" in blocks["agreement"]
    assert "| `cldice64` | -1.00; 3 of 3; 3 |" in blocks["agreement"]
    assert "| isbi2012 | `cldice64` | 3 | `unet-ce` before `unet-malis`, " in blocks["against"]
    assert "| `hu2019` | 1 of 3 (null-largest) |" in blocks["nulls"]
    assert "| isbi2012 | whole | 1." in blocks["sizes"]


def test_costs_are_sums_of_what_records_say(ranked):
    blocks = costs.blocks(ranked)
    assert (
        "| isbi2012 | `hu2019` | 3 of 3 | `unet-ce` (2), `unet-topo` (1) | `unet-malis` (2), `unet-topo` (1) |"
        in (blocks["losses"])
    )
    assert "| `cpu` | 160 steps of 4 crops of 96x96 | 3 | isbi2012 (2 seeds) | 18 | 18.0 |" in blocks["runs"]


def test_arms_without_the_same_folds_and_seeds_are_refused(helped):
    lacking = [one for one in helped.records if (one.recipe["name"], one.fold, one.seed) != ("unet-topo", 0, 2)]
    with pytest.raises(RecordError, match=r"unet-topo has 8 trainings .* and unet-ce 9; both must be there"):
        terms.blocks(Published(tuple(lacking)))
    with pytest.raises(RecordError, match="unet-ce has 0 trainings"):
        terms.blocks(Published(()))


def test_what_failed_or_ran_elsewhere_is_left_out(helped, ranked):
    failed = replace(helped.records[0], status="failed: no memory", rows=(), run_id="f" * 64)
    cuda = [replace(one, device="cuda", run_id=f"c{one.run_id[1:]}") for one in ranked.records[:6]]
    assert terms.blocks(Published((*helped.records, failed))) == terms.blocks(helped)
    assert protocols.blocks(Published((*ranked.records, *cuda))) == protocols.blocks(ranked)


def test_two_tables_of_one_data_set_and_protocol_are_refused(ranked):
    other = [replace(one, data_hash="1" * 64, run_id=f"d{one.run_id[1:]}") for one in ranked.records[:6]]
    with pytest.raises(RecordError, match="the records hold two tables of isbi2012"):
        protocols.blocks(Published((*ranked.records, *other)))


@pytest.fixture
def page(helped, tmp_path, monkeypatch):
    """A page of one block, with words around it, that is made of the records of `helped`."""
    page = tmp_path / "docs" / "study.md"
    page.parent.mkdir()
    page.write_text("a\n<!-- made by docs/make_studies.py: verdict -->\nstale words\n<!-- end of what is made -->\nb\n")
    monkeypatch.setattr(make_studies, "PAGES", {page: terms})
    monkeypatch.setattr(make_studies, "DOCS", tmp_path / "docs")
    monkeypatch.setattr(make_studies.Published, "read", lambda folder: helped)
    return page


def test_stale_pages_are_named_and_what_is_around_blocks_is_kept(page, capsys):
    assert make_studies.main(check=True) == 1
    assert "docs/study.md is stale; run python docs/make_studies.py" in capsys.readouterr().err
    assert make_studies.main(check=False) == 0
    text = page.read_text()
    assert text.startswith("a\n<!-- made") and text.endswith("made -->\nb\n")
    assert "stale words" not in text and "`unet-betti-matching`: better in" in text
    assert (page.parent / "images" / "study-terms.png").stat().st_size > 10_000
    assert make_studies.main(check=True) == 0


def test_a_page_without_its_records_is_named(page, monkeypatch):
    monkeypatch.setattr(make_studies.Published, "read", lambda folder: Published(()))
    with pytest.raises(SystemExit, match=r"study\.md: unet-ce has 0 trainings of the suites helps and helps-weights"):
        make_studies.main(check=True)
    monkeypatch.setattr(make_studies, "PAGES", {page: protocols})
    with pytest.raises(SystemExit, match=r"study\.md wants verdict, of which .*records has no records"):
        make_studies.main(check=True)


@pytest.mark.parametrize(("value", "text"), [(0.1234, "+0.123"), (-0.5, "\N{MINUS SIGN}0.500"), (-0.0001, "0.000")])
def test_signs(value, text):
    assert signed(value) == text
