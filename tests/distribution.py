"""Distributions that offer plugins: as they lie on the path once they are installed, without installing anything."""

__all__ = ["write_distribution"]


def write_distribution(folder, name, entry_points, version="1.0", about="", **modules):
    """Write the metadata of a distribution and its modules (text, by name) into a folder, which goes on sys.path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{about}")
    (info / "entry_points.txt").write_text(entry_points)
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)
