"""Rows 7, 9 and 10 of the table of faults, for every loss: flat and empty maps, half precision, what does not fit."""

import sys
from itertools import product

import numpy as np
import pytest
import torch

import topobench
from tests.offline import untrained
from topobench.errors import ArgumentError
from topobench.losses.subject import Subject, as_batch, random_maps
from topobench.losses.toys import TOYS
from topobench.topology import threads

BLIND = {"cldice", "malis", "topoloss-2021"}  # to some flat maps that are wrong: see docs/losses.md
BLIND |= {"skeleton-recall"}  # false structure costs it nothing, be it everywhere
MASKS = {"empty": np.zeros((13, 13), bool), "full": np.ones((13, 13), bool), "cells": TOYS["merged-cells"].truth}


@pytest.fixture(params=topobench.list_names("losses"))
def name(request):
    return request.param


def load(name):
    return topobench.load_loss(name, **untrained("losses", name))


def backward(loss, logits, target):
    """Value and gradient of logits; the gradient is zero where the loss is a constant."""
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, target)
    if value.requires_grad:
        value.backward()
    return value, torch.zeros_like(leaf) if leaf.grad is None else leaf.grad


@pytest.mark.parametrize("surety", [0.0, 0.4, 3.0, 60.0])
def test_flat_maps_of_every_kind(name, surety):
    loss = load(name)
    for truth, sign in product(MASKS, (1, -1)):
        logits = torch.full((1, 1, 13, 13), sign * surety)
        value, gradient = backward(loss, logits, as_batch(MASKS[truth]).float())
        assert torch.isfinite(value), truth
        assert torch.isfinite(gradient).all(), truth
        flat = np.full((13, 13), float(torch.sigmoid(logits[0, 0, 0, 0])))
        subject = Subject(loss)
        wrong = subject.betti_error(flat, MASKS[truth]) if subject.claim else ((flat >= 0.5) != MASKS[truth]).any()
        assert value > 1e-3 or not wrong or name in BLIND, truth
        right = ((flat >= 0.5) == MASKS[truth]).all()
        assert value < 1e-6 or not right or surety < 60, truth


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_float32(name, dtype):
    loss, (likelihood, truth) = load(name), random_maps(2, (20, 17))
    logits, target = torch.logit(as_batch(likelihood)).to(dtype), as_batch(truth).to(dtype)
    with torch.autocast("cpu", dtype=dtype):
        value, gradient = backward(Subject(loss).of, logits, target)
    assert value.dtype == torch.float32
    assert gradient.dtype == dtype
    assert torch.isfinite(gradient).all()
    assert value.item() == pytest.approx(Subject(loss).of(logits.float(), target.float()).item(), rel=1e-5)


def test_float64_stays_float64(name):
    likelihood, truth = random_maps(2, (9, 8))
    value, gradient = backward(load(name), torch.logit(as_batch(likelihood)), as_batch(truth))
    assert value.dtype == gradient.dtype == torch.float64
    assert value.ndim == 0


def test_ties_have_a_repeatable_subgradient(name):
    loss, toy = load(name), TOYS["gap"]
    found = [backward(Subject(loss).of, torch.logit(as_batch(toy.likelihood)), as_batch(toy.truth)) for _ in range(2)]
    assert torch.equal(found[0][1], found[1][1])
    assert torch.isfinite(found[0][1]).all()


def test_target_may_be_bool_or_integer(name):
    likelihood, truth = random_maps(4, (12, 15))
    logits, target = torch.logit(as_batch(likelihood)), as_batch(truth)
    subject = Subject(load(name))
    wanted = subject.of(logits, target).item()
    assert [subject.of(logits, target.to(kind)).item() for kind in (torch.bool, torch.uint8)] == [wanted, wanted]


