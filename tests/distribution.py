"""Plugins of tests: as distributions lie on the path once they are installed, or as an object under a name."""

from topobench.plugins import Plugin

__all__ = ["offer", "recipe_text", "write_distribution"]


def write_distribution(folder, name, entry_points, version="1.0", about="", **modules):
    """Write the metadata of a distribution and its modules (text, by name) into a folder, which goes on sys.path."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{about}")
    (info / "entry_points.txt").write_text(entry_points)
    for module, text in modules.items():
        (folder / f"{module}.py").write_text(text)


def offer(monkeypatch, kind, name, found):
    """Let an object be what a distribution ``theirs 1.0`` offers under a name, and no other plugins be there."""
    plugin = Plugin(kind, name, "their_code:it", "theirs", "1.0")
    monkeypatch.setattr("topobench.registry.plugins_of", lambda asked: [plugin] if asked == kind else [])
    monkeypatch.setattr("topobench.registry.find", lambda *asked: plugin if asked == (kind, name) else None)
    monkeypatch.setattr("topobench.registry.load_plugin", lambda plugin: found)


def recipe_text(name, model="unet"):
    """The text of a recipe, version 3, that trains a model with cross entropy for three steps."""
    return (
        f'schema = 1\nname = "{name}"\nversion = 3\ntitle = "{name}"\nsource = "them"\nlearning_rate = 0.001\n'
        f'model.name = "{model}"\nloss = [{{ name = "cross-entropy", weight = 1.0 }}]\n'
        "budget = { steps = 3, batch = 2, crop = 40 }\n"
    )
