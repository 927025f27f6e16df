"""Captures as data sets: takes become labels, losses become gaps, true rates are found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from edgehar.cli import app
from edgehar.models.capture_file import CapturedBlock, CaptureInfo, encode_block, encode_event, encode_info
from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.store import load_store, save_store
from edgehar.pipeline.data.windows import make_windows


def write(
    path: Path, events: list[dict[str, Any]], *, true_hz: float = 100.0, lost: dict[int, int] | None = None
) -> None:
    """Write 1000 samples in blocks of 10, some lost before the given ones, then events."""
    info = CaptureInfo("7", "right hip", "g", 100.0, "2026-01-01T00:00:00+00:00", "/dev/ttyUSB0")
    data, shift = encode_info(info), 0
    for start in range(0, 1000, 10):
        gone = (lost or {}).get(start, 0)
        shift += gone
        numbers = np.arange(start, start + 10)
        samples = np.repeat(numbers[:, np.newaxis], 3, axis=1).astype(np.float32)
        block = CapturedBlock(samples, (numbers + shift) / true_hz, 0.0, lost=gone, continues=not gone)
        data += encode_block(block)
    path.write_bytes(data + b"".join(map(encode_event, events)))


def write_six(path: Path) -> np.ndarray:
    """Write 400 samples with a turning rate; return them."""
    info = CaptureInfo("7", "wrist", "g", 50.0, "2026-01-01T00:00:00+00:00", "/dev/ttyUSB0")
    samples = np.random.default_rng(2).normal(0, [0.5] * 3 + [90] * 3, (400, 6)).astype(np.float32)
    block = CapturedBlock(samples, np.arange(400) / 50, 0.0, lost=0, continues=True)
    events = [begin(1, "walk", 1.0), {"event": "end", "take": 1, "t_s": 5.0}]
    path.write_bytes(encode_info(info) + encode_block(block) + b"".join(map(encode_event, events)))
    return samples


def test_a_turning_rate_that_was_recorded_is_kept(tmp_path: Path) -> None:
    samples = write_six(tmp_path / "a.harcap")
    for options in ({}, {"layout": Options(channels=("accelerometer", "gyroscope"))}):
        (found,) = load_dataset(tmp_path / "a.harcap", **options).recordings
        np.testing.assert_array_equal(found.samples, samples)
        assert found.channels == ("x", "y", "z", "gx", "gy", "gz")
        assert [label.activity for label in found.labels] == ["walk"]
    write(tmp_path / "b.harcap", [])
    with pytest.raises(DataError, match=r"b\.harcap: expected a capture of x, y, z, gx, gy, gz, it holds x, y, z"):
        load_dataset(tmp_path / "b.harcap", layout=Options(channels=("accelerometer", "gyroscope")))
    with pytest.raises(DataError, match=r"expected recordings of the same channels, got 6 .*with the same --channels"):
        load_dataset(tmp_path)
    done = CliRunner().invoke(
        app,
        ["data", "import", str(tmp_path), "--channels", "accelerometer", "--out", str(tmp_path / "store"), "--json"],
    )
    assert done.exit_code == 0, done.output
    stored = {recording.recording_id: recording for recording in load_store(tmp_path / "store").recordings}
    np.testing.assert_array_equal(stored["a"].samples, samples[:, :3])


def begin(take: int, activity: str, t_s: float) -> dict[str, Any]:
    """Return the event of a take that begins."""
    return {"event": "begin", "take": take, "activity": activity, "t_s": t_s}


def test_takes_become_labels(tmp_path: Path) -> None:
    events = [
        begin(1, "walk", 1.0),
        {"event": "end", "take": 1, "t_s": 3.0},
        begin(2, "walk", 3.5),
        {"event": "discard", "take": 2},
        begin(3, "sit", 5.0),
        {"event": "end", "take": 3, "t_s": 6.0},
        {"event": "relabel", "take": 3, "activity": "stand"},
        begin(4, "walk", 9.0),
    ]
    write(tmp_path / "morning.harcap", events)
    dataset = load_dataset(tmp_path / "morning.harcap")
    (found,) = dataset.recordings
    assert [(label.start, label.stop, label.activity) for label in found.labels] == [
        (100, 300, "walk"),
        (500, 600, "stand"),
        (900, 1000, "walk"),
    ]
    assert (found.subject, found.placement, found.rate_hz, found.timestamps_s) == ("7", "right hip", 100.0, None)
    assert dataset.activities == ("walk", "stand")
    assert any("Take 4 (walk) has no end" in problem for problem in found.problems)


def test_losses_become_gaps_that_no_window_spans_even_after_the_store(tmp_path: Path) -> None:
    events = [begin(1, "Sitting", 0.0), {"event": "end", "take": 1, "t_s": 99.0}]
    write(tmp_path / "a.harcap", events, lost={400: 7})
    save_store(load_dataset(tmp_path), tmp_path / "store")
    dataset = load_store(tmp_path / "store")
    (found,) = dataset.recordings
    assert found.gaps == (400,)
    assert "7 samples were lost" in found.problems[0]
    windows = make_windows(dataset, window_length=200, hop=50)
    first = windows.batch()[:, 0, 0]
    assert not ((first > 200) & (first < 400)).any()


def test_the_rate_is_the_one_the_times_show(tmp_path: Path) -> None:
    write(tmp_path / "a.harcap", [], true_hz=104.0, lost={500: 50})
    (found,) = load_dataset(tmp_path / "a.harcap").recordings
    assert found.rate_hz == pytest.approx(104.0)


def test_a_torn_end_is_said(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    write(path, [])
    path.write_bytes(path.read_bytes()[:-100])
    (found,) = load_dataset(path).recordings
    assert len(found) == 990
    assert any("unfinished record" in problem for problem in found.problems)


def test_a_folder_is_one_data_set(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path / f"{name}.harcap", [begin(1, "Walking Forward", 0.0)])
    dataset = load_dataset(tmp_path)
    assert [recording.recording_id for recording in dataset.recordings] == ["a", "b"]
    assert dataset.activities == ("Walking Forward",)


def test_a_capture_without_samples_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.harcap"
    path.write_bytes(encode_info(CaptureInfo("7", "", "g", 100.0, "", "")))
    with pytest.raises(DataError, match="holds none"):
        load_dataset(path)


def test_a_take_whose_end_was_damaged_is_left_out_where_another_follows(tmp_path: Path) -> None:
    end = {"event": "end", "take": 2, "t_s": 6.0}
    write(tmp_path / "a.harcap", [begin(1, "walk", 1.0), begin(2, "sit", 5.0), end])
    (found,) = load_dataset(tmp_path / "a.harcap").recordings
    assert [(label.start, label.stop, label.activity) for label in found.labels] == [(500, 600, "sit")]
    assert any("Take 1 (walk) has no end, and another one follows; left out." in text for text in found.problems)


def test_takes_that_overlap_are_said(tmp_path: Path) -> None:
    ends = [{"event": "end", "take": 1, "t_s": 5.0}, {"event": "end", "take": 2, "t_s": 6.0}]
    write(tmp_path / "a.harcap", [begin(1, "walk", 1.0), begin(2, "sit", 4.0), *ends])
    (found,) = load_dataset(tmp_path / "a.harcap").recordings
    assert [(label.start, label.stop, label.activity) for label in found.labels] == [(100, 500, "walk")]
    assert any("Take 2 (sit) begins before the one before it ends; left out." in text for text in found.problems)


@pytest.mark.parametrize("true_hz", [1e7, -100.0])
def test_times_that_no_sensor_has_are_left_out(tmp_path: Path, true_hz: float) -> None:
    write(tmp_path / "a.harcap", [], true_hz=true_hz)
    (found,) = load_dataset(tmp_path / "a.harcap").recordings
    assert (found.rate_hz, found.timestamps_s) == (100.0, None)
    assert any("do not run forward at a possible rate" in text for text in found.problems)


def test_texts_that_a_terminal_would_obey_are_made_harmless(tmp_path: Path) -> None:
    relabel = {"event": "relabel", "take": 2, "activity": "sit\x1b[2J"}
    ends = [{"event": "end", "take": 1, "t_s": 2.0}, {"event": "end", "take": 2, "t_s": 4.0}]
    write(tmp_path / "a.harcap", [begin(1, "walk\x1b]0;title\x07", 1.0), ends[0], begin(2, "x", 3.0), ends[1], relabel])
    (found,) = load_dataset(tmp_path / "a.harcap").recordings
    assert [label.activity for label in found.labels] == ["walk·]0;title·", "sit·[2J"]
