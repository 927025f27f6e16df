"""One sensor that an app has written twice is one recording; copies are kept, and said."""

from pathlib import Path
from typing import Final

import numpy as np
import pytest

from edgehar.pipeline.data.importing.collection import import_recordings

ROWS: Final = 200
GRAVITY: Final = np.tile([0.06, 0.98, -0.15], (ROWS, 1))
USER: Final = 0.2 * np.sin(np.arange(ROWS)[:, None] * [0.3, 0.5, 0.7])


def table(samples: np.ndarray, scale: float = 9.80665) -> str:
    """Return samples at 50 Hz as Sensor Logger writes them."""
    lines = ["time,seconds_elapsed,z,y,x"]
    for row, (x, y, z) in enumerate((samples * scale).tolist()):
        lines.append(f"{1_700_000_000_000_000_000 + row * 20_000_000},{row * 0.02:.6f},{z:.6f},{y:.6f},{x:.6f}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("other", ["TotalAcceleration.csv", "AccelerometerUncalibrated.csv"])
def test_an_accelerometer_that_is_written_in_two_ways_is_one_recording(tmp_path: Path, other: str) -> None:
    for name, samples in (("Accelerometer.csv", USER), ("Gravity.csv", GRAVITY), (other, GRAVITY + USER + 0.004)):
        (tmp_path / name).write_text(table(samples))
    data = import_recordings(tmp_path)
    (recording,) = data.recordings
    np.testing.assert_allclose(recording.samples, GRAVITY + USER, atol=1e-5)
    assert any("only Accelerometer is taken" in problem for problem in data.problems)


@pytest.mark.parametrize("names", [("a.csv", "b.csv"), ("walk.csv", "walk (1).csv"), ("1/acc.csv", "2/acc.csv")])
def test_copies_are_kept_and_said(tmp_path: Path, names: tuple[str, str]) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(table(GRAVITY + USER))
    data = import_recordings(tmp_path)
    assert len(data.recordings) == 2
    assert any("1 recording holds the same samples as another one" in problem for problem in data.problems)


@pytest.mark.parametrize("names", [("left.csv", "right.csv"), ("acc_1.csv", "acc_2.csv")])
def test_recordings_that_are_alike_are_no_repeats(tmp_path: Path, names: tuple[str, str]) -> None:
    for number, name in enumerate(names):
        (tmp_path / name).write_text(table(GRAVITY + USER + 0.01 * number))
    data = import_recordings(tmp_path)
    assert len(data.recordings) == 2
    assert not any("same" in problem for problem in data.problems)
