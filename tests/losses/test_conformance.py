"""Every loss of ours before the suite, the copied one with its faults, and mutants that the suite must catch."""

import importlib.util
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from torch import nn

import topobench
from tests.conftest import ROOT
from topobench.errors import ArgumentError
from topobench.losses import SegmentationLoss, TopologicalLoss, TopologyClaim
from topobench.losses.conformance import RULES, check_loss
from topobench.losses.subject import Subject
from topobench.losses.toys import TOYS, toys
from topobench.topology import betti_numbers

FAILING = {"cbdice", "cldice", "malis", "mosinska", "skeleton-recall", "topoloss-2021"}  # in known ways
PROVEN = sorted({*topobench.list_names("losses")} - FAILING)
CHOICES = [
    ("topological", {"dimensions": (0, 1), "frame": False}),
    ("topological", {"dimensions": (0, 1), "frame": False, "connectivity": 4, "min_persistence": 0.0}),
    ("topological", {"matching": "wasserstein", "dimensions": (0, 1)}),
    ("wasserstein", {"connectivity": 4, "frame": True}),
    ("betti-matching", {"connectivity": 4}),
    ("betti-matching", {"frame": True, "dimensions": (1,)}),
    ("homotopy-warping", {"connectivity": 4}),
    ("homotopy-warping", {"frame": True}),
    ("topograph", {"connectivity": 4}),
    ("topograph", {"connectivity": 4, "frame": True}),
]


def failures(report, rule):
    """Case -> reason of what failed of one rule."""
    return {check.case: check.reason for check in report.failed if check.rule == rule}


@pytest.mark.parametrize("name", PROVEN)
def test_our_losses_keep_every_rule(name, report_of):
    assert report_of(name).failed == ()


@pytest.mark.parametrize(("name", "options"), CHOICES)
def test_other_options_keep_every_rule(name, options, report_of):
    assert report_of(name, **options).failed == ()


def test_only_what_is_claimed_is_asked(report_of):
    claims = {name: report_of(name).counts()["ends at Betti error 0"]["passed"] for name in PROVEN}
    assert {name for name, passed in claims.items() if passed} == {
        "betti-matching",
        "homotopy-warping",
        "topograph",
        "topological",
    }
    assert claims["topological"] == 32  # of 56 toys with a wrong pixel: those whose framed holes are wrong
    report = report_of("topological", matching="wasserstein", dimensions=(0, 1))
    assert report.counts()["ends at Betti error 0"] == {"passed": 0, "failed": 0, "not claimed": 4 * len(TOYS)}
    assert report.counts()["right sign"]["passed"] > 40


def test_soft_cldice_passes_where_the_truth_is_thin_structure(report_of):
    """Its skeleton is made for tubes: in blocks, empty truths and inverted toys it may not see what is wrong."""
    report = report_of("cldice")
    assert {check.rule for check in report.failed} == {
        "positive when wrong", "right sign", "step lowers the loss", "ends at Betti error 0"
    }  # fmt: skip
    thin = {"gap", "false-bridge", "island", "merged-cells", "split-cell", "gap-at-border", "island-at-border"}
    thin |= {"corner-bridge", "thin-diagonal"}
    assert not {check.case for check in report.failed} & {*thin, *(f"{name} 17x12" for name in thin)}


FALSE_REGIONS = {"false-hole", "all-there", "island inverted", "island-at-border inverted", "nothing-there inverted"}
FALSE_ISLANDS = {"island", "island-at-border", "nothing-there", "false-hole inverted", "all-there inverted"}


@pytest.mark.parametrize(
    ("options", "unseen"),
    [({}, FALSE_REGIONS), ({"constrained": True}, FALSE_REGIONS), ({"phase": "structure"}, FALSE_ISLANDS)],
)
def test_malis_sees_all_but_segments_that_lie_outside_all_of_the_truths(options, unseen, report_of):
    """What is no segment in the truth has no pair; so a false one there is nobody's."""
    report = report_of("malis", **options)
    found = {check.case.replace(" 17x12", "") for check in report.failed}
    assert found == unseen, report
    assert report.counts()["right sign"]["passed"] >= 20
    assert {check.rule for check in report.failed} == {
        "positive when wrong", "right sign", "step lowers the loss", "ends at Betti error 0"
    }  # fmt: skip


