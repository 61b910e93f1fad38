"""Tables: means by hand, ranks, what is not ranked, and the files."""

import re
from copy import deepcopy
from dataclasses import replace

import pytest

from tests.leaderboard.made import BUDGET, protocol, runs
from tests.test_scores import record
from topobench.leaderboard import make_board, make_tables, write_leaderboard
from topobench.leaderboard.charts import cost_chart
from topobench.leaderboard.scenes import choose_images
from topobench.types import Row


def rows(**values):
    return tuple(Row(image, "u", "hu2019", {"betti_error": value, "voi": None}) for image, value in values.items())


def method(name, found, seed=0, **changes):
    made = record(**{"recipe": {"name": name, "version": 1}, "seed": seed} | changes)
    return replace(made, rows=found)


def test_mean_is_over_images_first_over_seeds():
    one, two = method("a", rows(x=1.0, y=4.0)), method("a", rows(x=3.0), seed=1)
    [table] = make_tables([one, two])
    [entry] = table.entries
    assert entry.means["betti_error"] == ((1 + 3) / 2 + 4) / 2
    assert (entry.runs, entry.seeds, entry.images) == (2, 2, 2)


def test_rank_follows_the_betti_error_and_wants_every_image():
    best_but_partial = method("partial", rows(x=0.0))
    table = make_tables([method("b", rows(x=2.0, y=2.0)), best_but_partial, method("a", rows(x=1.0, y=1.0))])[0]
    assert [(entry.method, entry.rank) for entry in table.entries] == [("a", 1), ("b", 2), ("partial", None)]
    assert table.best("betti_error") == 1.0


def test_methods_of_one_name_are_never_averaged():
    scored = {"kind": "scored", "seed": None, "budget": {}}
    mine = [method("m", rows(x=value), recipe={"name": "m", "predictions": str(value)}, **scored) for value in (0, 9)]
    versions = [method("r", rows(x=value), recipe={"name": "r", "version": value}) for value in (1, 2)]
    [table] = make_tables([*mine, method("m", rows(x=5.0)), *versions])
    assert sorted(entry.means["betti_error"] for entry in table.entries) == [0, 1, 2, 5, 9]
    labels = [(entry.method, entry.kind) for entry in table.entries]
    assert ("m", "trained") in labels  # alone of its kind: no version needed
    assert len(set(labels)) == 5


def test_a_method_without_its_pretrained_weights_says_so():
    def of(model, value, status="finished"):
        made = record(status, recipe={"name": "vgg", "version": 1, "model": {"name": "vgg19", **model}})
        return replace(made, rows=rows(x=value) if status == "finished" else ())

    [table] = make_tables([of({"pretrained": True}, 2.0), of({"pretrained": False}, 1.0), of({}, 3.0)])
    assert [entry.method.partition(" [")[0] for entry in table.entries] == ["vgg (from scratch)", "vgg", "vgg"]
    [table] = make_tables([of({}, 3.0), of({"pretrained": False}, 0.0, "failed: no memory")])
    assert table.failures == (("vgg (from scratch), fold 0, seed 0", "no memory"),)


def test_a_loss_without_its_pretrained_weights_says_so():
    terms = [{"name": "cross-entropy"}, {"name": "mosinska", "pretrained": False}]
    recipe = {"name": "a", "version": 1, "model": {"name": "unet"}}
    made = [method("a", rows(x=1.0), recipe={**recipe, "loss": loss}) for loss in (terms, terms[:1])]
    [table] = make_tables(made)
    assert [entry.method for entry in table.entries] == ["a", "a (random features)"]


