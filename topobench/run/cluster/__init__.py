"""Runs on a Dask cluster: a client that sends them, and what its workers do. Wants the extra `dask`."""
