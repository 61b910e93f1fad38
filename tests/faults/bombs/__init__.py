"""Files whose headers lie: sizes, counts, offsets and packed content that would fill the memory, or never end."""

from tests.faults.bombs import arrays, hdf5, matlab, pictures, tiffs

__all__ = ["bombs"]


def bombs():
    """Return {file name: content}."""
    return {name: content for kind in (pictures, tiffs, arrays, hdf5, matlab) for name, content in kind.files().items()}