def test_what_needs_no_training_takes_no_rank_away():
    """Null rows of other folds, and predictions scored on more images, count on the trained images alone."""
    null = [replace(method("null", found, None, fold=fold), kind="null", budget={})
            for fold, found in ((0, rows(x=5.0)), (1, rows(y=7.0)))]  # fmt: skip
    everything = replace(method("all", rows(x=1.0, y=9.0), None, fold=None), kind="scored", budget={})
    on_x = method("a", rows(x=2.0), budget={"steps": 1, "batch": 1, "crop": 1})
    on_y = method("b", rows(y=2.0), fold=1, budget={"steps": 2, "batch": 1, "crop": 1})
    first, second = make_tables([*null, everything, on_x, on_y])
    found = [
        [(entry.method, entry.rank, entry.means["betti_error"]) for entry in table.entries] for table in (first, second)
    ]
    assert found[0] == [("all", 1, 1.0), ("a", 2, 2.0), ("null", 3, 5.0)]
    assert found[1] == [("b", 1, 2.0), ("null", 2, 7.0), ("all", 3, 9.0)]


def test_undefined_values_are_left_out_and_counted():
    [table] = make_tables([method("a", rows(x=1.0, y=None))])
    assert table.entries[0].means == {"betti_error": 1.0}
    assert table.entries[0].undefined == {"betti_error": 1}


def test_failed_runs_are_named_and_not_ranked():
    failed = record("failed: NaN loss at step 812", recipe={"name": "bad", "version": 1})
    [table] = make_tables([method("a", rows(x=1.0)), failed])
    assert [entry.method for entry in table.entries] == ["a"]
    assert table.failures == (("bad, fold 0, seed 0", "NaN loss at step 812"),)


def test_only_what_was_scored_alike_shares_a_table():
    base = method("a", rows(x=1.0))
    protocol = base.protocols["hu2019"]
    null = replace(method("null", rows(x=5.0), None), kind="null", budget={})
    tables = make_tables(
        [
            base,
            null,
            method("b", rows(x=1.0), budget={"steps": 4, "batch": 1, "crop": 9}),
            method("c", rows(x=1.0), card={"name": "toy", "version": 2}),
            replace(method("d", rows(x=1.0)), protocols={"hu2019": {**protocol, "connectivity": 4}}),
        ]
    )
    found = sorted(sorted(entry.method for entry in table.entries) for table in tables)
    assert found == [["a", "null"], ["b", "null"], ["c"], ["d"]]


@pytest.fixture
def written(tmp_path):
    records = [
        method("a<b>|c", rows(x=1.0), budget={"steps": 3, "batch": 2, "crop": 9}),
        record("failed: <script>", budget={"steps": 3, "batch": 2, "crop": 9}),
    ]
    write_leaderboard(records, tmp_path, ["record x.json is torn"])
    return tmp_path


def test_page_stands_alone_and_escapes(written):
    page = (written / "index.html").read_text(encoding="utf-8")
    assert "a&lt;b&gt;" in page
    assert page.count("<script>") == page.count("<script") == 1
    assert set(re.findall(r'(?:src|href)="(.)', page)) == {"#", "d"}  # within the page, or data:
    assert not re.search(r"https?://|@import|url\(", page)
    for part in ("betti_error ↓", "1.000", "3 steps of 2 crops", "500 seeded random patches", "x.json is torn"):
        assert part in page