def test_skeleton_recall_raises_what_is_missing_and_lowers_nothing(report_of):
    """It fails wherever a pixel is to be lowered; of those to be raised it misses one, far within a thick truth."""
    report = report_of("skeleton-recall")
    assert {check.rule for check in report.failed} == {
        "positive when wrong", "right sign", "step lowers the loss", "ends at Betti error 0", "flips and transposes"
    }  # fmt: skip
    seen = [toy for toy in toys() if not toy.flat and Subject(topobench.load_loss("skeleton-recall")).sees(toy)]
    lowered = {toy.name for toy in seen if toy.down}
    assert {*failures(report, "right sign")} == lowered | {"island 17x12 inverted"}
    assert all("leaves it alone" in reason for reason in failures(report, "right sign").values())
    assert {*failures(report, "ends at Betti error 0")} == lowered | {
        "island 17x12 inverted", "split-cell inverted", "split-cell 17x12 inverted"
    }  # fmt: skip
    empty = {"nothing-there", "all-there inverted", "nothing-there 17x12", "all-there 17x12 inverted"}
    assert {*failures(report, "step lowers the loss")} == empty
    assert {*failures(report, "positive when wrong")} == empty | {"flat-1.0", "flat-1.0 17x12"}
    never = {"gap", "false-hole", "merged-cells", "all-there", "gap-at-border", "thin-diagonal", "corner-gap"}
    assert not {check.case for check in report.failed} & {*never, *(f"{name} 17x12" for name in never)}


def test_cbdice_lowers_what_is_false_and_raises_nothing(report_of):
    """What is missed has no gradient, so every toy with such a pixel fails; and one value is below 0."""
    report = report_of("cbdice")
    assert {check.rule for check in report.failed} == {
        "positive when wrong", "right sign", "ends at Betti error 0", "flips and transposes"
    }  # fmt: skip
    raised = {toy.name for toy in toys() if toy.up and Subject(topobench.load_loss("cbdice")).sees(toy)}
    assert {*failures(report, "right sign")} == raised
    assert all("leaves it alone" in reason for reason in failures(report, "right sign").values())
    assert {*failures(report, "ends at Betti error 0")} == raised - {"island 17x12 inverted"}
    assert failures(report, "positive when wrong") == {
        "island 17x12 inverted": "the prediction is wrong, but the loss is -0.04253."
    }
    never = {"false-bridge", "island", "missing-hole", "split-cell", "nothing-there", "island-at-border"}
    never |= {"corner-bridge"}
    assert not {check.case for check in report.failed} & {*never, *(f"{name} 17x12" for name in never)}


def test_mosinska_fails_where_images_are_turned(report_of):
    report = report_of("mosinska", pretrained=False)
    assert {check.rule for check in report.failed} == {"flips and transposes"}
    assert report.counts()["right sign"]["passed"] == 56


def test_the_copied_loss_fails_in_each_way_that_is_known(report_of):
    report = report_of("topoloss-2021")
    wrong_way = [reason for reason in failures(report, "right sign").values() if "the other way" in reason]
    assert len(wrong_way) >= 4  # fault 1: the sign of what is to be fixed
    sure = failures(report, "surer costs less")["false-bridge"]
    assert "with 0.7 costs 4.13" in sure  # faults 1 and 2: (log(7/3) - 0)^2 + (-log(7/3) - 1)^2, of logits
    assert np.isclose(np.log(7 / 3) ** 2 + (np.log(7 / 3) + 1) ** 2, 4.13, atol=0.01)
    assert "transposed" in failures(report, "flips and transposes")  # fault 3: other rows in an oblong map
    assert "the loss is 0" in failures(report, "positive when wrong")["gap"]  # fault 4: the broken road
    assert "IndexError" in failures(report, "stays finite")["missing-hole"]  # fault 5
    assert failures(report, "does not grow")  # fault 6: a sum
    assert len(report.failed) > 100


class Descends(TopologicalLoss):
    """Our own loss, for mutants."""

    def __init__(self):
        super().__init__(dimensions=(0, 1), frame=False)


