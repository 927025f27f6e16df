"""Sinks: what programs and people get to see."""

import io
import json

import pytest
from rich.console import Console

from edgehar.firmware_bridge.live.pipeline import Prediction
from edgehar.firmware_bridge.live.sinks import LiveStatus
from edgehar.firmware_bridge.live.sinks.json_lines import JsonLinesSink
from edgehar.firmware_bridge.live.sinks.plain_lines import PlainLinesSink
from edgehar.firmware_bridge.live.sinks.terminal import TerminalView
from edgehar.firmware_bridge.stream.host_clock import ClockFit
from edgehar.firmware_bridge.stream.rate import RateEstimate
from edgehar.firmware_bridge.stream.samples import Remark, StreamCounts
from edgehar.models.errors import BridgeError

LABELS = ("Walking Forward", "Sitting", "Éléváteur [x]")
FIRST = Prediction(1.99, "Sitting", 0.75, (0.2, 0.75, 0.05), 0, 0.0012)
SECOND = Prediction(2.99, "Walking Forward", 0.5, (0.5, 0.45, 0.05), 7, 0.0013)


def status(**changes: object) -> LiveStatus:
    """Return how a session stands."""
    values: dict[str, object] = {
        "elapsed_s": 5.0,
        "windows": 2,
        "counts": StreamCounts(bytes_read=9999, samples=1234, lost=7, damaged=3),
        "rate": RateEstimate(99.98, 0.02, 5.0),
        "filled": 0.5,
        "refilling": False,
        "silent": False,
        "latency_p50_s": 0.0012,
        "latency_p95_s": 0.0013,
        "latency_p99_s": 0.0014,
    }
    return LiveStatus(**{**values, **changes})  # type: ignore[arg-type]


def test_json_lines_are_whole_objects_written_at_once() -> None:
    stream = io.StringIO()
    sink = JsonLinesSink(stream, name="labels.jsonl", labels=LABELS)
    sink.predicted(FIRST)
    first = json.loads(stream.getvalue())
    assert first == {
        "t_s": 1.99,
        "label": "Sitting",
        "probability": 0.75,
        "lost_samples": 0,
        "latency_ms": 1.2,
        "raw_label": "Sitting",
        "bridged_samples": 0,
        "quality": "ok",
        "probabilities": dict(zip(LABELS, FIRST.probabilities, strict=True)),
    }
    sink.predicted(SECOND)
    assert [json.loads(line)["lost_samples"] for line in stream.getvalue().splitlines()] == [0, 7]


def test_a_full_disk_is_one_sentence() -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(BridgeError, match=r"labels\.jsonl: could not write a label \(No space left on device\)"):
        JsonLinesSink(Full(), name="labels.jsonl", labels=LABELS).predicted(FIRST)


def test_plain_lines_show_new_loss_once() -> None:
    labels, remarks = io.StringIO(), io.StringIO()
    sink = PlainLinesSink(labels_to=labels, remarks_to=remarks)
    for prediction in (FIRST, SECOND, SECOND):
        sink.predicted(prediction)
    sink.remarked(Remark("hello"))
    sink.remarked(Remark("look", warning=True))
    lines = labels.getvalue().splitlines()
    assert [" ".join(line.split()) for line in lines] == [
        "1.99 s Sitting 75%",
        "2.99 s Walking Forward 50% 7 lost before this window",
        "2.99 s Walking Forward 50%",
    ]
    assert remarks.getvalue() == "hello\nwarning: look\n"


def test_the_summary_is_one_line_with_everything() -> None:
    assert status().sentence() == (
        "2 windows classified, 1,234 samples, 7 lost, 3 damaged lines, 99.98 ± 0.02 Hz measured, "
        "label latency p50 1.2, p95 1.3, p99 1.4 ms"
    )
    empty = status(windows=0, rate=None, latency_p50_s=None, latency_p95_s=None, latency_p99_s=None)
    assert "latency" not in empty.sentence()
    assert json.loads(json.dumps(empty.to_json()))["latency_ms"] == {"p50": None, "p95": None, "p99": None}