def test_markdown_table_has_equal_rows(written):
    text = (written / "leaderboard.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in table}) == 1
    assert table[2].startswith(r"| 1† | a\<b>\|c | a | 1.000 |")
    assert "Failed, not ranked: unet-ce, fold 0, seed 0: \\<script>" in text


def test_a_figure_of_a_plugin_has_its_column_and_no_arrow(tmp_path):
    base = method("a", (), budget={})
    protocol = {
        **base.protocols["hu2019"],
        "figures": ["betti_error", "curliness"],
        "columns": ["betti_error", "curliness"],
    }
    found = tuple(
        Row(name, "u", "hu2019", {"betti_error": 1.0, "curliness": value}) for name, value in (("x", 1), ("y", 4))
    )
    made = replace(base, rows=found, protocols={"hu2019": protocol})
    [table] = write_leaderboard([made], tmp_path).tables
    assert table.entries[0].means["curliness"] == 2.5
    assert table.best("curliness") is None
    assert "| curliness  |" in (tmp_path / "leaderboard.md").read_text()
    assert "of a plugin" in (tmp_path / "index.html").read_text()


SHARE = {
    "better": "high", "meaning": "share of *cells* kept", "unit": "", "source": "Doe 2030", "range": [0.0, 1.0],
    "origin": "my-cells 1.2",
}  # fmt: skip


def kept(share=SHARE, dataset="toy", **of_each):
    """Records of methods ranked by the share of cells that they keep, the figure of a plugin that is not installed."""
    chosen = protocol(
        ranked_by="cells_kept", figures=["cells_kept", "betti_error"], columns=["cells_kept", "betti_error"],
        plugin_figures={"cells_kept": share},
    )  # fmt: skip
    return [
        replace(
            one, cost={"train_seconds": 100 * value},
            rows=tuple(replace(row, figures={"cells_kept": value - k / 50, "betti_error": 1.0})
                       for k, row in enumerate(one.rows)),
        )
        for name, value in of_each.items() for one in runs(name, value, dataset, protocols={"hu2019": chosen})
    ]  # fmt: skip


def test_a_file_of_an_odd_name_writes_nothing_into_a_page(tmp_path):
    records = deepcopy(kept(low=0.2, high=0.9))
    for each in records:
        each.protocols["hu2019"]["plugin_figures"]["cells_kept"]["origin"] = "we<b>.py, code 123"
    write_leaderboard(records, tmp_path)
    for name in ("leaderboard.md", "index.html"):
        text = (tmp_path / name).read_text()
        assert "cells_kept of we&lt;b" in text
        assert "we<b>" not in text


def test_a_figure_of_a_plugin_ranks_the_right_way_round_where_it_is_not_installed(tmp_path):
    """Of three methods that keep 0.2, 0.9 and 0.5 of the cells the one that keeps most is the best, everywhere."""
    [table] = write_leaderboard(kept(low=0.2, high=0.9, middle=0.5), tmp_path).tables
    assert [(entry.method, entry.rank) for entry in table.entries] == [("high", 1), ("middle", 2), ("low", 3)]
    assert table.best("cells_kept") == table.entries[0].means["cells_kept"]
    assert table.pair("high", "low").ahead
    assert table.pair("high", "low").share == 1
    assert [pair.first for pair in table.pairs] == ["high", "high", "middle"]
    assert choose_images(table)[0][0] == "image-03"  # the hardest: there the least is kept
    assert cost_chart(table).title.startswith("Cost and quality: cells_kept \N{UPWARDS ARROW} against")
    assert "cells_kept of my-cells 1.2" in table.conditions
    assert table.entries[0].intervals["cells_kept"][1] <= 1
    for name, part in (
        ("leaderboard.md", "| cells_kept \N{UPWARDS ARROW} |"),
        ("leaderboard.md", r"- `cells_kept` (high is better): share of \*cells\* kept"),
        ("leaderboard.tex", r"\texttt{cells\_kept} $\uparrow$"),
        ("leaderboard.csv", ",cells_kept,high,0.87,"),  # 0.9, 0.88, 0.86, 0.84
        ("index.html", 'data-better="high" title="share of *cells* kept" aria-sort="descending"'),
    ):
        assert part in (tmp_path / name).read_text(encoding="utf-8"), (name, part)


def test_another_version_of_a_plugin_has_a_table_of_its_own():
    other = {**SHARE, "origin": "my-cells 1.3"}
    tables = make_tables([*kept(a=0.2), *kept(other, b=0.3)])
    assert [[entry.method for entry in table.entries] for table in tables] in ([["a"], ["b"]], [["b"], ["a"]])
    assert len({table.conditions for table in tables}) == 2
    board = make_board([*kept(a=0.2), *kept({**other, "meaning": "another"}, b=0.3)])
    assert [figure.meaning for figure in board.figures if figure.name == "cells_kept"] == [
        "another", SHARE["meaning"]
    ]  # fmt: skip
    assert board.columns.count("cells_kept") == 1


def test_mean_ranks_over_data_sets_by_a_figure_of_a_plugin():
    found = [one for dataset in ("isbi2012", "toy") for one in kept(SHARE, dataset, low=0.2, high=0.9, middle=0.5)]
    [overall] = make_board(found).overalls
    assert [(entry.label, entry.rank) for entry in overall.entries] == [("high", 1), ("middle", 2), ("low", 3)]


def test_the_protocol_says_what_ranks():
    base = method("a", ())
    protocol = {**base.protocols["hu2019"], "ranked_by": "cldice", "figures": ["cldice"], "columns": ["cldice"]}
    made = [
        replace(method(name, (Row("x", "u", "hu2019", {"cldice": value}),)), protocols={"hu2019": protocol})
        for name, value in (("low", 0.2), ("high", 0.9))
    ]
    [table] = make_tables(made)
    assert [(entry.method, entry.rank) for entry in table.entries] == [("high", 1), ("low", 2)]
    assert table.ranked_by == "cldice"


def test_more_figures_of_one_version_part_no_table():
    """What a table shows may grow without a new version: rows of before stand beside those of after."""
    base = method("a", rows(x=1.0))
    grown = {**base.protocols["hu2019"], "figures": ["betti_error", "voi", "ari"], "columns": ["betti_error"]}
    after = replace(method("b", rows(x=2.0)), protocols={"hu2019": grown})
    assert [len(table.entries) for table in make_tables([base, after])] == [2]


def test_conditions_say_what_was_chosen_and_no_more():
    base = method("a", (), budget={})

    def conditions(**changes):
        return make_tables([replace(base, protocols={"hu2019": {**base.protocols["hu2019"], **changes}})])[0].conditions

    assert conditions() == (
        "500 seeded random patches of 65x65 an image, framed, b1, structure 8-connected, components of the regions, "
        "threshold 0.5 unless a row says otherwise."
    )
    grid = {"sampling": "grid", "patch_size": 128, "frame": False, "dimensions": [0, 1]}
    assert conditions(**grid, figures=["betti_error", "betti_error_whole", "dice"]) == (
        "A grid of 128x128 tiles (*_whole: the whole image), not framed, b0 + b1, structure 8-connected, "
        "threshold 0.5 unless a row says otherwise."
    )
    assert "components" not in conditions(sampling="whole", patch_size=None, figures=["voi_regions", "dice"])


def test_folds_of_predictions_are_one_method_and_rescored_images_are_not():
    scored = {"kind": "scored", "seed": None, "budget": {}}
    folds = [
        method("m", rows(**{image: value}), recipe={"name": "m", "predictions": image}, fold=fold, **scored)
        for fold, (image, value) in enumerate({"x": 1.0, "y": 3.0}.items())
    ]
    [table] = make_tables(folds)
    [entry] = table.entries
    assert (entry.images, entry.runs, entry.rank, entry.means["betti_error"]) == (2, 2, 1, 2.0)
    again = method("m", rows(x=9.0), recipe={"name": "m", "predictions": "better"}, **scored)
    [table] = make_tables([*folds, again])
    assert len(table.entries) == 3


def test_rescored_images_are_told_apart_in_the_table_of_their_own_protocol():
    """The first record knows another protocol besides, and names it first."""
    scored = {"kind": "scored", "seed": None, "budget": {}}
    first, second = (
        method("m", rows(x=value), recipe={"name": "m", "predictions": str(value)}, **scored) for value in (1.0, 9.0)
    )
    other = Row("y", "u", "other", {"betti_error": 0.0})
    choices = first.protocols["hu2019"]
    first = replace(
        first, rows=(other, *first.rows), protocols={"other": {**choices, "name": "other"}, "hu2019": choices}
    )
    tables = {table.protocol["name"]: table for table in make_tables([first, second])}
    assert [entry.means["betti_error"] for entry in tables["hu2019"].entries] == [1, 9]


def test_undefined_figures_win_no_rank():
    """A method that predicts nothing where it is hard has the better mean of what is left, and no rank."""
    base = method("a", (), budget={})
    choices = {**base.protocols["hu2019"], "ranked_by": "cldice", "figures": ["cldice"], "columns": ["cldice"]}
    values = {"brave": (0.9, 0.8), "coward": (1.0, None), "timid": (None, None)}
    made = [
        replace(
            method(
                name,
                tuple(Row(image, "u", "hu2019", {"cldice": v}) for image, v in zip("xy", found, strict=True)),
                budget={},
            ),
            protocols={"hu2019": choices},
        )
        for name, found in values.items()
    ]
    [table] = make_tables(made)
    assert [(entry.method, entry.rank) for entry in table.entries] == [("brave", 1), ("coward", None), ("timid", None)]
    assert table.best("cldice") == pytest.approx(0.85)


def test_what_was_chosen_by_images_held_out_shows_what_they_gave(tmp_path):
    rule = {"protocol": "hu2019", "share": 0.2, "times": 2}
    budget = {"seconds": 60.0, "batch": 8, "crop": 128, "validation": rule}
    chosen = [
        replace(
            method("a", rows(x=1.0), seed, budget=budget),
            training={"steps": 9, "scored": "best", "scored_step": 4, "validated": [[4, value, 0], [9, 7.0, 0]]},
        )
        for seed, value in enumerate((0.5, 1.0))
    ]
    plain = {"steps": 5, "batch": 8, "crop": 128}
    tables = write_leaderboard([*chosen, method("b", rows(x=2.0), budget=plain)], tmp_path).tables
    [first, last] = [table for table in tables for word in ("a", "b") if table.entries[0].method == word]
    assert (first.entries[0].held_out, last.entries[0].held_out) == (0.75, None)
    assert (
        "Trained for 60 s of steps of 8 crops of 128x128 on cpu; scored is the best of 2 states, by hu2019 on 20% of"
        in (first.conditions)
    )
    assert last.conditions.endswith("Trained for 5 steps of 8 crops of 128x128 on cpu.")
    training = {"steps": 9, "scored": "best", "scored_step": 9, "validated": [[9, 0.0, 2]], "held_out": ["y", "z"]}
    for held_out, shown in ((["y", "z"], None), (["w", "y", "z"], 0.0)):  # defined for none of them is not 0
        record = replace(method("a", rows(x=1.0), budget=budget), training={**training, "held_out": held_out})
        assert make_tables([record])[0].entries[0].held_out == shown
    board = (tmp_path / "leaderboard.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| rank .*?\| seeds \| (.*?) \| training s", board, re.MULTILINE) == ["held out"]
    assert "| 0.750 | 2 | 9 |" in board
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert page.count(">held out</th>") == 1
    assert re.search(
        r"<td data-col=\"held out\" data-v=\"0.75\">0.750</td>\s*<td data-col=\"training s\"[^>]*>2</td>", page
    )


def test_a_failure_that_was_mended_is_no_more_to_be_seen():
    def failed(seed, version, reason):
        return record(f"failed: {reason}", recipe={"name": "a", "version": version}, seed=seed)

    [table] = make_tables([failed(0, 2, "no loss"), failed(1, 1, "no memory"), method("a", rows(x=1.0))])
    assert table.failures == (("a, fold 0, seed 1", "no memory"),)


def test_methods_that_are_equal_share_a_rank():
    made = [method(name, rows(x=value)) for name, value in (("a", 1.0), ("b", 1.0), ("c", 2.0))]
    assert [entry.rank for entry in make_tables(made)[0].entries] == [1, 1, 3]


def units(values):
    """Rows of images that are a unit each."""
    return tuple(Row(f"image-{k}", f"u{k}", "hu2019", {"betti_error": value}) for k, value in enumerate(values))


def test_groups_wins_and_intervals_come_with_the_table():
    levels = {"a": [1.0, 1.1, 0.9, 1.0], "b": [1.1, 0.9, 1.05, 1.0], "c": [5.0, 5.2, 4.9, 5.1]}
    [table] = make_tables([method(name, units(values)) for name, values in levels.items()])
    assert {entry.method: entry.group for entry in table.entries} == {"a": "a", "b": "a", "c": "b"}
    assert (len(table.pairs), table.units, len(table.images)) == (3, 4, 4)
    duel, turned = table.pair("a", "c"), table.pair("c", "a")
    assert (duel.share, duel.ahead, duel.differ) == (1.0, True, True)
    assert (turned.share, turned.ahead, turned.p) == (0.0, False, duel.p)
    assert table.pair("a", "b").share == (2 + 1 / 2) / 4  # better on two images, worse on one, equal on one
    low, high = table.entries[0].intervals["betti_error"]
    assert 0.8 < low < 1.0 < high < 1.2


def test_an_error_has_no_interval_below_nothing():
    [table] = make_tables([method("a", units([0.0, 0.0, 0.0, 0.1]))])
    assert table.entries[0].intervals["betti_error"][0] == 0.0


def test_images_of_one_unit_give_no_interval_and_no_difference(tmp_path):
    made = [method(name, rows(x=x, y=x + 1), budget=BUDGET) for name, x in (("a", 1.0), ("b", 9.0))]
    board = write_leaderboard(made, tmp_path)
    [table] = board.tables
    assert [entry.intervals for entry in table.entries] == [{}, {}]
    assert {entry.group for entry in table.entries} == {"a"}
    assert "2 images in 1 resampling unit. Of one unit no interval can be given." in (
        tmp_path / "leaderboard.md"
    ).read_text(encoding="utf-8")


def test_few_seeds_are_provisional_and_said(tmp_path):
    few = [method("few", rows(x=1.0), seed) for seed in (0, 1)]
    enough = [method("enough", rows(x=2.0), seed) for seed in (0, 1, 2)]
    other_fold = method("enough", rows(y=2.0), 0, fold=1)
    null = replace(method("null", rows(x=5.0), None), kind="null", budget={})
    handed_in = replace(method("mine", rows(x=3.0), None), kind="scored", budget={})

    def provisional(made):
        return {entry.method for entry in make_tables(made)[0].entries if entry.provisional}

    assert provisional([*few, *enough, null, handed_in]) == {"few", "mine"}
    assert provisional([*enough, other_fold]) == {"enough"}  # the fewest of any fold count
    write_leaderboard([replace(one, budget=BUDGET) for one in few] + [handed_in], tmp_path)
    text = (tmp_path / "leaderboard.md").read_text(encoding="utf-8")
    assert "Provisional: few (2 seeds, of 3 that are wanted); mine (scored) (predictions, of which" in text


def test_runs_that_others_have_and_a_method_has_not_are_named():
    whole = [method("whole", rows(**{f"x{fold}": 1.0}), seed, fold=fold) for fold in (0, 1) for seed in (0, 1)]
    part = method("part", rows(x0=1.0))
    failed = record("failed: no memory", recipe={"name": "part", "version": 1}, fold=1, seed=0)
    extra = record("failed: no memory", recipe={"name": "whole", "version": 1}, fold=0, seed=7)  # nobody else lacks it
    [table] = make_tables([*whole, part, failed, extra])
    assert table.missing == (("part", "fold 0: seed 1; fold 1: seed 1"),)
    later = method("part", rows(x0=1.0), 1, recipe={"name": "part", "version": 2})  # has not the runs of the first
    [two] = make_tables([*whole, part, later])
    assert [label.partition(" [")[0] for label, _ in two.missing] == ["part", "part"]
    assert sorted(runs for _, runs in two.missing) == [
        "fold 0: seed 0; fold 1: seeds 0, 1", "fold 0: seed 1; fold 1: seeds 0, 1"
    ]  # fmt: skip
    assert table.failures == (("part, fold 1, seed 0", "no memory"), ("whole, fold 0, seed 7", "no memory"))
