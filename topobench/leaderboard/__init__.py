"""From records to tables and pages; no torch, no data."""

from topobench.leaderboard.entries import Entry
from topobench.leaderboard.page import write_leaderboard
from topobench.leaderboard.tables import Table, make_tables

__all__ = ["Entry", "Table", "make_tables", "write_leaderboard"]
