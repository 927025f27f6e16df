"""Every format that sketches print is read right, or asked about with a question whose answer works."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.firmware_bridge.text.source import TextSource

from .other_streams import damaged, two_sensors
from .playing import doubts, outcome
from .playing import play as play_lines
from .sketches import ACC_G, ROWS, SKETCHES, Sketch, rows

BY_NAME = {sketch.name: sketch for sketch in SKETCHES}
GOLDEN = json.loads((Path(__file__).parents[3] / "golden" / "text-lines.json").read_text(encoding="utf-8"))
"""What is understood of every format: the page is held to the same (tests/unit/firmware_bridge/web)."""
OTHER_STREAMS = {**damaged(), **two_sensors()}
KEPT = 200
"""Samples at the end that are compared."""


def play(sketch: Sketch, **given: Any) -> tuple[np.ndarray, list[Remark], TextSource]:
    """Play the lines of a sketch at a source."""
    return play_lines(sketch.lines(), **given)


def assert_right(sketch: Sketch, samples: np.ndarray) -> None:
    """Check that the last samples are those that were written; the very last may wait for its line end."""
    written = [row for row in range(ROWS) if not (sketch.missing_every and (row + 1) % sketch.missing_every == 0)]
    assert len(samples) >= KEPT
    expected = ACC_G[written]
    distances = [
        np.abs(samples[len(samples) - KEPT :] - expected[len(expected) - KEPT - late : len(expected) - late]).max()
        for late in (0, 1)
    ]
    assert min(distances) <= sketch.tolerance_g


@pytest.mark.parametrize("name", BY_NAME)
def test_a_sketch_is_read_right_or_asked_about(name: str) -> None:
    sketch = BY_NAME[name]
    samples, remarks, source = play(sketch)
    assert outcome(sketch.lines(), samples, remarks, source) == GOLDEN[name], "run tools/make_golden_text_lines.py"
    if sketch.asks:
        assert any(sketch.asks in text for text in doubts(remarks)), doubts(remarks)
        return
    assert_right(sketch, samples)
    if sketch.missing_every:
        assert source.counts.lost == ROWS // sketch.missing_every
    else:
        assert not doubts(remarks)
        assert not source.counts.lost


@pytest.mark.parametrize("name", [sketch.name for sketch in SKETCHES if sketch.answer])
def test_the_answer_to_a_question_works(name: str) -> None:
    sketch = BY_NAME[name]
    samples, remarks, _ = play(sketch, **{sketch.asks.removeprefix("--"): sketch.answer})
    assert_right(sketch, samples)
    assert not doubts(remarks)


@pytest.mark.parametrize("name", [sketch.name for sketch in SKETCHES if not sketch.asks])
def test_a_port_may_be_joined_anywhere_and_read_in_any_pieces(name: str) -> None:
    sketch = BY_NAME[name]
    rng = random.Random(name)
    names_columns_once = sketch.write(next(rows())).count("\n") > sketch.write(list(rows())[1]).count("\n")
    skip = 0 if names_columns_once else rng.randrange(1, 60)
    samples, _, _ = play(sketch, skip=skip, cuts=rng.randrange(1, 1000))
    assert_right(sketch, samples)


@pytest.mark.parametrize("rate_hz", [25.0, 50.0, 200.0, 400.0])
@pytest.mark.parametrize("name", ["g, comma", "plotter, comma", "one value a line", "gyroscope first"])
def test_a_measured_rate_is_adopted(name: str, rate_hz: float) -> None:
    sketch = BY_NAME[name]
    samples, remarks, source = play(sketch, rate_hz=rate_hz)
    assert_right(sketch, samples)
    if rate_hz <= 100:
        assert any(f"{rate_hz:g}" in remark.text and "used from here on" in remark.text for remark in remarks)
    assert source.rate is not None
    assert source.rate.rate_hz == pytest.approx(rate_hz, rel=0.02)


@pytest.mark.parametrize("name", OTHER_STREAMS)
def test_other_streams_are_accounted_for_as_before(name: str) -> None:
    lines = OTHER_STREAMS[name]
    assert outcome(lines, *play_lines(lines)) == GOLDEN[name], "run tools/make_golden_text_lines.py"
