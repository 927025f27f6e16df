"""The gyroscope: kept where it is asked for, in degrees per second, and never in a guessed unit."""

import math
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.errors import DataError, UsageError
from edgehar.models.normalization import Normalization
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording
from edgehar.pipeline.data.store import load_store, save_store
from edgehar.pipeline.data.windows import make_windows
from edgehar.pipeline.training.batches import TrainingBatches
from edgehar.pipeline.training.recipe import Recipe

MOTION = ("accelerometer", "gyroscope")


def table(path: Path, names: str, scale: float = 1.0) -> Path:
    """Write five seconds at 50 Hz in which the sensor lies still and is said to turn at 30 degrees/s about z."""
    rows = (f"{at / 50:.2f},0.0,{(at % 7) / 500},1.0,{at % 3 * scale:.6f},0.0,{30 * scale:.6f}" for at in range(250))
    path.write_text(f"time_s,{names}\n" + "\n".join(rows) + "\n")
    return path


@pytest.mark.parametrize(
    ("names", "per_deg"),
    [
        ("ax,ay,az,gyro_x (deg/s),gyro_y (deg/s),gyro_z (deg/s)", 1.0),
        ("acc_x,acc_y,acc_z,gx_dps,gy_dps,gz_dps", 1.0),
        ("acc_x,acc_y,acc_z,Gyro-X (d/s),Gyro-Y (d/s),Gyro-Z (d/s)", 1.0),
        ("ax,ay,az,GyroX (°/s),GyroY (°/s),GyroZ (°/s)", 1.0),
        ("acc x [g],acc y [g],acc z [g],gyr x [rad/s],gyr y [rad/s],gyr z [rad/s]", math.radians(1)),
        ("ax,ay,az,Gyroscope x (rad s^-1),Gyroscope y (rad s^-1),Gyroscope z (rad s^-1)", math.radians(1)),
        ("ax,ay,az,gyro_x_mdps,gyro_y_mdps,gyro_z_mdps", 1000.0),
    ],
)
def test_the_unit_is_the_one_that_is_written(tmp_path: Path, names: str, per_deg: float) -> None:
    dataset = load_dataset(table(tmp_path / "a.csv", names, per_deg), layout=Options(channels=MOTION))
    (item,) = dataset.recordings
    assert item.channels == ("x", "y", "z", "gx", "gy", "gz")
    np.testing.assert_allclose(item.samples[:, 5], 30.0, rtol=1e-3)
    np.testing.assert_allclose(item.samples[:, 2], 1.0)


def test_a_unit_that_is_not_written_is_asked_for(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "ax,ay,az,gx,gy,gz", math.radians(1))
    with pytest.raises(DataError, match="--gyroscope-unit"):
        load_dataset(path, layout=Options(channels=MOTION))
    (item,) = load_dataset(path, layout=Options(channels=MOTION, gyroscope_unit="rad/s")).recordings
    np.testing.assert_allclose(item.samples[:, 5], 30.0, rtol=1e-3)
    with pytest.raises(UsageError, match="rpm"):
        load_dataset(path, layout=Options(channels=MOTION, gyroscope_unit="rpm"))


def test_columns_may_be_declared(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "ax,ay,az,a,b,c")
    options = Options(channels=MOTION, axes=("ax", "ay", "az", "a", "b", "c"), gyroscope_unit="deg/s")
    assert load_dataset(path, layout=options).recordings[0].samples[0, 5] == 30.0


@pytest.mark.parametrize("names", ["ax,ay,az,p,q,r", "ax,ay,az,mx,my,mz"])
def test_no_gyroscope_is_said(tmp_path: Path, names: str) -> None:
    with pytest.raises(DataError, match="expected columns of one gyroscope, got none"):
        load_dataset(table(tmp_path / "a.csv", names), layout=Options(channels=MOTION))


@pytest.mark.parametrize("channels", [(), ("gyroscope",), ("accelerometer", "magnetometer")])
def test_other_channels_are_refused(tmp_path: Path, channels: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="expected accelerometer"):
        load_dataset(table(tmp_path / "a.csv", "ax,ay,az,gx,gy,gz"), layout=Options(channels=channels))


def test_without_being_asked_for_it_is_left_out(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "ax,ay,az,gx,gy,gz")
    assert load_dataset(path).recordings[0].channels == ("x", "y", "z")


def test_a_document_is_refused_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DataError, match="expected a table"):
        load_dataset(tmp_path / "a.json", format="csv", layout=Options(channels=MOTION))


@pytest.fixture
def motion() -> Dataset:
    samples = np.random.default_rng(0).normal(size=(500, 6)).astype(np.float32)
    item = Recording("r", "1", samples, 50.0, (LabelInterval(0, 500, "a"),), timestamps_s=np.arange(500) / 50)
    return Dataset("d", ("a",), (item,))


