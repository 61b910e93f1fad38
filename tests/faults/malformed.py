"""Every reader on every damaged file, in a process of its own: ``python -m tests.faults.malformed FOLDER SEED EACH``.

It writes ``report.json`` into the folder: what went wrong, and what was tried. A process that dies leaves none, and
``current.txt`` says at which file.
"""

import faulthandler
import hashlib
import json
import os
import resource
import sys
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

from tests.data.official import SHAPE, write_official
from tests.faults.damaged import Damaged, damaged_files
from tests.faults.sound import FIELD, LABELS, VARIABLE, sound_files
from topobench.cards import Card, load_card
from topobench.data.dataset import open_card
from topobench.data.folders import FolderOfMasks, FolderOfPredictions
from topobench.data.matlab_masks import read_mat
from topobench.data.readers import read_image, size_of, suffix_of
from topobench.data.survey import survey
from topobench.data.volumes import Hdf5Sections, open_sections
from topobench.errors import DataError
from topobench.types import Sample

SECONDS = 10  # that a file may take of a reader
SLOW = {"gz-bomb.pgm.gz": ("read_image", "size_of")}  # a file of which a GiB is unpacked, and by whom
LONGEST = 1500  # characters of an error
PLACES = {  # where in the official layout of a card a file of a suffix lies
    ".mat": ("crackforest", "groundTruth/001.mat"), ".jpg": ("crackforest", "image/001.jpg"),
    ".hdf": ("cremi", "sample_A_20160501.hdf"), ".tif": ("isbi2012", "train-labels.tif"),
    ".ppm.gz": ("stare", "stare-images/im0001.ppm.gz"),
}  # fmt: skip
WRITES = {
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.system",
    "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "subprocess.Popen", "socket.connect",
    "shutil.move",
    "shutil.rmtree", "shutil.copyfile", "tempfile.mkstemp", "tempfile.mkdtemp", "pickle.find_class", "os.utime",
}  # fmt: skip


class Watch:
    """An audit hook: while it is on it notes what is written, run, unpickled, or read apart from the given files."""

    def __init__(self, folder):
        self.seen, self.allowed, self.folder = None, (), str(folder)
        sys.addaudithook(self)

    def __call__(self, event, given):
        if self.seen is None:
            return
        if event == "open" and isinstance(given[0], (str, bytes)):
            path, flags = os.fsdecode(given[0]), given[2] or 0
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
            elsewhere = path.startswith(self.folder) and not path.startswith(self.allowed)
            if writes or elsewhere:
                self.seen.append(f"open {path} {flags:x}")
        elif event in WRITES:
            self.seen.append(f"{event} {given}")


