"""What goes to Edge Impulse comes back the same."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgehar.models.errors import DataError, UsageError
from edgehar.pipeline.data.export import ENCODINGS, export_edge_impulse
from edgehar.pipeline.data.readers import load_dataset
from edgehar.pipeline.data.recordings import Dataset, LabelInterval, Recording

SAMPLES = (np.array([0.06, 0.98, -0.15]) + 0.1 * np.sin(np.arange(600)[:, np.newaxis] * [0.3, 0.5, 0.7])).astype(
    np.float32
)


def _dataset() -> Dataset:
    labels = (LabelInterval(0, 300, "Walking Forward"), LabelInterval(400, 600, "a/b"))
    return Dataset("d", ("Walking Forward", "a/b"), (Recording("x/y", "7", SAMPLES, 62.5, labels, gaps=(100,)),))


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_round_trip(tmp_path: Path, encoding: str) -> None:
    assert export_edge_impulse(_dataset(), tmp_path / "out", encoding=encoding) == 3
    back = load_dataset(tmp_path / "out")
    assert set(back.activities) == {"Walking Forward", "a/b"}
    assert {len(item): item.labels[0].activity for item in back.recordings} == {
        100: "Walking Forward",
        200: back.recordings[-1].labels[0].activity,
    }
    assert {item.rate_hz for item in back.recordings} == {62.5}
    joined = np.concatenate(
        [item.samples for item in sorted(back.recordings, key=lambda item: item.samples[0].tolist())]
    )
    expected = np.concatenate([SAMPLES[:300], SAMPLES[400:]])
    np.testing.assert_allclose(np.sort(joined, axis=0), np.sort(expected, axis=0), atol=1e-6)


def test_the_document_is_as_the_format_says(tmp_path: Path) -> None:
    export_edge_impulse(_dataset(), tmp_path / "out")
    document = json.loads((tmp_path / "out" / "Walking-Forward.x-y-0.json").read_text())
    assert document["protected"] == {"ver": "v1", "alg": "none"}
    payload = document["payload"]
    assert payload["interval_ms"] == 16.0
    assert payload["sensors"] == [{"name": f"acc{axis}", "units": "m/s2"} for axis in "XYZ"]
    np.testing.assert_allclose(payload["values"], SAMPLES[:100] * 9.80665, atol=1e-5)
    index = json.loads((tmp_path / "out" / "info.labels").read_text())
    assert index["files"][0]["label"] == {"type": "label", "label": "Walking Forward"}


def test_nothing_is_overwritten_and_nothing_is_half_written(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("")
    with pytest.raises(UsageError, match="new or empty folder"):
        export_edge_impulse(_dataset(), tmp_path / "out")
    unlabelled = Dataset("d", (), (Recording("x", "7", SAMPLES, 50.0),))
    with pytest.raises(DataError, match="labelled"):
        export_edge_impulse(unlabelled, tmp_path / "none")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["out"]


def test_an_encoding_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="json, cbor, csv"):
        export_edge_impulse(_dataset(), tmp_path / "out", encoding="xml")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_turning_rate_goes_along_in_degrees_per_second(tmp_path: Path, encoding: str) -> None:
    samples = np.hstack([SAMPLES, np.full((600, 3), 30.0, np.float32)])
    item = Recording("r", "7", samples, 50.0, (LabelInterval(0, 600, "a"),))
    export_edge_impulse(Dataset("d", ("a",), (item,)), tmp_path / "out", encoding=encoding)
    content = (tmp_path / "out" / f"a.r-0.{encoding}").read_bytes()
    assert b"accX" in content
    assert b"gyrZ" in content
    if encoding == "json":
        payload = json.loads(content)["payload"]
        assert payload["sensors"][3:] == [{"name": f"gyr{axis}", "units": "dps"} for axis in "XYZ"]
        assert payload["values"][0][3:] == [30.0, 30.0, 30.0]
    back = load_dataset(tmp_path / "out")
    np.testing.assert_allclose(back.recordings[0].samples, SAMPLES, atol=1e-6)
