"""What `topobench new` makes: a small distribution of one's own to start from, which passes its own tests as it is."""

from topobench.scaffold.model import Names, model_files, write_new

__all__ = ["Names", "model_files", "write_new"]
