"""Rows that are written as JSON, in brackets, or with quoted decimal commas."""

import json
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from edgehar.models.errors import DataError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.recordings import Dataset

ROWS: Final = 200
SAMPLES: Final = np.round(np.array([0.06, 0.98, -0.15]) + 0.2 * np.sin(np.arange(ROWS)[:, None] * [0.3, 0.5, 0.7]), 5)
TURNS: Final = np.round(60 * np.sin(np.arange(ROWS)[:, None] * [0.2, 0.4, 0.6]), 3)
RECORDS: Final = [{"t_ms": row * 20, **dict(zip("xyz", SAMPLES[row].tolist(), strict=True))} for row in range(ROWS)]


def read(folder: Path, text: str, name: str, **declared: object) -> Dataset:
    """Import a text."""
    (folder / name).write_text(text, encoding="utf-8")
    return import_recordings(folder / name, Options(**declared))  # type: ignore[arg-type]


def right(data: Dataset) -> None:
    """Hold the only recording to the samples at 50 Hz."""
    (recording,) = data.recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)
    assert (round(recording.rate_hz, 3), recording.gaps) == (50.0, ())


def turns(row: int, **more: object) -> dict[str, Any]:
    """Return a record of a gyroscope."""
    return {"t_ms": row * 20, **more, **dict(zip("xyz", TURNS[row].tolist(), strict=True))}


@pytest.mark.parametrize(
    "document",
    [
        {"sampling_rate": 50, "unit": "g", "samples": [{**record} for record in RECORDS]},
        {"fs": 50, "data": [{axis: record[axis] for axis in "xyz"} for record in RECORDS]},
        {"fs": 50, "data": SAMPLES.tolist()},
        {"columns": ["t_ms", "x", "y", "z"], "index": list(range(ROWS)), "data": [list(r.values()) for r in RECORDS]},
        [{"t_ms": row * 20, "acc": SAMPLES[row].tolist(), "gyro": TURNS[row].tolist()} for row in range(ROWS)],
        [
            {"t_ms": row * 20, f"{sensor}.x": x, f"{sensor}.y": y, f"{sensor}.z": z}
            for row in range(ROWS)
            for sensor, (x, y, z) in (("acc", SAMPLES[row].tolist()), ("gyr", TURNS[row].tolist()))
        ],
    ],
)
def test_tables_in_json(tmp_path: Path, document: Any) -> None:
    right(read(tmp_path, json.dumps(document), "log.json"))


def test_a_rate_in_json_that_its_times_contradict_is_asked_about(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="100 Hz that the head of the file says, but the timestamps give 50 Hz"):
        read(tmp_path, json.dumps({"sampling_rate": 100, "samples": RECORDS}), "log.json")


@pytest.mark.parametrize("key", ["Samples", "data"])
@pytest.mark.parametrize("inner", ["MeasIMU6", "acc"])
def test_packets_under_any_key(tmp_path: Path, key: str, inner: str) -> None:
    g = 9.80665
    packets = [
        {inner: {"Timestamp": at * 20, "ArrayAcc": [dict(zip("xyz", one, strict=True)) for one in samples.tolist()]}}
        for at, samples in ((at, SAMPLES[at : at + 8] * g) for at in range(0, ROWS, 8))
    ]
    right(read(tmp_path, json.dumps({"Version": 1, key: packets}), "log.json"))


@pytest.mark.parametrize("name", ["log.jsonl", "log.ndjson", "log.txt"])
def test_lines_of_json_of_several_sensors(tmp_path: Path, name: str) -> None:
    lines = []
    for row, record in enumerate(RECORDS):
        lines += [json.dumps({"type": "accel", **record}), json.dumps(turns(row, type="gyro"))]
    right(read(tmp_path, "\n".join(lines) + "\n", name))


def test_lines_of_json_with_other_keys_for_each_sensor(tmp_path: Path) -> None:
    lines = []
    for row in range(ROWS):
        lines += [
            json.dumps({"t_ms": row * 20, "acc": SAMPLES[row].tolist()}),
            json.dumps({"t_ms": row * 20, "gyr": TURNS[row].tolist()}),
        ]
    right(read(tmp_path, "\n".join(lines) + "\n", "log.jsonl"))


def test_a_damaged_line_of_json_is_a_bad_row(tmp_path: Path) -> None:
    lines = [json.dumps(record) for record in RECORDS]
    lines[60] = lines[60][:20]
    text = "\n".join(lines) + "\n"
    with pytest.raises(DataError, match="--drop-bad-rows"):
        read(tmp_path, text, "log.jsonl")
    (recording,) = read(tmp_path, text, "log.jsonl", drop_bad_rows=True).recordings
    assert (len(recording), recording.gaps) == (ROWS - 1, (60,))


@pytest.mark.parametrize("form", ['"[{}, {}, {}]"', "[{} {} {}]", '"({}, {}, {})"', "({}, {}, {})"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("gyroscope", [False, True])
def test_three_numbers_in_one_cell(tmp_path: Path, form: str, mark: str, gyroscope: bool) -> None:
    lines = [mark.join(["time_ms", "acceleration", *["gyroscope"] * gyroscope])]
    for row in range(ROWS):
        cells = [form.format(*each[row]) for each in (SAMPLES, TURNS)[: 1 + gyroscope]]
        lines.append(mark.join([str(row * 20), *cells]))
    right(read(tmp_path, "\n".join(lines) + "\n", "log.csv"))


@pytest.mark.parametrize("quoted_names", [False, True])
def test_quoted_decimal_commas_between_commas(tmp_path: Path, quoted_names: bool) -> None:
    names = ["time", "x", "y", "z"]
    lines = [",".join(f'"{name}"' if quoted_names else name for name in names)]
    for row in range(ROWS):
        cells = [f"{value:.5f}".replace(".", ",") for value in (row * 0.02, *SAMPLES[row])]
        lines.append(",".join(f'"{cell}"' for cell in cells))
    right(read(tmp_path, "\n".join(lines) + "\n", "log.csv"))


def test_a_cell_longer_than_any_of_a_table_is_refused_with_its_line(tmp_path: Path) -> None:
    rows = [f'"{at},00","0,{at % 9}1","-1,{at % 7}2","9,8{at % 5}","walk"' for at in range(200)]
    rows[150] = '"150,00","0,11","-1,02","9,81","' + "q" * 200_000 + '"'
    (tmp_path / "long.csv").write_text("\n".join(["t,x,y,z,note", *rows]) + "\n")
    with pytest.raises(DataError, match="line 152: expected every quote closed and short cells"):
        import_recordings(tmp_path / "long.csv", Options())


def test_commas_between_thousands_are_no_decimal_commas(tmp_path: Path) -> None:
    lines = ["time_ms,x,y,z"]
    for row in range(ROWS):
        lines.append(",".join([str(row * 20), *(f'"{value:,}"' for value in (16_384 + row, 2_048 + row, 1_024 + row))]))
    with pytest.raises(DataError, match=r"got '16,384'"):
        read(tmp_path, "\n".join(lines) + "\n", "log.csv")
