"""Every format that sketches print is read right, or asked about with a question whose answer works."""

import random

import numpy as np
import pytest

from edgehar.firmware_bridge.stream.checks import StreamChecks
from edgehar.firmware_bridge.stream.samples import Remark
from edgehar.firmware_bridge.text.source import TextSource
from edgehar.models.errors import BridgeError
from edgehar.models.units import parse_unit

from .sketches import ACC_G, ROWS, SKETCHES, Sketch, rows

BY_NAME = {sketch.name: sketch for sketch in SKETCHES}
KEPT = 200
"""Samples at the end that are compared."""


def play(
    sketch: Sketch, *, columns: str = "", unit: str = "", skip: int = 0, rate_hz: float = 100.0, cuts: int = 0
) -> tuple[np.ndarray, list[Remark], TextSource]:
    """Feed a source as a port would, and return the samples and remarks; a question is a warning."""
    source = TextSource(
        unit=parse_unit(unit) if unit else None,
        rate_hz=100.0,
        columns=tuple(columns.split(",")) if columns else None,  # type: ignore[arg-type]
        adopts_rate=True,
    )
    checks = StreamChecks(declared_rate_hz=100.0, window_length=200, range_g=None, rate_is_adopted=True)
    rng = random.Random(cuts)
    samples: list[np.ndarray] = []
    remarks: list[Remark] = []

    def take(data: bytes, now_s: float) -> None:
        decoded = source.feed(data, now_s)
        samples.extend(block.samples_g for block in decoded.blocks)
        remarks.extend(decoded.remarks)
        remarks.extend(checks.after_read(decoded.blocks, source.counts, source.unit))

    try:
        waiting = b""
        for row in rows():
            waiting += sketch.write(row).encode(sketch.encoding)
            if skip:
                skip, waiting = max(0, skip - len(waiting)), waiting[skip:]
            size = rng.randrange(len(waiting) + 1) if cuts else len(waiting)
            take(waiting[:size], row.index / rate_hz)
            waiting = waiting[size:]
        take(waiting, ROWS / rate_hz)
        ended = source.finish(ROWS / rate_hz)
    except BridgeError as question:
        return np.zeros((0, 3), np.float32), [*remarks, Remark(str(question), warning=True)], source
    samples += [block.samples_g for block in ended.blocks]
    return np.concatenate([np.zeros((0, 3), np.float32), *samples]), [*remarks, *ended.remarks], source


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


def doubts(remarks: list[Remark]) -> list[str]:
    """Return the warnings that say something is not understood."""
    return [remark.text for remark in remarks if remark.warning and "cannot be noticed" not in remark.text]


@pytest.mark.parametrize("name", BY_NAME)
def test_a_sketch_is_read_right_or_asked_about(name: str) -> None:
    sketch = BY_NAME[name]
    samples, remarks, source = play(sketch)
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
