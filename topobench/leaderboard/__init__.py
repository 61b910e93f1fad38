"""From records to tables, statistics and pages; no torch, no data."""

from topobench.leaderboard.board import Board, make_board
from topobench.leaderboard.entries import Entry
from topobench.leaderboard.page import render, write_board, write_leaderboard
from topobench.leaderboard.scenes import Prediction, Scene, choose_images, read_scenes, write_scenes
from topobench.leaderboard.tables import Table, make_tables

__all__ = [
    "Board", "Entry", "Prediction", "Scene", "Table", "choose_images", "make_board", "make_tables", "read_scenes",
    "render", "write_board", "write_leaderboard", "write_scenes",
]  # fmt: skip
