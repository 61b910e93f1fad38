"""What asv follows from commit to commit: docs/performance.md says how."""