def test_a_store_keeps_all_channels(motion: Dataset, tmp_path: Path) -> None:
    save_store(motion, tmp_path / "s")
    kept = load_store(tmp_path / "s")
    assert kept.content_hash == motion.content_hash
    np.testing.assert_array_equal(kept.recordings[0].samples, motion.recordings[0].samples)


def test_windows_hold_all_channels_or_the_first(motion: Dataset) -> None:
    samples = motion.recordings[0].samples
    for channels, width in ((None, 6), (6, 6), (3, 3)):
        windows = make_windows(motion, window_length=128, hop=64, rate_hz=50, channels=channels)
        np.testing.assert_array_equal(windows.batch([1])[0], samples[64:192, :width])
        np.testing.assert_array_equal(windows.views[64], samples[64:192, :width])


@pytest.mark.parametrize("rate_hz", [25.0, 100.0])
def test_every_channel_is_resampled_alike(motion: Dataset, rate_hz: float) -> None:
    both = make_windows(motion, window_length=64, rate_hz=rate_hz)
    first = make_windows(motion, window_length=64, rate_hz=rate_hz, channels=3)
    np.testing.assert_array_equal(both.samples[:, :3], first.samples)
    assert np.isfinite(both.samples).all()


def test_channels_that_are_missing_are_asked_for(motion: Dataset) -> None:
    item = motion.recordings[0]
    plain = Dataset("d", ("a",), (Recording("r", "1", item.samples[:, :3].copy(), 50.0, item.labels),))
    with pytest.raises(UsageError, match="--channels accelerometer,gyroscope"):
        make_windows(plain, window_length=128, rate_hz=50, channels=6)


def test_recordings_of_different_channels_do_not_mix(motion: Dataset) -> None:
    other = Recording("other", "1", np.ones((9, 3), np.float32), 50.0)
    with pytest.raises(DataError, match="same channels"):
        Dataset("d", ("a",), (*motion.recordings, other))


def test_a_turned_sensor_turns_both_vectors_alike(motion: Dataset) -> None:
    samples = motion.recordings[0].samples.copy()
    samples[:, 3:] = samples[:, :3]
    item = Recording("r", "1", samples, 50.0, (LabelInterval(0, 500, "a"),))
    windows = make_windows(Dataset("d", ("a",), (item,)), window_length=128, hop=16, rate_hz=50)
    recipe = Recipe(epochs=1, learning_rate=1e-3, batch_size=8, offset_samples=0, rotation_deg=40.0)
    batches = TrainingBatches(windows, np.arange(len(windows)), Normalization((0.0,) * 6, (1.0,) * 6), recipe)
    values, _ = next(iter(batches.epoch(np.random.default_rng(0))))
    np.testing.assert_allclose(values[:, :, :3], values[:, :, 3:], atol=1e-6)
    np.testing.assert_allclose(
        np.sort(np.linalg.norm(values[:, 0, :3], axis=1)),
        np.sort([np.linalg.norm(windows.batch([at])[0, 0, :3]) for at in _taken(values, windows)]),
        atol=1e-5,
    )


def _taken(values: np.ndarray, windows) -> list[int]:
    """Return which windows a batch holds, by the lengths of their vectors, which no rotation changes."""
    lengths = np.linalg.norm(windows.batch()[:, :, :3], axis=2)
    found = np.linalg.norm(values[:, :, :3], axis=2)
    return [int(np.abs(lengths - each).max(axis=1).argmin()) for each in found]


@pytest.mark.parametrize(
    ("declared", "scale", "about"),
    [("rad/s", 1.0, "more than any gyroscope"), ("deg/s", math.radians(1), "turns at most"), ("deg/s", 1.0, "")],
)
def test_values_that_contradict_the_unit_of_a_gyroscope_are_said(
    tmp_path: Path, declared: str, scale: float, about: str
) -> None:
    wave = np.sin(np.arange(300)[:, np.newaxis] * [0.3, 0.5, 0.7, 0.2, 0.4, 0.6]) * ([1.2] * 3 + [200 * scale] * 3)
    rows = (
        f"{at / 50:.2f}," + ",".join(f"{value:.6f}" for value in row) for at, row in enumerate(wave + np.eye(1, 6, 2))
    )
    (tmp_path / "a.csv").write_text("time_s,ax,ay,az,gx,gy,gz\n" + "\n".join(rows) + "\n")
    layout = Options(channels=MOTION, gyroscope_unit=declared)
    said = [text for text in load_dataset(tmp_path / "a.csv", layout=layout).all_problems if "--gyroscope-unit" in text]
    assert [about in text for text in said] == [True] * bool(about)
