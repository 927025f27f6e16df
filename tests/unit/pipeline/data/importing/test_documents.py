"""Documents in JSON and CBOR: recordings, labels, and everything else in one sentence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgehar.models.errors import DataError, HarError
from edgehar.pipeline.data.importing.collection import import_recordings
from edgehar.pipeline.data.importing.options import Options
from edgehar.pipeline.data.recordings import LabelInterval

SAMPLES = np.array([0.06, 0.98, -0.15]) + 0.1 * np.sin(np.arange(208)[:, np.newaxis] * [0.3, 0.5, 0.7])


def edge_impulse(**changes: Any) -> dict[str, Any]:
    payload = {
        "device_type": "PHONE",
        "interval_ms": 16,
        "sensors": [{"name": f"acc{axis}", "units": "m/s2"} for axis in "XYZ"],
        "values": (SAMPLES * 9.80665).tolist(),
    }
    return {"protected": {"ver": "v1", "alg": "none"}, "signature": "0", "payload": {**payload, **changes}}


def movesense() -> dict[str, Any]:
    packets = [
        {
            "ArrayAcc": [dict(zip("xyz", row, strict=True)) for row in (SAMPLES[at : at + 8] * 9.80665).tolist()],
            "Timestamp": 1000 + at * 1000 // 104,
        }
        for at in range(0, 208, 8)
    ]
    return {"Meas": {"IMU9": packets}}


def test_edge_impulse(tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "a.json").write_text(json.dumps(edge_impulse()))
    label = {"path": "training/a.json", "category": "training", "label": {"type": "label", "label": "circle"}}
    (tmp_path / "info.labels").write_text(json.dumps({"version": 1, "files": [label]}))
    (recording,) = import_recordings(tmp_path).recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-5)
    assert (recording.rate_hz, recording.labels) == (62.5, (LabelInterval(0, 208, "circle"),))


def test_edge_impulse_label_before_the_first_dot(tmp_path: Path) -> None:
    (tmp_path / "idle.1.2.json").write_text(json.dumps(edge_impulse()))
    assert import_recordings(tmp_path).activities == ("idle",)


def test_edge_impulse_in_cbor(tmp_path: Path) -> None:
    cbor2 = pytest.importorskip("cbor2")
    (tmp_path / "a.cbor").write_bytes(cbor2.dumps(edge_impulse()))
    (recording,) = import_recordings(tmp_path / "a.cbor").recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-5)


def test_movesense(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(json.dumps(movesense()))
    (recording,) = import_recordings(tmp_path / "log.json").recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-5)
    assert recording.rate_hz == pytest.approx(104, rel=0.01)
    assert recording.gaps == ()


def test_a_lost_packet_of_movesense_is_a_gap(tmp_path: Path) -> None:
    log = movesense()
    del log["Meas"]["IMU9"][10]
    (tmp_path / "log.json").write_text(json.dumps(log))
    (recording,) = import_recordings(tmp_path / "log.json").recordings
    assert recording.gaps == (80,)


@pytest.mark.parametrize("short", [True, False])
def test_label_studio(tmp_path: Path, short: bool) -> None:
    regions = [
        {"start": 0, "end": 2, "instant": False, "timeserieslabels": ["Run"]},
        {"start": 2, "end": 4, "instant": False, "timeserieslabels": ["Rest"]},
    ]
    task = {"label": regions} if short else {"annotations": [{"result": [{"value": region} for region in regions]}]}
    (tmp_path / "labels.json").write_text(json.dumps([task]))
    rows = [f"{row / 50:.2f},{x},{y},{z}" for row, (x, y, z) in enumerate(SAMPLES[:200])]
    (tmp_path / "a.csv").write_text("\n".join(["time,x,y,z", *rows]))
    (recording,) = import_recordings(tmp_path).recordings
    assert recording.labels == (LabelInterval(0, 100, "Run"), LabelInterval(100, 200, "Rest"))


@pytest.mark.parametrize(
    "changes",
    [
        {"values": [[1, 2]]},
        {"values": [[1, 2, 3], [1, 2]]},
        {"values": [[1, 2, None]]},
        {"values": []},
        {"interval_ms": 0},
        {"interval_ms": "fast"},
        {"sensors": [{"name": "audio"}]},
        {"sensors": None},
    ],
)
def test_damaged_documents_are_one_sentence(tmp_path: Path, changes: dict[str, Any]) -> None:
    (tmp_path / "a.json").write_text(json.dumps(edge_impulse(**changes)))
    with pytest.raises(DataError, match=r"a\.json"):
        import_recordings(tmp_path / "a.json")


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", "[]", '{"payload": 3}', '{"Meas": []}', '{"a": 1'])
def test_other_documents_are_one_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=r"a\.json"):
        import_recordings(tmp_path / "a.json")


VALUES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=4) | st.just("x"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Meas", "ArrayAcc", "Timestamp", "x", "y", "z", "payload", "label"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(VALUES, st.sampled_from(["payload", "Meas", "label", "annotations", "data"]), st.booleans())
def test_any_document_is_read_or_refused(tmp_path: Path, value: Any, key: str, listed: bool) -> None:
    document = {key: value}
    (tmp_path / "a.json").write_text(json.dumps([document] if listed else document))
    said = "a.json"
    try:
        import_recordings(tmp_path / "a.json", Options(unit="g", rate_hz=50.0))
    except HarError as error:
        said = str(error)
    assert "a.json" in said


_ROWS = [{"time_ms": at * 20, **dict(zip("xyz", row, strict=True))} for at, row in enumerate(SAMPLES.tolist())]


@pytest.mark.parametrize(
    "document",
    [
        _ROWS,
        {"device": "a", "data": _ROWS},
        [{"time_ms": row["time_ms"], "accel": {axis: row[axis] for axis in "xyz"}} for row in _ROWS],
        {name: [row[name] for row in _ROWS] for name in _ROWS[0]},
        {"values": {name: [row[name] for row in _ROWS] for name in _ROWS[0]}, "version": [1, 2]},
        [{"sensor": "Metadata", "device": "a"}, *({"sensor": "Accelerometer", **row} for row in _ROWS)],
    ],
)
def test_rows_and_columns_are_a_table(tmp_path: Path, document: Any) -> None:
    (tmp_path / "log.json").write_text(json.dumps(document))
    (recording,) = import_recordings(tmp_path).recordings
    np.testing.assert_allclose(recording.samples, SAMPLES, atol=1e-6)
    assert recording.rate_hz == 50.0


def test_lines_of_records_are_a_table(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in _ROWS))
    assert len(import_recordings(tmp_path).recordings[0]) == len(SAMPLES)


def test_rows_of_something_else_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "log.json").write_text(json.dumps(_ROWS))
    (tmp_path / "people.json").write_text(json.dumps([{"name": "a", "age": 3, "height": 4}] * 5))
    data = import_recordings(tmp_path)
    assert len(data.recordings) == 1
    assert data.passed_over == (str(tmp_path / "people.json"),)