def test_no_loss_takes_more_threads_than_torch_has(name, monkeypatch):
    """`topobench run --jobs` shares out the processor, and records say how many threads a run had."""
    asked, place = [], threads.share
    spies = {module for module in sys.modules.values() if getattr(module, "share", None) is place}
    for module in spies:
        monkeypatch.setattr(
            module, "share", lambda work, shape, count, *more: asked.append(count) or place(work, shape, count, *more)
        )
    likelihood, truth = random_maps(4, (12, 15))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        backward(load(name), torch.logit(as_batch(likelihood)), as_batch(truth))
    finally:
        torch.set_num_threads(before)
    assert set(asked) <= {1}
    assert asked or name in {"cldice", "cross-entropy", "dice", "mosinska"}


def test_arguments_are_not_written_to(name):
    likelihood, truth = random_maps(4, (12, 15))
    logits, target = torch.logit(as_batch(likelihood)), as_batch(truth)
    before = logits.clone(), target.clone()
    backward(load(name), logits, target)
    assert torch.equal(logits, before[0])
    assert torch.equal(target, before[1])


def test_an_image_smaller_than_the_patch_is_used_whole(name):
    likelihood, truth = random_maps(4, (5, 30))
    value, gradient = backward(load(name), torch.logit(as_batch(likelihood)), as_batch(truth))
    assert torch.isfinite(value)
    assert gradient.shape == (1, 1, 5, 30)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 5)])
def test_images_of_a_pixel_or_a_row(name, shape):
    loss, generator = load(name), torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(2, 1, *shape, generator=generator) - 1
    value, gradient = backward(loss, logits, (logits > 0).float())
    assert torch.isfinite(value)
    assert torch.isfinite(gradient).all()


LOGITS = torch.randn(2, 1, 8, 9, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("logits", "target", "words"),
    [
        (LOGITS, torch.zeros(2, 8, 9), r"shape \(2, 1, 8, 9\), the target \(2, 8, 9\).*\(B, 1, H, W\)"),
        (LOGITS, torch.zeros(2, 1, 9, 8), r"shape \(2, 1, 8, 9\), the target \(2, 1, 9, 8\).*of one shape"),
        (LOGITS[0], torch.zeros(1, 8, 9), r"shape \(1, 8, 9\), the target \(1, 8, 9\)"),
        (LOGITS.expand(2, 2, 8, 9), torch.zeros(2, 2, 8, 9), r"shape \(2, 2, 8, 9\)"),
        (LOGITS[:0], torch.zeros(0, 1, 8, 9), "nothing empty"),
        (LOGITS[..., :0], torch.zeros(2, 1, 8, 0), "nothing empty"),
        (LOGITS, torch.zeros(2, 1, 8, 9) + 255, r"values in \[255, 255\]; it must hold 0 and 1"),
        (LOGITS, torch.zeros(2, 1, 8, 9) - 1, r"values in \[-1, -1\]"),
        (LOGITS, torch.zeros(2, 1, 8, 9) + float("nan"), "values in .nan, nan."),
        (LOGITS, torch.zeros(2, 1, 8, 9) + 0.5, r"values in \[0.5, 0.5\]; it must hold 0 and 1"),
        (LOGITS * float("nan"), torch.zeros(2, 1, 8, 9), "144 of 144 logits are NaN or infinite"),
        (LOGITS.numpy(), torch.zeros(2, 1, 8, 9), "the logits are a ndarray; a loss takes torch tensors"),
        (LOGITS.long(), torch.zeros(2, 1, 8, 9), "dtype torch.int64; they must be floating point"),
        (LOGITS, torch.zeros(2, 1, 8, 9, device="meta"), "on cpu, the target on meta; move one"),
        (torch.sigmoid(9 * LOGITS), torch.zeros(2, 1, 8, 9), "as probabilities have; .* before the sigmoid"),
        ((LOGITS > 0).float(), torch.zeros(2, 1, 8, 9), r"values in \[0, 1\], as probabilities have"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(name, logits, target, words):
    with pytest.raises(ArgumentError, match=words):
        load(name)(logits, target)


def test_logits_between_0_and_1_that_are_no_probabilities_are_taken(name):
    for logits in (torch.zeros(1, 1, 6, 6), torch.linspace(0.05, 0.85, 36).view(1, 1, 6, 6)):
        assert torch.isfinite(load(name)(logits, torch.zeros(1, 1, 6, 6)))
