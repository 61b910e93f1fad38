"""Plugins: which there are, whose they are, and loading one. To list them runs nobody's code.

A plugin stands in an entry point of an installed distribution, in the group ``topobench.<kind>``::

    [project.entry-points."topobench.models"]
    my-net = "my_package:MyNet"

or in a single file that $TOPOBENCH_PLUGINS or ``--plugin`` names, in a table that is read and not run::

    PLUGINS = {"models": {"my-net": "MyNet"}}

Of cards and recipes the entry point names the package (or a folder in it) that holds ``<name>.toml``; the table of a
file names the TOML file itself, as seen from the Python file.
"""

from topobench.plugins.found import all_plugins, broken, find, plugins_of
from topobench.plugins.load import API_VERSION, code_of, load_plugin, provenance, toml_of
from topobench.plugins.plugin import GROUP, KINDS, Plugin
from topobench.plugins.single import FILES, located, read_plugins

__all__ = [
    "API_VERSION", "FILES", "GROUP", "KINDS", "Plugin", "all_plugins", "broken", "code_of", "find", "load_plugin",
    "located", "plugins_of", "provenance", "read_plugins", "toml_of",
]  # fmt: skip
