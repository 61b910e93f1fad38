"""What several tables show together: mean ranks over data sets, and ranks by several protocols."""

from dataclasses import replace

import pytest

from tests.leaderboard.made import protocol, runs
from topobench.leaderboard import make_board, make_tables, render, write_leaderboard
from topobench.types import Row


def test_mean_ranks_are_over_the_methods_that_have_one_everywhere():
    made = [
        *runs("a", 1.0, "first"), *runs("b", 20.0, "first"), *runs("c", 30.0, "first"),
        *runs("only-here", 0.1, "first"),
        *runs("a", 1.0, "second"), *runs("c", 20.0, "second"), *runs("b", 30.0, "second"),
    ]  # fmt: skip
    [overall] = make_board(made).overalls
    assert overall.title == "2 data sets, protocol hu2019 v1"
    assert [(entry.label, entry.rank, entry.ranks) for entry in overall.entries] == [
        ("a", 1.0, (1.0, 1.0)), ("b", 2.5, (2.0, 3.0)), ("c", 2.5, (3.0, 2.0)),
    ]  # fmt: skip
    assert [entry.ends for entry in overall.entries] == [(1.0, 1.0), (2.5, 2.5), (2.5, 2.5)]


def test_ranks_that_other_images_would_change_have_an_interval():
    made = [found for name in ("first", "second") for level in (1.0, 1.01) for found in runs(f"m{level}", level, name)]
    [overall] = make_board(made).overalls
    assert all(entry.ends[0] < entry.ends[1] for entry in overall.entries)


def of_images(name, dataset, values, seeds=(0,)):
    """Runs of a method with these values, each of an image that is a unit; seeds add a tenth more or less."""
    return [
        replace(one, rows=tuple(
            Row(f"image-{k}", f"unit-{k}", "hu2019", {"betti_error": value + one.seed / 10 - len(seeds) // 2 / 10})
            for k, value in enumerate(values)
        ))
        for one in runs(name, 1.0, dataset, seeds=seeds)
    ]  # fmt: skip


def test_images_that_are_hard_for_all_part_no_methods():
    """Of few units all that is drawn is stretched far: if one method less far than another, it would pass it."""
    made = [
        found for dataset in ("first", "second")
        for found in (*of_images("a", dataset, [1, 9]), *of_images("b", dataset, [4, 12], seeds=(0, 1, 2)))
    ]  # fmt: skip
    [overall] = make_board(made).overalls
    assert [(entry.label, entry.ends) for entry in overall.entries] == [("a", (1.0, 1.0)), ("b", (2.0, 2.0))]


def test_of_one_unit_ranks_have_no_interval(tmp_path):
    made = [*of_images("a", "first", [1, 2]), *of_images("b", "first", [3, 4])]
    made += [*of_images("a", "second", [1]), *of_images("b", "second", [3])]
    board = make_board(made)
    assert [entry.ends for entry in board.overalls[0].entries] == [None, None]
    assert "| a | 1.00 | \N{EN DASH} | 1 | 1 |" in render(board, tmp_path)["leaderboard.md"].decode()


def test_high_figures_rank_from_above():
    best, levels = {"hu2019": protocol(ranked_by="accuracy")}, {"a": 5.0, "b": 1.0}
    made = [one for d in ("first", "second") for n, v in levels.items() for one in runs(n, v, d, protocols=best)]
    assert [entry.label for entry in make_board(made).overalls[0].entries] == ["b", "a"]


@pytest.mark.parametrize("other", ["budget", "protocol", "version"])
def test_only_one_protocol_and_budget_is_compared(other):
    changes = {
        "budget": {"budget": {"steps": 9, "batch": 4, "crop": 96}},
        "protocol": {"protocols": {"hu2019": protocol(patch_size=33)}},
        "version": {},
    }[other]
    made = [found for name in "ab" for found in runs(name, 1.0, "first")]
    made += [found for name in "ab" for found in runs(name, 1.0, "second", **changes)]
    if other == "version":  # of one data set two cards: which would count?
        made += [replace(found, card={"name": "first", "version": 2}, run_id=f"2{found.run_id}") for found in made[:6]]
    assert make_board(made).overalls == []


def test_connectivity_is_the_data_sets_own():
    made = [found for name, level in (("a", 1.0), ("b", 2.0)) for found in runs(name, level, "first")]
    four = {"hu2019": protocol(connectivity=4, phase="structure")}
    made += [f for name, level in (("a", 1.0), ("b", 2.0)) for f in runs(name, level, "second", protocols=four)]
    assert len(make_board(made).overalls) == 1


def test_what_a_table_shows_besides_parts_no_comparison():
    grown = {"hu2019": protocol(figures=["betti_error", "accuracy", "voi", "dice"])}
    made = [found for name in "ab" for found in runs(name, 1.0, "first")]
    made += [found for name in "ab" for found in runs(name, 1.0, "second", protocols=grown)]
    assert len(make_board(made).overalls) == 1


def test_views_go_from_small_patches_to_whole_images():
    chosen = {
        "whole": protocol("whole", sampling="whole", patch_size=None),
        "hu2019:129": protocol("hu2019:129", patch_size=129),
        "hu2019:c4": protocol("hu2019:c4", connectivity=4), "hu2019": protocol(),
    }  # fmt: skip
    made = [*runs("a", 1.0, protocols=chosen), *runs("b", 2.0, protocols=chosen)]
    [section] = make_board(made).sections
    [setting] = section.settings
    assert setting.views.protocols == ["hu2019", "hu2019:c4", "hu2019:129", "whole"]
    assert {label: [rank for rank, _ in found] for label, found in setting.views.ranks.items()} == {
        "a": [1, 1, 1, 1], "b": [2, 2, 2, 2],
    }  # fmt: skip
    assert setting.views.ranks["a"][0][1] == setting.main[0].entries[0].means["betti_error"]
    assert [table.protocol["name"] for table in setting.main] == ["hu2019", "whole"]  # variants stand in the views
    assert len(make_tables(made)) == 4


def test_runs_that_all_failed_have_a_page_by_several_protocols(tmp_path):
    both = {"hu2019": protocol(), "whole": protocol("whole", sampling="whole", patch_size=None)}
    made = [replace(one, status="failed: no luck", rows=()) for one in runs("a", 1.0, protocols=both)]
    [section] = write_leaderboard(made, tmp_path).sections
    assert section.settings[0].views is None
    assert (tmp_path / "index.html").read_text(encoding="utf-8").count("no luck") == 2 * 3
