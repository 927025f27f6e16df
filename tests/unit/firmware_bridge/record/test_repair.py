"""A capture with a wrong unit, rate or column is read again with the right one, and takes stay where they were."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edgehar.cli import app
from edgehar.firmware_bridge.record.kept_lines import KeptLinesSource
from edgehar.firmware_bridge.record.repair import repaired
from edgehar.firmware_bridge.record.writer import CaptureWriter
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.capture_file import CaptureInfo, encode_info, read_capture
from edgehar.models.contract import DEGREES_PER_SECOND
from edgehar.models.errors import DataError, UsageError
from edgehar.models.units import parse_unit
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.store import load_store

ROWS = 1500
TIME_S = np.arange(ROWS) / 100
ACC_G = np.stack([0.2 * np.sin(9 * TIME_S), 0.6 + 0.2 * np.cos(8 * TIME_S), 0.8 + 0 * TIME_S], axis=1)
GYRO = np.stack([50 * np.sin(5 * TIME_S), 40 * np.cos(5 * TIME_S), 30 * np.sin(3 * TIME_S)], axis=1)


def record(
    path: Path,
    *,
    unit: str = "",
    columns: tuple[str, str, str] | None = None,
    stored_hz: float = 100.0,
    sent_hz: float = 100.0,
    per_unit: float = 1.0,
) -> None:
    """Record the walk with these settings, and a take from second 4 to 8 of the sensor."""
    now = [1000.0]
    info = CaptureInfo("7", "hip", unit, stored_hz, "2026-01-01T00:00:00+00:00", "memory://")
    writer = CaptureWriter(path, info, clock=lambda: now[0], unix_clock=lambda: now[0])
    declared = parse_unit(unit) if unit else None
    source = KeptLinesSource(TextSource(unit=declared, rate_hz=stored_hz, columns=columns), writer, unit=declared)
    table = np.hstack([GYRO, ACC_G * per_unit])
    for index, row in enumerate(table):
        now[0] = 1000.0 + index / sent_hz
        for block in source.feed((",".join(f"{value:.4f}" for value in row) + "\n").encode(), now[0]).blocks:
            writer.add(block)
    for block in source.finish(now[0]).blocks:
        writer.add(block)
    writer.event({"event": "begin", "take": 1, "activity": "walk", "t_s": 4.0})
    writer.event({"event": "end", "take": 1, "t_s": 8.0})
    writer.close()


def test_the_unit_that_was_found_is_kept_with_the_lines(tmp_path: Path) -> None:
    record(tmp_path / "a.harcap", per_unit=9.80665)
    capture = read_capture(tmp_path / "a.harcap")
    assert capture.info.unit == "m/s2"
    assert b"".join(data for _, data in capture.lines).count(b"\n") == ROWS


def test_a_wrong_unit_is_put_right(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    record(path, unit="g", columns=("4", "5", "6"), per_unit=9.80665)
    right = repaired(path, read_capture(path), unit=parse_unit("m/s2"))
    samples = np.concatenate([block.samples_g for block in right.blocks])
    np.testing.assert_allclose(samples, ACC_G[-len(samples) :], atol=1e-3)
    assert right.info.unit == "m/s2"


def test_a_wrong_rate_is_named_and_put_right_with_its_takes(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    record(path, unit="g", columns=("4", "5", "6"), sent_hz=50.0)
    (stored,) = load_dataset(path).recordings
    assert any("--rate 50" in problem for problem in stored.problems)
    done = CliRunner().invoke(app, ["data", "import", str(path), "--out", str(tmp_path / "store"), "--rate", "50"])
    assert done.exit_code == 0, done.output
    (found,) = load_store(tmp_path / "store").recordings
    assert found.rate_hz == 50.0
    assert not any("--rate" in problem for problem in found.problems)
    assert [(label.start, label.stop) for label in found.labels] == [
        (label.start, label.stop) for label in stored.labels
    ]


def test_a_right_rate_is_no_problem(tmp_path: Path) -> None:
    record(tmp_path / "a.harcap")
    (found,) = load_dataset(tmp_path / "a.harcap").recordings
    assert found.problems == ()


def test_wrong_columns_are_read_again_from_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    record(path, unit="raw:100", columns=("1", "2", "3"))
    options = ["--out", str(tmp_path / "store"), "--columns", "4,5,6"]
    done = CliRunner().invoke(app, ["data", "import", str(path), *options])
    assert done.exit_code == 0, done.output
    (found,) = load_store(tmp_path / "store").recordings
    np.testing.assert_allclose(found.samples[-500:], ACC_G[-500:], atol=1e-3)
    (take,) = found.labels
    length = len(found.samples)
    assert (take.start, take.stop) == pytest.approx((length - ROWS + 400, length - ROWS + 800), abs=60)


def test_what_a_capture_does_not_hold_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    path.write_bytes(encode_info(CaptureInfo("7", "", "", 100.0, "", "")))
    with pytest.raises(DataError, match="lines of text"):
        repaired(path, read_capture(path), columns=("1", "2", "3"))
    with pytest.raises(DataError, match="unit it was recorded in"):
        repaired(path, read_capture(path), unit=parse_unit("g"))


def record_six(path: Path, *, unit: str = "rad/s") -> None:
    """Record the walk with its turning rate, which is in degrees/s and declared to be in ``unit``."""
    info = CaptureInfo("7", "hip", "g", 100.0, "2026-01-01T00:00:00+00:00", "memory://")
    now = [1000.0]
    writer = CaptureWriter(path, info, clock=lambda: now[0], unix_clock=lambda: now[0])
    writer.turning_unit(unit)
    source = TextSource(
        unit=parse_unit("g"), rate_hz=100.0, columns=tuple("456123"), turning_scale=DEGREES_PER_SECOND[unit]
    )
    kept = KeptLinesSource(source, writer, unit=parse_unit("g"))
    lines = [(",".join(f"{value:.4f}" for value in row) + "\n").encode() for row in np.hstack([GYRO, ACC_G])]
    for index in range(0, ROWS, 10):
        now[0] = 1000.0 + (index + 9) / 100
        for block in kept.feed(b"".join(lines[index : index + 10]), now[0]).blocks:
            writer.add(block)
    writer.event({"event": "begin", "take": 1, "activity": "walk", "t_s": 4.0})
    writer.event({"event": "end", "take": 1, "t_s": 8.0})
    writer.close()


@pytest.mark.parametrize(
    "options",
    [
        ("--gyroscope-unit", "deg/s"),
        ("--gyroscope-unit", "deg/s", "--columns", "4,5,6,1,2,3", "--channels", "accelerometer,gyroscope"),
        ("--gyroscope-unit", "deg/s", "--unit", "g", "--rate", "100"),
    ],
)
def test_a_turning_rate_in_a_wrong_unit_is_put_right(tmp_path: Path, options: tuple[str, ...]) -> None:
    record_six(tmp_path / "a.harcap")
    command = ["data", "import", str(tmp_path / "a.harcap"), "--out", str(tmp_path / "store"), *options]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    (found,) = load_store(tmp_path / "store").recordings
    assert len(found.samples) >= ROWS - 1
    np.testing.assert_allclose(found.samples, np.hstack([ACC_G, GYRO])[-len(found.samples) :], atol=1e-3)
    assert [label.activity for label in found.labels] == ["walk"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--gyroscope-unit", "rpm"), "expected --gyroscope-unit as one of deg/s, rad/s, mdeg/s, got 'rpm'"),
        (("--unit", "g", "--columns", "4,5,6,1,2,3", "--channels", "accelerometer,gyroscope"), "expected the unit of"),
    ],
)
def test_a_unit_of_the_turning_rate_is_never_guessed(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    record(tmp_path / "a.harcap", unit="g", columns=("4", "5", "6"))
    command = ["data", "import", str(tmp_path / "a.harcap"), "--out", str(tmp_path / "store"), *options]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, UsageError)
    assert said in str(done.exception)
    with pytest.raises(DataError, match="expected a turning rate that a sensor of text sent, the capture is of accel"):
        repaired(tmp_path / "a.harcap", read_capture(tmp_path / "a.harcap"), gyroscope_unit="rad/s")