def picture(height: int = 24, **changes: object) -> str:
    """Return what the terminal shows after two labels, warnings and a status."""
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=height, color_system=None)
    view = TerminalView(console, title="lstm on litert · /dev/ttyUSB0", labels=LABELS)
    view.predicted(FIRST)
    view.predicted(SECOND)
    view.remarked(Remark("a [bold]remark[/bold]", warning=True))
    view.progressed(status(**changes))
    view.close()
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_view_shows_label_bars_stream_and_remarks() -> None:
    shown = picture()
    for text in (
        *LABELS,
        "50%",
        "lstm on litert",
        "1,234 samples",
        "7 lost",
        "99.98 ± 0.02 Hz",
        "label in 1.2 ms, p99 1.4 ms",
    ):
        assert text in shown
    assert "a [bold]remark[/bold]" in shown
    assert "Walking Forward from 3 s ← Sitting from 2 s" in shown


def test_an_old_label_is_not_shown_as_the_present_one() -> None:
    for changes, said in (({"refilling": True}, "filling the window   50%"), ({"silent": True}, "silence")):
        shown = picture(**changes)
        assert said in shown
        assert "was Walking Forward" in shown


def test_the_view_fits_a_small_terminal() -> None:
    many = tuple(f"activity {number}" for number in range(40))
    console = Console(file=io.StringIO(), force_terminal=True, width=80, height=20, color_system=None)
    view = TerminalView(console, title="t", labels=many)
    view.predicted(Prediction(1.0, "activity 39", 0.9, (*[0.1 / 39] * 39, 0.9), 0, 0.001))
    view.progressed(status())
    view.close()
    screen = Console(file=io.StringIO(), width=80, color_system=None)
    screen.print(view._render())
    assert isinstance(screen.file, io.StringIO)
    assert len(screen.file.getvalue().splitlines()) <= 20
    assert "activity 39" in screen.file.getvalue()


def test_an_unknown_label_says_what_its_window_alone_looked_like() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=100, height=24, color_system=None)
    view = TerminalView(console, title="t", labels=LABELS)
    view.predicted(Prediction(1.99, "unknown", 0.4, (0.3, 0.4, 0.3), 9, 0.001, "Sitting", 2))
    view.progressed(status(bridged=4))
    view.close()
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    for text in ("unknown", "this window: Sitting", "4 bridged"):
        assert text in shown


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        (ClockFit(0.0, 0.0, 41.6, 2.6, 60.0), "sensor clock 42 ± 3 ppm slow"),
        (ClockFit(0.0, 0.0, -2500.0, 0.2, 60.0), "sensor clock 2,500 ± 1 ppm fast"),
        (ClockFit(0.0, 0.0, -0.1, 0.3, 60.0), "sensor clock right to 2 ppm"),
    ],
)
def test_a_known_drift_is_said_in_the_summary_and_the_view(clock: ClockFit, said: str) -> None:
    drifting = status(clock=clock)
    assert f"99.98 ± 0.02 Hz measured, {said}, label latency" in drifting.sentence()
    assert drifting.to_json()["clock_drift_ppm"] == round(clock.drift_ppm, 2)
    assert drifting.to_json()["clock_drift_uncertainty_ppm"] == round(clock.uncertainty_ppm, 2)
    console = Console(file=io.StringIO(), force_terminal=True, width=120, height=40)
    view = TerminalView(console, title="model", labels=LABELS)
    view.progressed(drifting)
    view.close()
    assert said in console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "clock", [None, ClockFit(0.0, 0.0, -972_222.0, 5.0, 60.0), ClockFit(0.0, 0.0, 3.0, 50_000.0, 10.0)]
)
def test_a_drift_that_is_unknown_or_none_is_not_mentioned(clock: ClockFit | None) -> None:
    """A recording that is played 36 times as fast as it was made has no clock that drifts."""
    unknown = status(clock=clock)
    assert "clock" not in unknown.sentence()
    assert unknown.to_json()["clock_drift_ppm"] is None
