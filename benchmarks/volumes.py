"""What it costs to stream a volume of the size of CREMI's: seconds a section, and memory above that of the import.

    python benchmarks/volumes.py [--sections 125] [--side 1250] [--volumes 1]

Writes a sample_A in CREMI's layout (raw uint8, dense ids uint64, gzip, the chunks that h5py chooses) into a temporary
folder, copies it as sample_B and so on, then reads all in a process of its own through the card `cremi`: image,
membranes from ids, sample by sample. Memory is the peak resident size of that process (Linux) less its size after
topobench and its readers were imported.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
READ = """
import json, re, sys, time
sys.path.insert(0, sys.argv[3])
import topobench.data.hdf5_volume
from topobench.cards import load_card
from topobench.data.dataset import open_card
def mib(name):  # not ru_maxrss, which a child inherits from its parent
    return int(re.search(name + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024
before = mib("VmRSS")
card, sections, side = load_card("cremi"), int(sys.argv[2]), int(sys.argv[4])
volumes = [{**volume, "sections": sections} for volume in card.layout["volumes"][: int(sys.argv[5])]]
changes = {"count": sections * len(volumes), "shapes": ((side, side),), "layout": {**card.layout, "volumes": volumes}}
dataset = open_card(card.model_copy(update=changes), sys.argv[1])
started, share = time.perf_counter(), 0.0
for sample in dataset:
    share += sample.truth.mean() / len(dataset)
seconds = time.perf_counter() - started
print(json.dumps({"seconds": seconds, "import_mib": before, "above_mib": mib("VmHWM") - before, "share": share}))
"""


def write_volume(path, sections, side):
    """Write noise and the ids of a random tessellation that drifts along the volume; return both chunk shapes."""
    import h5py
    import numpy as np
    from scipy.spatial import KDTree

    random = np.random.default_rng(0)
    sites = random.uniform(0, side, size=((side // 60) ** 2, 2))
    pixels = np.stack(np.meshgrid(*[np.arange(side)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    with h5py.File(path, "w") as file:
        raw = file.create_dataset("volumes/raw", (sections, side, side), "u1", chunks=True, compression="gzip")
        ids = file.create_dataset(
            "volumes/labels/neuron_ids", (sections, side, side), "u8", chunks=True, compression="gzip"
        )
        for first in range(0, sections, 8):
            block = min(8, sections - first)
            nearest = KDTree(sites).query(pixels)[1].reshape(side, side)
            raw[first : first + block] = random.integers(0, 256, (block, side, side), dtype=np.uint8)
            ids[first : first + block] = np.broadcast_to(nearest + 10**6, (block, side, side))
            sites += random.normal(0, 4, sites.shape)
        return raw.chunks, ids.chunks


def main():
    """Write, read, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", type=int, default=125)
    parser.add_argument("--side", type=int, default=1250)
    parser.add_argument("--volumes", type=int, default=1, choices=(1, 2, 3))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cremi" / "sample_A_20160501.hdf"
        path.parent.mkdir()
        started = time.perf_counter()
        chunks = write_volume(path, options.sections, options.side)
        size = path.stat().st_size / 2**20
        print(f"written in {time.perf_counter() - started:.0f} s: {size:.0f} MiB, chunks {chunks[0]} and {chunks[1]}")
        for name in "BC"[: options.volumes - 1]:
            shutil.copy(path, path.with_name(f"sample_{name}_20160501.hdf"))
        numbers = [str(number) for number in (options.sections, ROOT, options.side, options.volumes)]
        command = [sys.executable, "-c", READ, folder, *numbers]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    count = options.sections * options.volumes
    each = 1e3 * found["seconds"] / count
    print(f"{count} sections of {options.side}x{options.side}: {each:.0f} ms a section")
    print(f"peak memory {found['above_mib']:.0f} MiB above the import ({found['import_mib']:.0f} MiB)")
    print(f"share of membrane {found['share']:.3f}")


if __name__ == "__main__":
    main()
