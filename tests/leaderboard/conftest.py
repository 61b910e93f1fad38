"""The browser that the tests of pages share."""

from tests.browser import browser

__all__ = ["browser"]
