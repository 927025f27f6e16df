"""Times that came out wrong without a word, or were not read: other epochs, two columns, clocks that start over."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.importing.row_sequence import look_at_rows
from edgehar.pipeline.data.recordings import Dataset, Recording

ROWS: Final = 300
STEP_S: Final = 0.02
START_S: Final = 1_700_000_032.0
"""22:13:52 on 14 November 2023: the minute changes within the recording."""
SAMPLES: Final = np.round(np.array([0.06, 0.98, -0.15]) + 0.2 * np.sin(np.arange(ROWS)[:, None] * [0.3, 0.5, 0.7]), 5)


def at(row: int) -> datetime:
    """Return when a row was sampled."""
    return datetime.fromtimestamp(START_S, UTC) + timedelta(milliseconds=20 * row)


def ms(row: int) -> str:
    """Return the milliseconds of a row's second."""
    return f"{at(row).microsecond // 1000:03}"


def read(folder: Path, header: str, cells: Callable[[int], object], mark: str = ",", **declared: object) -> Dataset:
    """Import rows of times and samples."""
    lines = [header, *(mark.join(map(str, [cells(row), *SAMPLES[row]])) for row in range(ROWS))]
    (folder / "log.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return import_recordings(folder / "log.csv", Options(**declared))  # type: ignore[arg-type]


def whole(data: Dataset) -> Recording:
    """Return the only recording, which holds all samples at 50 Hz without a gap."""
    (recording,) = data.recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)
    assert recording.rate_hz == pytest.approx(1 / STEP_S, rel=0.01)
    assert recording.gaps == ()
    assert recording.timestamps_s is not None
    return recording


@pytest.mark.parametrize(
    "cells",
    [
        lambda row: f"{(START_S + row * STEP_S) / 86_400 + 25_569:.10f}",
        lambda row: f"{(START_S + row * STEP_S) / 86_400 + 719_529:.10f}",
        lambda row: 621_355_968_000_000_000 + round((START_S + row * STEP_S) * 1e7),
        lambda row: 116_444_736_000_000_000 + round((START_S + row * STEP_S) * 1e7),
        lambda row: f"{at(row):%Y%m%d%H%M%S}{ms(row)}",
        lambda row: f"{at(row):%Y%m%d_%H%M%S}_{ms(row)}",
        lambda row: f"{at(row):%b %d, %Y at %I:%M:%S}.{ms(row)} PM".replace(",", ""),
        lambda row: f"{at(row):%d/%m/%y %H:%M:%S}.{ms(row)}",
        lambda row: f"{at(row):%d.%m.%y %H:%M:%S}.{ms(row)}",
    ],
)
def test_dates_of_every_form_are_dates(tmp_path: Path, cells: Callable[[int], object]) -> None:
    recording = whole(read(tmp_path, "Time,x,y,z", cells))
    assert recording.timestamps_s is not None
    assert recording.timestamps_s[[0, -1]] == pytest.approx([START_S, START_S + (ROWS - 1) * STEP_S], abs=1e-3)


def test_parts_of_a_day_are_times(tmp_path: Path) -> None:
    recording = whole(read(tmp_path, "Time,x,y,z", lambda row: f"{(80_000 + row * STEP_S) / 86_400:.10f}"))
    assert recording.timestamps_s is not None
    assert recording.timestamps_s[0] == pytest.approx(80_000, abs=1e-3)


@pytest.mark.parametrize(("name", "unit_s"), [("Time (minutes)", 60), ("time_h", 3600), ("time [days]", 86_400)])
def test_long_units_are_read_where_they_are_written(tmp_path: Path, name: str, unit_s: float) -> None:
    whole(read(tmp_path, f"{name},ax,ay,az", lambda row: f"{row * STEP_S / unit_s:.10f}"))


