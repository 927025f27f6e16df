"""Interrupted imports of USC-HAD, HAPT and files of devices go on with what was read, and end in the same store."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import savemat
from typer.testing import CliRunner

from edgehar.commands.data import app
from edgehar.pipeline.data.importing.journal import journal_folder
from edgehar.pipeline.data.readers import devices, hapt, usc_had
from edgehar.pipeline.data.store import load_store

RUNNER = CliRunner()


def write_usc_had(folder: Path) -> None:
    """Write a person's trials; one says another activity inside."""
    (folder / "Subject3").mkdir(parents=True)
    for activity in range(1, 13):
        for trial in range(1, 6):
            readings = np.random.default_rng(10 * activity + trial).normal(0, 1, (20, 6))
            inside = 11 if (activity, trial) == (3, 2) else activity
            content = {"subject": ["3"], "activity_number": [str(inside)], "trial": [str(trial)], "activity": ["walk"]}
            place = {"sensor_location": ["hip"], "sensor_orientation": ["x-up"], "sensor_readings": readings}
            savemat(folder / "Subject3" / f"a{activity}t{trial}.mat", content | place)


def write_hapt(folder: Path) -> None:
    """Write five experiments, with labels."""
    (folder / "RawData").mkdir(parents=True)
    (folder / "activity_labels.txt").write_text("1 WALKING\n2 STANDING\n")
    for number in range(1, 6):
        rows = "".join(f"{number / 10:.2f} {row / 100:.2f} 0.9\n" for row in range(60))
        (folder / "RawData" / f"acc_exp{number:02}_user01.txt").write_text(rows)
    (folder / "RawData" / "labels.txt").write_text(
        "".join(f"{number} 1 {1 + number % 2} 1 50\n" for number in range(1, 5))
    )


def write_devices(folder: Path) -> None:
    """Write five files of an ActiGraph, the third of them broken."""
    folder.mkdir()
    for number in range(5):
        payload = struct.pack("<90h", *([number, 3, 256] * 30))
        head = struct.pack("<BBIH", 0x1E, 26, 100, len(payload)) + payload
        checksum = 0xFF
        for byte in head:
            checksum ^= byte
        with zipfile.ZipFile(folder / f"{number}.gt3x", "w") as archive:
            rate = "x" if number == 2 else "30"
            archive.writestr("info.txt", f"Serial Number: MOS2\nSample Rate: {rate}\nAcceleration Scale: 256.0\n")
            archive.writestr("log.bin", head + bytes([checksum]))


FORMATS: dict[str, tuple[Callable[[Path], None], Any, str, tuple[str, ...], int]] = {
    "usc-had": (write_usc_had, usc_had, "_read_trial", (), 60),
    "usc-had with its gyroscope": (
        write_usc_had,
        usc_had,
        "_read_trial",
        ("--channels", "accelerometer,gyroscope", "--exclude-suspect"),
        60,
    ),
    "hapt": (write_hapt, hapt, "_read_samples", (), 5),
    "devices": (write_devices, devices, "_recording", (), 5),
}


@pytest.mark.parametrize("name", FORMATS)
def test_an_interrupted_import_goes_on(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write, module, function, options, count = FORMATS[name]
    folder, out, read = tmp_path / "recordings", tmp_path / "store", getattr(module, function)
    write(folder)
    command = ["import", str(folder), *options, "--out"]
    expected_code = int(name == "devices")
    assert RUNNER.invoke(app, [*command, str(tmp_path / "whole")]).exit_code == expected_code
    files: list[Any] = []

    def interrupted(file: Any, *given: Any) -> Any:
        files.append(file)
        if len(files) == count - 1:
            raise KeyboardInterrupt
        return read(file, *given)

    monkeypatch.setattr(module, function, interrupted)
    RUNNER.invoke(app, [*command, str(out)])
    assert not out.exists()
    assert journal_folder(out).is_dir()
    files.clear()
    monkeypatch.setattr(module, function, lambda file, *given: files.append(file) or read(file, *given))
    done = RUNNER.invoke(app, [*command, str(out), "--resume"])
    assert done.exit_code == expected_code, done.output
    # The two that were not read, and what holds no recording is read again.
    assert len(files) == 2 + expected_code
    whole, gone_on = load_store(tmp_path / "whole"), load_store(out)
    assert gone_on.content_hash == whole.content_hash
    assert gone_on.all_problems == whole.all_problems
    assert not journal_folder(out).exists()


def test_labels_that_were_changed_meanwhile_are_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, out = tmp_path / "recordings", tmp_path / "store"
    write_hapt(folder)
    read, files = hapt._read_samples, []

    def interrupted(file: Path, *given: Any) -> Any:
        files.append(file)
        if len(files) == 4:
            raise KeyboardInterrupt
        return read(file, *given)

    monkeypatch.setattr(hapt, "_read_samples", interrupted)
    RUNNER.invoke(app, ["import", str(folder), "--out", str(out)])
    monkeypatch.setattr(hapt, "_read_samples", read)
    (folder / "RawData" / "labels.txt").write_text("1 1 2 11 20\n")
    assert RUNNER.invoke(app, ["import", str(folder), "--out", str(out), "--resume"]).exit_code == 0
    labels = [label for recording in load_store(out).recordings for label in recording.labels]
    assert [(label.start, label.stop, label.activity) for label in labels] == [(10, 20, "Standing")]
