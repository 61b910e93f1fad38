"""How long the imports take that everybody waits for, each in a fresh process."""


def timeraw_topobench():
    """Time the import of the package, which loads neither torch nor numba."""
    return "import topobench"


def timeraw_topology():
    """Time the first Betti numbers, from the cache on disk."""
    return "import numpy; from topobench.topology import betti_numbers; betti_numbers(numpy.eye(3, dtype=bool))"


def timeraw_losses():
    """Time the import of the losses, and so of torch."""
    return "import topobench.losses"


def timeraw_command_line():
    """Time the import of the command line."""
    return "import topobench.cli.main"
