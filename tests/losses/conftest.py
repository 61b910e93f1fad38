"""Reports of the conformance suite, made once for all tests that ask."""

import functools

import pytest

from topobench import load_loss
from topobench.losses.conformance import check_loss


@functools.cache
def _report(name, options):
    return check_loss(load_loss(name, **dict(options)), name)


@pytest.fixture(scope="session")
def report_of():
    """Return a function (name, **options) -> Report."""
    return lambda name, **options: _report(name, tuple(options.items()))