class WrongSign(Descends):
    """Classes that are to be fixed are drawn to (birth 0, death 1): those of the diagonal do not notice."""

    def read(self, likelihood, index, there):
        return 1 - super().read(likelihood, index, there)


class LogitsForProbabilities(Descends):
    """Squared errors of logits against targets that are probabilities."""

    def read(self, likelihood, index, there):
        return super().read(torch.logit(likelihood, eps=1e-9), index, there)


class TransposedPixels(Descends):
    """Rows and columns of critical pixels are swapped."""

    def read(self, likelihood, index, there):
        size = likelihood.shape[1] * likelihood.shape[2]
        image, pixel = np.divmod(index, size)
        row, column = np.divmod(pixel, likelihood.shape[2])
        return super().read(likelihood, image * size + column * likelihood.shape[1] + row, there)


class SumOfImages(Descends):
    """The loss of a batch is the sum of its images' losses."""

    def of_maps(self, logits, target):
        return len(logits) * super().of_maps(logits, target)


class HalfPrecision(nn.Module):
    """Computed in whatever precision comes."""

    def forward(self, logits, target):
        return ((torch.sigmoid(logits) - target.to(logits.dtype)) ** 2).mean()


class CoarseWithin(Descends):
    """Returned in float32, but computed in bfloat16 before."""

    def of_maps(self, logits, target):
        coarse = logits.bfloat16() if logits.dtype == torch.float32 else logits
        return super().of_maps(coarse.to(logits.dtype), target)


class GradientOfAnotherImage(Descends):
    """The value is right, but the gradient goes to the next image of the batch."""

    def read(self, likelihood, index, there):
        right = super().read(likelihood.detach(), index, there)
        wrong = super().read(likelihood.roll(1, 0), index, there)
        return right + wrong - wrong.detach()


class OtherConnectivity(Descends):
    """Claims 8, computes 4."""

    def match(self, likelihoods, truths):
        self.connectivity = 4
        matching = super().match(likelihoods, truths)
        self.connectivity = 8
        return matching


class NothingForWhatIsMissing(Descends):
    """Classes of the truth without partner cost nothing."""

    def match(self, likelihoods, truths):
        return replace(super().match(likelihoods, truths), missing=0)


class WritesToTarget(Descends):
    def forward(self, logits, target):
        value = super().forward(logits, target)
        target.zero_()
        return value


class Negative(Descends):
    def of_maps(self, logits, target):
        return -super().of_maps(logits, target)


class Overflows(Descends):
    """The logarithm of a likelihood, not of its logits, beside the right loss."""

    def of_maps(self, logits, target):
        likelihood = torch.sigmoid(logits)
        entropy = -(target * torch.log(likelihood) + (1 - target) * torch.log(1 - likelihood)).mean()
        return super().of_maps(logits, target) + entropy


class GradientBesideThePixel(Descends):
    """In maps that are wider than a toy the gradient goes one pixel too far."""

    def read(self, likelihood, index, there):
        right = super().read(likelihood.detach(), index, there)
        wrong = super().read(likelihood.roll(-int(likelihood.shape[2] > 30), 2), index, there)
        return right + wrong - wrong.detach()


class OnlyWhereThereIsStructure(SegmentationLoss):
    """The mean over those images of the batch whose truth is not empty."""

    def of_maps(self, logits, target):
        errors = ((torch.sigmoid(logits) - target) ** 2).mean((1, 2))
        there = target.amax((1, 2)) > 0
        return errors[there].mean() if there.any() else errors.mean()


class ReadsMemory(SegmentationLoss):
    """Takes the order in memory for that of rows."""

    def of_maps(self, logits, target):
        flat = torch.as_strided(logits, (logits.numel(),), (1,)).view_as(logits)
        return ((torch.sigmoid(flat) - target) ** 2).mean()