@settings(max_examples=15, deadline=None)
@given(rate_hz=st.sampled_from([20, 25, 50, 100, 200]), start_s=st.integers(1_300_000_000, 2_000_000_000))
def test_ticks_are_never_taken_for_a_tenth_of_their_rate(
    tmp_path_factory: pytest.TempPathFactory, rate_hz: int, start_s: int
) -> None:
    first = 621_355_968_000_000_000 + start_s * 10_000_000
    data = read(tmp_path_factory.mktemp("ticks"), "timestamp,x,y,z", lambda row: first + row * 10_000_000 // rate_hz)
    assert data.recordings[0].rate_hz == pytest.approx(rate_hz, rel=0.01)


@pytest.mark.parametrize("name", ["Timestamp_RAW", "time_ticks", "Shimmer_5E1A_Timestamp_RAW"])
def test_ticks_of_an_unknown_clock_are_asked_about(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match=r"counts ticks of a clock by its name.*--rate"):
        read(tmp_path, f"{name},x,y,z", lambda row: 1000 + 64 * row)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("sec,nanosec", lambda row: f"{int(at(row).timestamp())},{at(row).microsecond * 1000}"),
        ("header.stamp.secs,header.stamp.nsecs", lambda row: f"{int(at(row).timestamp())},{at(row).microsecond}000"),
        ("ms,timestamp", lambda row: f"{int(ms(row))},{int(at(row).timestamp())}"),
        ("Time,Second Fraction", lambda row: f"{at(row):%Y-%m-%d %H:%M:%S},{at(row).microsecond / 1e6:.2f}"),
        ("date,milliseconds", lambda row: f"{at(row):%d/%m/%Y %H:%M:%S},{int(ms(row))}"),
    ],
)
def test_seconds_and_their_parts_are_one_time(tmp_path: Path, header: str, cells: Callable[[int], object]) -> None:
    recording = whole(read(tmp_path, f"{header},x,y,z", cells))
    assert recording.timestamps_s is not None
    np.testing.assert_allclose(recording.timestamps_s, START_S + np.arange(ROWS) * STEP_S, atol=1e-4)


@pytest.mark.parametrize(
    ("header", "unit"), [("delta_time_ms", 1), ("Time since last (ms)", 1), ("time_diff", 1000), ("dt", 1)]
)
@pytest.mark.parametrize("jitter_ms", [0, 1])
def test_what_has_passed_since_the_row_before_is_added_up(
    tmp_path: Path, header: str, unit: int, jitter_ms: int
) -> None:
    whole(read(tmp_path, f"{header},x,y,z", lambda row: (20 + (row % 3 - 1) * jitter_ms) / unit))


def test_a_delta_that_rises_is_a_time(tmp_path: Path) -> None:
    whole(read(tmp_path, "delta_time_ms,x,y,z", lambda row: 20 * row))


@pytest.mark.parametrize(
    ("start_s", "cells"),
    [
        (3599, lambda s: f"{int(s // 60) % 60}:{int(s % 60):02}.{int(s * 10 % 10)}"),
        (46_797, lambda s: f"{(int(s // 3600) - 1) % 12 + 1}:{int(s // 60) % 60:02}:{s % 60:05.2f}"),
    ],
)
def test_clocks_that_start_over_go_on(tmp_path: Path, start_s: int, cells: Callable[[float], str]) -> None:
    whole(read(tmp_path, "time,x,y,z", lambda row: cells(start_s + row * 0.02 + 1e-6)))


