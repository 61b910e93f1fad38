"""Whether records may be published: what is wrong with each, and with all of them beside each other.

It takes nothing on trust that it can ask: names, hashes, versions and choices are held against what topobench itself
would write. What it cannot see is whether figures are true; that is asked of the maps (`topobench rescore --verify`).
"""

from topobench.leaderboard.audit.findings import Finding
from topobench.leaderboard.audit.reading import Audit, audit

__all__ = ["Audit", "Finding", "audit"]