MUTANTS = {
    Overflows: {"stays finite"},
    GradientBesideThePixel: {"finite differences"},
    OnlyWhereThereIsStructure: {"any batch"},
    ReadsMemory: {"any layout"},
    WrongSign: {"zero when right", "right sign", "surer costs less"},  # and no descent ends right, which takes long
    LogitsForProbabilities: {"zero when right", "surer costs less"},
    TransposedPixels: {"right sign", "flips and transposes"},
    SumOfImages: {"any batch"},
    HalfPrecision: {"mixed precision", "misfits refused"},
    CoarseWithin: {"mixed precision"},
    GradientOfAnotherImage: {"any batch"},
    OtherConnectivity: {"right sign", "ends at Betti error 0"},
    NothingForWhatIsMissing: {"positive when wrong"},
    WritesToTarget: {"arguments untouched"},
    Negative: {"surer costs less", "positive when wrong", "right sign"},
}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_mutants_are_caught(mutant):
    rules = [rule for rule in RULES if rule.name in MUTANTS[mutant]]
    assert {check.rule for check in check_loss(mutant(), rules=rules).failed} == MUTANTS[mutant]


class Odd(SegmentationLoss):
    """A loss that does whatever `answer` says."""

    def __init__(self, answer):
        super().__init__()
        self.answer = answer

    def of_maps(self, logits, target):
        return self.answer(logits, target)


@pytest.mark.parametrize(
    ("answer", "rule", "reason"),
    [
        (lambda x, t: x.mean() * float("nan"), "stays finite", "the loss is nan"),
        (lambda x, t: x.mean() * 0, "positive when wrong", "but the loss is 0"),
        (lambda x, t: x.mean() * 0, "step lowers the loss", "no gradient"),
        (lambda x, t: (x.detach() ** 2).mean(), "right sign", "leaves it alone"),
        (lambda x, t: ((x - t) ** 2).detach().mean() + 0 * x.mean(), "finite differences", "finite differences"),
        (lambda x, t: 1 / 0, "stays finite", "raises ZeroDivisionError"),
        (lambda x, t: sys.exit(0), "stays finite", "raises SystemExit"),
        (lambda x, t: "text", "stays finite", "the loss returns str; it must return a 0-d tensor"),
        (lambda x, t: x.mean((1, 2)), "stays finite", "returns a tensor of shape (1,); it must return a 0-d tensor"),
    ],
)
def test_a_bad_loss_gets_a_sentence_and_no_traceback(answer, rule, reason):
    report = check_loss(Odd(answer), "odd")
    assert any(reason in said for said in failures(report, rule).values())
    assert report.subject == "odd"
    assert list(report.counts()) == [rule.name for rule in RULES]


def test_a_loss_that_takes_likelihoods_is_told_once():
    def squared(x, t):
        return ((x - t) ** 2).mean((1, 2, 3))

    assert check_loss(lambda x, t: squared(torch.sigmoid(x), t).mean(), rules=RULES[1:2]).failed == ()
    [failed] = check_loss(lambda x, t: squared(x, t).mean()).failed  # (20 - 1)^2 for structure, (-20)^2 beside it
    assert failed.rule == "stays finite"
    assert failed.reason.endswith("and 1e-12 as likelihoods; a loss is given logits: begin with torch.sigmoid(logits).")


def test_a_sum_over_the_batch_is_told_to_be_a_mean():
    def summed(x, t):
        return nn.functional.binary_cross_entropy_with_logits(x, t.to(x.dtype), reduction="sum")

    report = check_loss(summed, rules=[rule for rule in RULES if rule.name == "any batch"])
    [reason] = failures(report, "any batch").values()
    assert reason.endswith("; sum or average over each image by itself, and return the mean of those.")


def test_a_loss_of_another_framework_needs_no_base_class():
    """A plain module without claim, reseed or float64 of its own is held to what it can be held to."""

    class Plain(nn.Module):
        def forward(self, logits, target):
            if logits.shape != target.shape or logits.ndim != 4 or not len(logits) or target.max() > 1:
                raise ValueError("shapes or values do not fit")
            return nn.functional.mse_loss(torch.sigmoid(logits.float()), target.float())

    failed = {check.rule for check in check_loss(Plain()).failed}
    assert failed == {"finite differences", "misfits refused"}  # float32 throughout; takes probabilities and 2 channels


