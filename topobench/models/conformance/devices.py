"""What suites that call torch share: one thread, sums as exact as on the CPU, and the case that wants CUDA.

`topobench.losses.conformance` uses it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from topobench.conformance import Outcome, ask_unless

__all__ = ["on_cuda", "one_thread", "without_tf32"]

Subject = TypeVar("Subject")


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread: what is so small gains little by more, and sums are the same anywhere."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def without_tf32() -> Iterator[None]:
    """Let CUDA multiply in float32, for TF32 has the ten bits of float16."""
    precise = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        torch.set_float32_matmul_precision(precise)


def on_cuda(judge: Callable[[Subject], str | None]) -> Callable[[Subject], Iterator[Outcome]]:
    """Return the rule that asks about CUDA, where there is a device."""

    def answer(subject: Subject) -> Iterator[Outcome]:
        absent = None if torch.cuda.is_available() else "there is no CUDA device here."
        yield ask_unless(absent, "cuda", judge, subject)

    return answer
