"""What pages are told of a session: everything once, whenever they come."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.live.sinks.dashboard import MOST_POINTS_HZ, DashboardSink
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Remark, SampleBlock, StreamCounts

LABELS = ("Sitting", "<script>alert(1)</script>")
STATUS = LiveStatus(5.0, 2, StreamCounts(samples=50), RateEstimate(99.9, 0.1, 5.0), 0.5, False, False, 1e-3, 2e-3, 3e-3)


def block(first: int, count: int, *, rate_hz: float = 100.0, continues: bool = True) -> SampleBlock:
    numbers = np.arange(first, first + count)
    samples = np.stack([numbers, numbers, numbers], axis=1).astype(np.float32) / 1000
    return SampleBlock(samples, numbers / rate_hz, 0.0, 0, continues)


def prediction(number: int) -> Prediction:
    return Prediction(float(number), LABELS[number % 2], 0.7, (0.3, 0.7), 0, 1e-3 * number)


@given(st.lists(st.sampled_from(["samples", "label", "status", "remark"]), max_size=60), st.integers(0, 60))
def test_a_page_that_comes_late_gets_everything_once(happened: list[str], joins_after: int) -> None:
    now_s = 0.0
    told: list[dict] = []
    sink = DashboardSink(told.append, labels=LABELS, model_id="m", port="p", clock=lambda: now_s)
    snapshot, sent, labelled, heard = None, 0, 0, 0
    for number, what in enumerate(happened):
        if number == joins_after:
            snapshot = json.loads(json.dumps(sink.snapshot()))
        now_s += 0.03
        if what == "samples":
            sink.sampled(block(sent, 5))
            sent += 5
        elif what == "label":
            sink.predicted(prediction(labelled))
            labelled += 1
        elif what == "remark":
            sink.remarked(Remark(str(heard)))
            heard += 1
        else:
            sink.progressed(STATUS)
    sink.progressed(STATUS)
    snapshot = snapshot or {"n": 0, "stream": {"x": [], "labels": []}, "remarks": []}
    later = [message for message in json.loads(json.dumps(told)) if message["n"] > snapshot["n"]]
    streams = [snapshot["stream"], *(message for message in later if message["kind"] == "stream")]
    assert [value for each in streams for value in each["x"]] == [round(number / 1000, 3) for number in range(sent)]
    assert [label["t_s"] for each in streams for label in each["labels"]] == [float(n) for n in range(labelled)]
    remarks = [*snapshot["remarks"], *(message for message in later if message["kind"] == "remark")]
    assert [remark["text"] for remark in remarks] == [str(number) for number in range(heard)]
    assert [message["n"] for message in told] == list(range(1, len(told) + 1))


def test_a_break_is_a_point_without_a_value() -> None:
    told: list[dict] = []
    sink = DashboardSink(told.append, labels=LABELS, model_id="m", port="p")
    sink.sampled(block(0, 2))
    sink.sampled(block(10, 2, continues=False))
    sink.progressed(STATUS)
    assert told[0]["x"] == [0.0, 0.001, None, 0.01, 0.011]
    assert told[0]["t"] == [0.0, 0.01, 0.01, 0.1, 0.11]


def test_a_turning_rate_is_told_where_there_is_one() -> None:
    told: list[dict] = []
    sink = DashboardSink(told.append, labels=LABELS, model_id="m", port="p")
    sink.sampled(block(0, 1))
    sink.progressed(STATUS)
    assert not {"gx", "gy", "gz"} & set(told[0])
    six = np.array([[0.1, 0.2, 0.3, 123.456, -2.0, 0.04]], np.float32)
    sink.sampled(SampleBlock(six, np.array([1.0]), 0.0))
    sink.sampled(SampleBlock(six, np.array([3.0]), 0.0, lost=5))
    sink.progressed(STATUS)
    assert {name: told[2][name] for name in ("t", "z", "gx", "gz")} == {
        "t": [1.0, 1.0, 3.0],
        "z": [0.3, None, 0.3],
        "gx": [123.5, None, 123.5],
        "gz": [0.0, None, 0.0],
    }
    assert sink.snapshot()["stream"]["gy"] == [None, -2.0, None, -2.0]


def test_a_fast_sensor_is_drawn_with_fewer_points_and_this_is_said() -> None:
    told: list[dict] = []
    sink = DashboardSink(told.append, labels=LABELS, model_id="m", port="p")
    for first in range(0, 1600, 37):
        sink.sampled(block(first, 37, rate_hz=1600.0))
    sink.progressed(STATUS)
    points = told[0]["t"]
    assert len(points) <= MOST_POINTS_HZ * 1.05
    assert np.ptp(np.diff(points)) < 2e-4
    assert told[-1]["drawn_every"] == 13


def test_latencies_and_qualities_are_counted_and_another_model_begins_anew() -> None:
    told: list[dict] = []
    sink = DashboardSink(told.append, labels=LABELS, model_id="m", port="p")
    for number in (0, 1, 3, 9999):
        sink.predicted(prediction(number))
    sink.progressed(STATUS)
    assert sum(told[-1]["latency_counts"]) == 4
    assert told[-1]["latency_counts"][-1] == 1
    assert told[-1]["quality_counts"] == {"ok": 4}
    sink.model_changed("other", ("a", "b", "c"))
    assert told[-1] == {"kind": "model", "n": told[-1]["n"], "model_id": "other", "labels": ["a", "b", "c"]}
    sink.predicted(Prediction(1.0, "c", 0.5, (0.2, 0.3, 0.5), 0, 1e-3))
    sink.progressed(STATUS)
    assert sum(told[-1]["latency_counts"]) == 1
    assert told[-2]["labels"][-1]["probabilities"] == {"a": 0.2, "b": 0.3, "c": 0.5}
