"""A small data set that lies on a server, as files or in archives, and its card."""

import contextlib
import hashlib
import io
import json
import sys

import numpy as np
from PIL import Image

from tests.data.fetch.server import sends
from tests.data.fetch.test_unpack import pack
from topobench.cards import load_card

__all__ = ["COUNT", "Collection", "sha256"]

COUNT = 4


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def _files():
    """Return images and masks by their names below the data set's folder."""
    random = np.random.default_rng(0)
    found = {}
    for number in range(COUNT):
        mask = np.zeros((60, 70), np.uint8)
        mask[10 + number], mask[:, 20 + number] = 255, 255
        image = np.clip(mask * 0.5 + random.normal(60, 20, mask.shape), 0, 255).astype(np.uint8)
        for folder, pixels in (("images", image), ("masks", mask)):
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, "PNG")
            found[f"{folder}/scan {number}.png"] = stream.getvalue()
    return found


class Collection:
    """Files by name; `card` writes a card whose downloads the tests choose."""

    def __init__(self, server, folder):
        self.server, self.root, self.files = server, folder / "data", _files()
        self.path = folder / "mine.toml"
        self.folder = self.root / "mine"

    def served(self, kind, within="top", files=None, **route):
        """Serve an archive of the files; return the keys of its download."""
        content = pack(
            self.path.with_name(f"archive.{kind}"),
            {f"{within}/{name}" if within else name: file for name, file in (files or self.files).items()},
        ).read_bytes()
        self.server.routes[f"/x/archive.{kind}"] = sends(content, **route)
        return {
            "url": f"{self.server.url}/x/archive.{kind}", "bytes": len(content), "sha256": sha256(content),
            "within": within,
        }  # fmt: skip

    def serve_files(self):
        """Serve each file; return the keys of their download."""
        for name, content in self.files.items():
            self.server.routes[f"/x/{name.replace(' ', '%20')}"] = sends(content)
        return {"url": f"{self.server.url}/x/{{file}}"}

    def card(self, *downloads, known=True, **changes):
        """Write the card, and return it."""
        keys = {
            "schema": 1, "name": "mine", "version": 1, "title": "Mine", "adapter": "paired_folders", "connectivity": 8,
            "phase": "regions", "count": COUNT, "licence": "Mine.", "redistributable": False, "citation": "Me 2026",
            "access": "Ask me.", "homepage": "https://example.org",
        } | changes  # fmt: skip
        lines = [f"{key} = {json.dumps(value)}" for key, value in keys.items()]
        lines += ["[labels]", 'rule = "values"', "structure = [255]", "background = [0]"]
        lines += ["[folds]", 'rule = "contiguous"', "count = 2", "[[layout.parts]]", 'images = "images/{id}.png"']
        lines += ['labels = "masks/{id}.png"', f"count = {COUNT}"]
        for download in downloads:
            lines += ["[[downloads]]", *(f"{key} = {json.dumps(value)}" for key, value in download.items())]
        if known:
            lines += ["[files]", *(
                f'"{name}" = {{ bytes = {len(content)}, sha256 = ["{sha256(content)}"] }}'
                for name, content in self.files.items()
            )]  # fmt: skip
        self.path.write_text("\n".join(lines) + "\n")
        return load_card(str(self.path))

    def command(self):
        """Return the command that fetches it, for a process of its own."""
        return [sys.executable, "-m", "topobench", "data", "fetch", str(self.path), "--data-dir", str(self.root)]

    def received(self):
        """Return how many bytes of a download that goes on have come."""
        with contextlib.suppress(FileNotFoundError):
            return sum(path.stat().st_size for path in (self.root / ".fetch" / "mine").glob("*.part"))
        return 0

    def unpacked(self):
        """Return how many files of an unpacking that goes on are there."""
        with contextlib.suppress(FileNotFoundError):
            return len(list((self.root / ".fetch" / "mine").glob(".*unpacking/top/*/*")))
        return 0

    def there(self):
        """Return the files of the data set that are in place; hidden ones are of nobody's concern."""
        found = self.folder.rglob("*") if self.folder.is_dir() else []
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in found if path.is_file()}

    def leftovers(self):
        """Return the names of what is gathered for a later attempt."""
        room = self.root / ".fetch" / "mine"
        return sorted(path.name for path in room.iterdir()) if room.is_dir() else []
