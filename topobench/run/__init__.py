"""Runs: the only place that sees data, models and losses together."""
