"""A store that is larger than the memory a program may have: windows are cut from it, and a model learns."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.blocks import blocks_of
from edgehar.pipeline.data.mapped import LONG, joined, taken
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.store import load_store, save_store
from edgehar.pipeline.data.windows import make_windows

PROGRAM = """
import resource, sys
import numpy as np
from pathlib import Path
from edgehar.models.architecture import named_architecture
from edgehar.pipeline.data.store import load_store
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.training import fit
from edgehar.pipeline.training.recipe import Recipe
fit._MEASURED_AT_ONCE = 1000
own = int([line for line in open("/proc/self/status") if line.startswith("VmData")][0].split()[1]) * 1024
room = own + int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_DATA, (room, room))
dataset = load_store(Path(sys.argv[1]))
windows = make_windows(dataset, hop=20_000)
assert windows.samples.base is not None and not windows.samples.flags.writeable
model = named_architecture("simple_rnn", classes=len(windows.activities))
recipe = Recipe(epochs=1, learning_rate=1e-3, batch_size=32)
done = fit.fit(model, windows, recipe, train=np.arange(len(windows)), seed=0, trainer=sys.argv[2])
print(len(windows), done.history[0].number)
"""


def store(path: Path, samples: int) -> Path:
    """Write two long recordings, through a mapped file."""
    values = np.memmap(path.with_suffix(".raw"), np.float32, "w+", shape=(samples, 3))
    for first in range(0, samples, 2**18):
        part = values[first : first + 2**18]
        part[:] = np.random.default_rng(first).normal(size=part.shape)
    half = samples // 2
    recordings = tuple(
        Recording(name, name, values[at : at + half], 100.0, (LabelInterval(0, half, activity),))
        for name, at, activity in (("1", 0, "Sitting"), ("2", half, "Walking"))
    )
    save_store(Dataset("long", ("Sitting", "Walking"), recordings), path)
    path.with_suffix(".raw").unlink()
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="not for this machine: RLIMIT_DATA is Linux's")
def test_a_store_larger_than_the_memory_allowed_trains(tmp_path: Path, need_engine: Callable[[str], None]) -> None:
    need_engine("native")
    trainer, room_mb = "native", 120
    size_mb = 2 * room_mb
    place = store(tmp_path / "store", size_mb * 2**20 // 12)
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(place), trainer, str(room_mb * 2**20)],
        capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr[-2000:]
    assert found.stdout.split()[-1] == "1"


def test_windows_of_a_store_are_those_of_memory(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    recordings = tuple(
        Recording(
            str(number), str(number), generator.normal(size=(1000, 3)).astype(np.float32), 100.0,
            (LabelInterval(10, 420, "Sitting"), LabelInterval(500, 990, "Walking")), gaps=(300, 600),
        )
        for number in range(3)
    )  # fmt: skip
    dataset = Dataset("d", ("Sitting", "Walking"), recordings)
    save_store(dataset, tmp_path / "store")
    held, mapped = make_windows(dataset), make_windows(load_store(tmp_path / "store"))
    assert np.array_equal(held.batch(), mapped.batch())
    offsets = generator.integers(-60, 60, len(held))
    assert np.array_equal(held.batch(offsets=offsets), mapped.batch(offsets=offsets))
    assert len(mapped.samples) == 3000 > len(held.samples)


def test_long_indices_and_blocks_are_as_short_ones() -> None:
    values, of_row = np.array(["a", "bb", "c"]), np.arange(LONG + 5) % 3
    found = taken(values, of_row)
    assert not found.flags.writeable
    assert (found == values[of_row]).all()
    segments = [np.full((2, 3), number, np.float32) for number in range(3)]
    assert joined(segments)[1].tolist() == [0, 2, 4]
    samples = np.random.default_rng(0).normal(size=(5000, 3)).astype(np.float32)
    whole, parts = Normalization.of_samples(samples), Normalization.of_blocks(lambda: blocks_of(samples))
    np.testing.assert_allclose(whole.mean_g, parts.mean_g, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(whole.std_g, parts.std_g, rtol=1e-9)