class Fuzz:
    """The folders that readers are tried in, and what was found."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "one").mkdir()
        self.watch = Watch(folder)
        self.faults, self.tried, self.refused = [], Counter(), Counter()
        self.cards = {name: self._official(name) for name in {name for name, _ in PLACES.values()}}
        self.own = self._own()

    def _official(self, name):
        card = load_card(name)
        (self.folder / name).mkdir()
        return write_official(card, self.folder / name)[0]

    def _own(self):
        for folder in ("images", "labels"):
            (self.folder / "own" / folder).mkdir(parents=True)
            for name in "ab":
                np.save(self.folder / "own" / folder / f"{name}.npy", np.full(SHAPE, 255, np.uint8))
        return Card(
            schema=1, name="own", version=1, title="own", adapter="paired_folders", connectivity=8, phase="regions",
            count=2, labels={"rule": "values", "structure": (255,), "background": (0,)},
            folds={"rule": "contiguous", "count": 2}, licence="none", redistributable=False,
            layout={"parts": [{"images": "images/{id}.*", "labels": "labels/{id}.*", "count": 2}]},
        )  # fmt: skip

    def readers(self, file):
        """Yield (reader's name, what it is to be called with, where its file lies)."""
        suffix = file.name[file.name.index(".") :]
        one = self.folder / "one" / file.name
        if suffix == ".mat":
            yield "read_mat", lambda: [read_mat(one, VARIABLE, FIELD)], one
            yield "read_mat plain", lambda: [read_mat(one, VARIABLE)], one
            yield "read_mat missing", lambda: [read_mat(one, "nothing")], one
        elif suffix == ".hdf":
            yield "Hdf5Sections", lambda: _sections(Hdf5Sections(one, LABELS)), one
            yield "Hdf5Sections missing", lambda: _sections(Hdf5Sections(one, "nothing")), one
        elif suffix_of(one):
            yield "read_image", lambda: _read(one, False), one
            yield "read_image colour", lambda: _read(one, True), one
            yield "size_of", lambda: _size(one), one
            yield "open_sections", lambda: _sections(open_sections(one)), one
            yield "FolderOfMasks", lambda: _masks(one.parent), one
            yield "FolderOfPredictions", lambda: _predictions(one.parent, [one.name.partition(".")[0]]), one
            yield "FolderOfPredictions stack", lambda: _predictions(one.parent, ["x", "y", "z"]), one
            yield from self._own_readers(file, suffix)
        if suffix in PLACES:
            name, place = PLACES[suffix]
            yield name, lambda: _samples(open_card(self.cards[name], self.folder)), self.folder / name / place

    def _own_readers(self, file, suffix):
        for folder in ("images", "labels"):
            place = self.folder / "own" / folder / f"b{suffix}"
            yield f"own {folder}", lambda: _samples(open_card(self.own, self.folder)), place
        yield "survey", lambda: _surveyed(self.folder / "own"), place

    def unread(self):
        """Return the names of those sound files that no reader gives pixels of."""
        files = [Damaged(name, "sound", "", content) for name, content in sound_files().items()]
        return [file.name for file in files if not self.tried_by_all(file)]

    def try_file(self, file):
        """Try all readers of a file; it is refused if none of them gives pixels."""
        self.tried[file.format, file.kind] += 1
        self.refused[file.format, file.kind] += not self.tried_by_all(file)

    def tried_by_all(self, file):
        """Whether any reader gives pixels of a file; all are called."""
        chosen = SLOW.get(file.name)
        readers = [reader for reader in self.readers(file) if chosen is None or reader[0] in chosen]
        given = [self.try_reader(file, *reader) for reader in readers]
        return any(given)

    def try_reader(self, file, reader, call, place):
        """Call a reader of a file and note what is wrong with what it did; return the digest of what it gave."""
        start = time.perf_counter()
        digest, problems = self.judged(file.content, call, place)
        if time.perf_counter() - start > SECONDS:
            problems.append("took long")
        if digest and file.kind == "truncated" and digest != self.judged(file.sound, call, place)[0]:
            problems.append("read as something else than the whole file")
        self.faults += [{"file": file.name, "reader": reader, "problem": problem} for problem in problems]
        return digest

    def judged(self, content, call, place):
        """Call a reader with that content in its place, and put back what was there; return (digest, problems)."""
        there = place.with_name("b.npy") if "own" in place.parts else place
        before = there.read_bytes() if there.exists() else None
        there.unlink(missing_ok=True)
        place.write_bytes(content)
        self.watch.allowed = tuple(str(path) for path in (place, *self._beside(place)))
        self.watch.seen = []
        digest, problems = _judged(call, place)
        seen, self.watch.seen = self.watch.seen, None
        place.unlink()
        if before is not None:
            there.write_bytes(before)
        return digest, [*problems, *(f"touched {text}" for text in seen), *(f"printed {text}" for text in _printed())]

    def _beside(self, place):
        folder = self.folder / place.relative_to(self.folder).parts[0]
        return [folder] if folder.name != "one" else []


def _read(path, colour):
    pixels = read_image(path, colour)
    size = size_of(path)
    wanted = pixels.shape[:2] if pixels.ndim == 3 and pixels.shape[2] == 3 else pixels.shape[-2:]
    if size != wanted:
        raise AssertionError(f"size_of says {size}, the pixels are {pixels.shape}")
    return [pixels]


def _size(path):
    height, width = size_of(path)
    if not (isinstance(height, int) and isinstance(width, int) and height > 0 and width > 0):
        raise AssertionError(f"size_of says {(height, width)}")
    return []


def _sections(volume):
    sections, *shape = volume.shape
    if min(volume.shape) < 1:
        raise AssertionError(f"a volume of the shape {volume.shape}")
    for index in sorted({0, sections // 2, sections - 1}):
        section = volume[index]
        if section.shape != tuple(shape):
            raise AssertionError(f"section {index} has the shape {section.shape}, the volume {volume.shape}")
        yield section


def _masks(folder):
    masks = FolderOfMasks(folder)
    return [masks.read(image_id).truth for image_id in masks.image_ids]


def _predictions(folder, image_ids):
    truth = np.zeros(SHAPE, bool)
    predicted = FolderOfPredictions(folder, image_ids)
    return [
        predicted(Sample(image_id, np.zeros((1, *SHAPE), np.float32), truth, None, image_id)) for image_id in image_ids
    ]


def _samples(dataset):
    for sample in dataset:
        yield sample.image[0]
        yield sample.truth


def _surveyed(folder):
    survey(folder / "images", folder / "labels")
    return []


def _judged(call, path):
    """Return (the digest of the pixels that it gives, or "" where it refuses or gives none, what is wrong with it)."""
    digest, problems = hashlib.sha256(), []
    try:
        for pixels in call():
            if pixels.dtype.kind not in "buif" or pixels.ndim not in (2, 3) or not pixels.size:
                problems.append(f"gave {pixels.dtype} of the shape {pixels.shape}")
            digest.update(repr((pixels.shape, pixels.dtype)).encode())
            digest.update(np.ascontiguousarray(pixels))
    except DataError as error:
        return "", _not_a_sentence(str(error), path)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        return "", [f"raised {type(error).__name__}: {str(error)[:300]} ({place})"]
    return "" if digest.digest() == hashlib.sha256().digest() else digest.hexdigest(), problems


def _not_a_sentence(text, path):
    """Yield what an error's text lacks of a sentence that names the file, or its folder where that is what is wrong."""
    if not any(name in text for name in (str(path), path.name, str(path.parent))):
        yield f"names no path: {text[:300]}"
    if not text.isprintable():
        yield f"is not printable: {text[:500]!r}"
    if not text.endswith(".") or text.endswith(".."):
        yield f"does not end in a full stop: {text[-300:]}"
    if len(text) > LONGEST:
        yield f"is long ({len(text)}): {text[:300]}"


def _printed():
    """Yield what was printed since the last call, to either stream, by Python or by a library."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if os.fstat(2).st_size:
        text = os.pread(2, 600, 0).decode(errors="replace")
        os.ftruncate(2, 0)
        os.lseek(2, 0, os.SEEK_SET)
        yield text


def peak():
    """Return the most memory that this process had at once, in MiB."""
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss counts what the process was before it became this one
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)


def listing(folder):
    """Return what lies below a folder."""
    return {str(path) for path in folder.rglob("*")}


def catch_output(path):
    """Send what is printed, also by libraries, to a file; warnings as if each were the first of its kind."""
    printed = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    warnings.simplefilter("always")
    for kind in (DeprecationWarning, PendingDeprecationWarning, ResourceWarning, ImportWarning):  # as Python does
        warnings.simplefilter("ignore", kind)


def main(folder, seed, each):
    """Try all files."""
    os.chdir(folder)
    names = ("printed.txt", "current.txt", "crash.txt", "report.json")
    for name in names:
        (folder / name).touch()
    catch_output(folder / "printed.txt")
    fuzz, before = Fuzz(folder), listing(folder.parent)
    with (folder / "crash.txt").open("w") as crash:
        for number, file in enumerate(damaged_files(seed, each)):
            (folder / "current.txt").write_text(f"{number} {file.name}")
            faulthandler.dump_traceback_later(6 * SECONDS, exit=True, file=crash)
            fuzz.try_file(file)
        faulthandler.cancel_dump_traceback_later()
    unread = fuzz.unread()
    faults = [*fuzz.faults, *({"problem": f"left or removed {path}"} for path in listing(folder.parent) ^ before)]
    tried = [[*key, number, fuzz.refused[key]] for key, number in fuzz.tried.items()]
    (folder / "report.json").write_text(
        json.dumps({"faults": faults, "tried": tried, "unread": unread, "peak": peak()})
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