@pytest.mark.parametrize("form", ["{} days {}", "{} day, {}"])
def test_days_that_have_passed_count(tmp_path: Path, form: str) -> None:
    def cells(row: int) -> str:
        passed_ms = 86_400_000 - 2000 + 20 * row
        clock = f"{passed_ms % 86_400_000 // 3_600_000:02}:{passed_ms // 60_000 % 60:02}:{passed_ms / 1000 % 60:06.3f}"
        return form.format(passed_ms // 86_400_000, clock)

    whole(read(tmp_path, "time;x;y;z", cells, ";"))


def test_an_underscore_is_no_part_of_a_number(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="got '1_000'"):
        read(tmp_path, "time_ms,x,y,z", lambda row: "1_000" if row == 50 else row * 20)


@pytest.mark.parametrize("lost", [0.02, 0.08, 0.15, 0.3])
@pytest.mark.parametrize("jitter_ms", [0, 1])
@pytest.mark.parametrize("unit", ["ms", "s"])
def test_lost_samples_are_gaps_however_many(tmp_path: Path, lost: float, jitter_ms: int, unit: str) -> None:
    random = np.random.default_rng(5)
    kept = np.flatnonzero(random.uniform(size=2 * ROWS) >= lost)[:ROWS]
    times = 20 * kept + random.integers(-jitter_ms, jitter_ms + 1, len(kept))
    cells = [f"{time / 1000:.3f}" if unit == "s" else str(time) for time in times]
    (recording,) = read(tmp_path, f"time_{unit},x,y,z", lambda row: cells[row]).recordings
    assert recording.rate_hz == pytest.approx(50, rel=0.01)
    assert recording.gaps == tuple((np.flatnonzero(np.diff(kept) > 1) + 1).tolist())


@pytest.mark.parametrize("rate_hz", [62.5, 75, 90, 120, 150, 240, 400])
@pytest.mark.parametrize("digits", [2, 3])
def test_rounded_times_are_no_lost_samples(tmp_path: Path, rate_hz: float, digits: int) -> None:
    (recording,) = read(tmp_path, "time_s,x,y,z", lambda row: f"{row / rate_hz:.{digits}f}").recordings
    assert recording.rate_hz == pytest.approx(rate_hz, rel=0.02)
    assert recording.gaps == ()


def test_a_rate_that_changes_is_said(tmp_path: Path) -> None:
    data = read(tmp_path, "time_ms,x,y,z", lambda row: 20 * row if row < 150 else 3000 + 40 * (row - 150))
    assert any("The rate changes" in text and "50 Hz at first, 25 Hz at the end" in text for text in data.all_problems)


def test_samples_that_are_uneven_in_time_are_said(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(1).uniform(5, 100, ROWS)).astype(int)
    data = read(tmp_path, "time_ms,x,y,z", lambda row: times[row])
    assert any("uneven in time" in problem for problem in data.all_problems)


@pytest.mark.parametrize("jitter_ms", [0, 1, 4])
def test_a_rate_that_jitters_is_one_rate(tmp_path: Path, jitter_ms: int) -> None:
    times = 20 * np.arange(ROWS) + np.random.default_rng(2).integers(-jitter_ms, jitter_ms + 1, ROWS)
    data = read(tmp_path, "time_ms,x,y,z", lambda row: times[row])
    assert not any("rate changes" in problem or "uneven" in problem for problem in data.all_problems)


OTHER: Final = SAMPLES[:, [1, 0, 2]] * [1, -1, 1]


@pytest.mark.parametrize("sensors", [2, 3])
@pytest.mark.parametrize("apart_ms", [0, 3])
def test_rows_of_sensors_in_turn_are_asked_about(tmp_path: Path, sensors: int, apart_ms: int) -> None:
    each = [SAMPLES, OTHER, OTHER[:, [0, 2, 1]]][:sensors]
    rows = [
        f"{20 * row + apart_ms * turn},{','.join(map(str, one[row]))}"
        for row in range(ROWS)
        for turn, one in enumerate(each)
    ]
    (tmp_path / "log.csv").write_text("\n".join(["time_ms,x,y,z", *rows]))
    with pytest.raises(DataError, match=rf"as those of {sensors} sensors in turn.*--rate"):
        import_recordings(tmp_path / "log.csv")
    data = import_recordings(tmp_path / "log.csv", Options(time="none", rate_hz=100.0))
    assert any("sensors in turn" in problem for problem in data.all_problems)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 5), st.integers(10, 100), st.floats(0, 0.2))
def test_movements_are_never_taken_for_sensors_in_turn(seed: int, beat_hz: float, rate_hz: int, noise_g: float) -> None:
    random = np.random.default_rng(seed)
    phase = 2 * np.pi * beat_hz * np.arange(640)[:, None] / rate_hz + random.uniform(0, 6, 3)
    wave = random.normal(size=3) + np.sin(phase) + 0.5 * np.sin(2 * phase) + random.normal(0, noise_g, (640, 3))
    assert look_at_rows(wave, rate_hz).sensors == 1


def test_values_that_are_held_are_said(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(
        "time_ms,x,y,z\n" + "".join(f"{10 * row},{','.join(map(str, SAMPLES[row // 2]))}\n" for row in range(2 * ROWS))
    )
    problems = import_recordings(tmp_path / "log.csv").all_problems
    assert any("stands in 2 rows on average" in problem and "not 100" in problem for problem in problems)