def test_a_loss_that_draws_from_torch_itself_is_asked_the_same_each_time():
    class Crop(SegmentationLoss):
        def of_maps(self, logits, target):
            weight = torch.rand(logits.shape[1:])
            return (weight * (torch.sigmoid(logits) - target) ** 2).mean()

    state = torch.random.get_rng_state()
    assert {check.rule for check in check_loss(Crop()).failed} == {"flips and transposes"}  # it weighs places
    assert torch.equal(torch.random.get_rng_state(), state)


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (nn.BCEWithLogitsLoss, "give an instance that can be called"),
        (TopologicalLoss(patch_size=9), "the loss has patch_size 9; .*at least 17"),
    ],
)
def test_what_cannot_be_asked_is_said(loss, words):
    with pytest.raises(ArgumentError, match=words):
        check_loss(loss)


def test_a_claim_must_be_one():
    plain = nn.BCEWithLogitsLoss()
    plain.claim = (8, True, (1,))
    with pytest.raises(ArgumentError, match=r"the claim of the loss is \(8, True, \(1,\)\)"):
        check_loss(plain)
    with pytest.raises(ArgumentError, match="connectivity is 6"):
        TopologyClaim(6)
    with pytest.raises(ArgumentError, match="dimensions is"):
        TopologyClaim(dimensions=(2,))


def test_a_report_reads_as_text(report_of):
    text = str(report_of("topoloss-2021"))
    assert text.startswith("topoloss-2021: ")
    assert "right sign: " in text
    assert "    false-bridge: pixel (6, 5) is to lower, but the first step moves it the other way" in text


def test_threads_are_given_back():
    before = torch.get_num_threads()
    check_loss(Odd(lambda x, t: 1 / 0))
    assert torch.get_num_threads() == before


def test_each_toy_is_wrong_at_the_pixels_it_names():
    for toy in toys():
        wrong = {(int(row), int(column)) for row, column in np.argwhere((toy.likelihood >= 0.5) != toy.truth)}
        assert {*toy.up, *toy.down} <= wrong
        assert all(toy.truth[pixel] for pixel in toy.up)
        assert not any(toy.truth[pixel] for pixel in toy.down)
        assert toy.flat or {*toy.up, *toy.down}


def test_each_toy_is_wrong_in_topology_and_mended_by_its_pixels():
    for toy in toys():
        if toy.flat:
            continue
        seen = []
        for connectivity, frame in product((4, 8), (False, True)):
            mended = toy.likelihood >= 0.5
            for pixel in (*toy.up, *toy.down):
                mended[pixel] = toy.truth[pixel]
            before, after, wanted = (
                betti_numbers(m, connectivity, frame) for m in (toy.likelihood >= 0.5, mended, toy.truth)
            )
            seen.append(before != wanted)
            if toy.name.split()[0] not in (
                "false-bridge",
                "split-cell",
            ):  # there more is painted than the weakest pixel
                assert after == wanted
        assert any(seen), toy.name


def test_toys_by_name():
    assert {"gap", "false-bridge", "island", "false-hole", "missing-hole", "merged-cells", "split-cell"} <= {*TOYS}
    assert len({toy.name for toy in toys()}) == 4 * len(TOYS)
    assert TOYS["gap"].inverted().inverted().up == TOYS["gap"].up


def test_a_claim_says_which_betti_numbers_count():
    class Holes(TopologicalLoss):
        @property
        def claim(self):
            return TopologyClaim(4, frame=False, dimensions=(1,))

    toy = TOYS["false-hole"]
    assert Subject(Holes()).betti_error(toy.likelihood, toy.truth) == 1
    assert not Subject(Holes()).sees(TOYS["island"])


def test_the_table_of_the_docs_is_what_the_suite_says(report_of):
    specification = importlib.util.spec_from_file_location("make_losses", ROOT / "docs" / "make_losses.py")
    make_losses = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(make_losses)
    assert {name for name, _ in make_losses.ROWS.values()} == {*topobench.list_names("losses")}
    reports = {heading: report_of(name, **options) for heading, (name, options) in make_losses.ROWS.items()}
    text = (ROOT / "docs" / "losses.md").read_text(encoding="utf-8")
    assert text == make_losses.page(text, reports), "stale; run python docs/make_losses.py"
